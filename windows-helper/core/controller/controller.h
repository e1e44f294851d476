/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Controller: everything that the helper decides. It owns the sessions, the guests with their grace
 * periods, the ledger in memory and the order of every change. It reads, writes and sends through
 * ControllerHost, which the Windows service and the test host on Linux implement.
 *
 * It is single-threaded and has no clock and no sockets. An idle tick allocates nothing. After any
 * call, and no later than controller_deadline(), the owner calls controller_dispatch(), which runs
 * timers and, when something changed, one reconcile with at most one activation. If there is much
 * to do, it does a part, and the deadline is now.
 */

#include "windows-helper/core/base/forwarder.h"
#include "windows-helper/core/controller/controller-host.h"
#include "windows-helper/core/firewall/sight.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/vm/peer.h"

#include "protocol/session/session-helper.h"

/* Identities with a session or a claim: connected, or in a grace period. */
#define CONTROLLER_GUESTS_MAX 64
/* Identities without a key that one VM may have, where policy lets them in. VMs whose id is not
 * known count as one, here and below. */
#define CONTROLLER_KEYLESS_PER_VM 16
/* Connections that have no session yet, and how many of them one VM may have. */
#define CONTROLLER_HANDSHAKES_MAX    32
#define CONTROLLER_HANDSHAKES_PER_VM 16
#define CONTROLLER_CONNECTIONS_MAX   (CONTROLLER_GUESTS_MAX + CONTROLLER_HANDSHAKES_MAX)
#define CONTROLLER_UNPAIRED_MAX      8 /* unpaired peers that are remembered, to be shown */
/* The grace period after BYE: a restart of the agent cuts no connection. */
#define CONTROLLER_GOODBYE_MS 5000
/* The grace period after our own start: time for agents to come back. */
#define CONTROLLER_RECOVERY_MS 30000
/* Only root may use the vsock ports below this one (net/vmw_vsock/af_vsock.c). */
#define CONTROLLER_PRIVILEGED_PORTS 1024
/* How long to wait before what failed (a write, iphlpsvc) is tried again. */
#define CONTROLLER_RETRY_MS 30000

/* A machine that is busy, or just starting, answers late. So long iphlpsvc has to answer before the
 * services count as blocked. Until then they are pending. */
#define CONTROLLER_PATIENCE_MS 10000

typedef struct Controller Controller;
typedef struct PeerConnection PeerConnection;

typedef struct ControllerOptions {
        SessionMac mac;
        Policy policy;
        uint32_t heartbeat_ms, handshake_ms;
        uint32_t goodbye_ms, recovery_ms;
        const char *software;   /* "wslbridge-helper 0.1.0"; borrowed */
        bool unchecked_hostnet; /* until controller_set_hostnet(), see Hostnet.unchecked */
        ForwarderMeans means;   /* what this host can do; none by default */
        size_t slice_changes;   /* see slice.h */
        size_t view_portion;    /* see rule-view.h */
} ControllerOptions;

/* The defaults are the constants above, those of wire.h, slice.h and rule-view.h, and
 * policy_init(). */
void controller_options_init(ControllerOptions *options);

/**
 * controller_new() - load the ledger and start the recovery period
 * @host: copied; its functions are called until controller_free()
 *
 * Return: 0, -ENOMEM, or the host's error from loading the ledger. Then nothing may be changed,
 * because without the ledger nothing is provably ours.
 */
int controller_new(Controller **ret_controller, const ControllerOptions *options,
                   const ControllerHost *host, uint64_t now_usec);
Controller *controller_free(Controller *controller); /* only frees; see controller_stop() */

/**
 * controller_connect() - a peer connected
 * @handle: the host's name for the connection, given back to ConnectionHost; borrowed
 * @peer: copied
 *
 * When too many connections have no session yet, one of them is refused as busy: the oldest that
 * is unproven, or @ret_connection itself. It is closed like any other connection.
 *
 * Return: 0 or -ENOMEM.
 */
int controller_connect(Controller *controller, void *handle, const Peer *peer, uint64_t now_usec,
                       PeerConnection **ret_connection);

/* Bytes from a peer. May call ConnectionHost's send and close. */
void controller_receive(PeerConnection *c, const uint8_t *data, size_t n, uint64_t now_usec);

/* The peer's transport is gone, no matter who closed it; @c is freed. The host calls this exactly
 * once for each connection, also after ConnectionHost's close. */
void controller_disconnect(PeerConnection *c, uint64_t now_usec);

/* Somebody changed the PortProxy table, or may have changed it. */
void controller_rules_changed(Controller *controller);

/* An administrator asked for an adoption. */
void controller_adoptions_changed(Controller *controller);

/* The VMs that run now, as the Host Compute Service says; copied. The rules of guests in VMs that
 * an earlier list had, and this one has not, are withdrawn at once. Guests in VMs that no list has
 * ever had stay until they say goodbye or fall silent (see peer_compare()). What the list knows
 * better about a guest's VM applies to the guest from now on. */
void controller_set_vms(Controller *controller, const VmList *vms, uint64_t now_usec);

/* Whether a connection that came through the listener of @vm is open; if @vm is null, through the
 * one for any VM. */
bool controller_is_connected(const Controller *controller, const VmId *vm);

/* Copied. Sessions that the new policy would not admit end at once, and so do the claims of guests
 * that are not connected. What all others asked for is judged again in the next dispatch. */
void controller_set_policy(Controller *controller, const Policy *policy, uint64_t now_usec);
void controller_set_hostnet(Controller *controller, const Hostnet *hostnet);

/* Keys were added, changed or removed. Sessions that were proven with another key end, and their
 * rules are withdrawn at once. */
void controller_keys_changed(Controller *controller, uint64_t now_usec);

/* iphlpsvc was started, stopped or restarted: activate the values and verify them again. */
void controller_forwarder_changed(Controller *controller);

/* The same for the relay, which reads its values by itself. */
void controller_relay_changed(Controller *controller);

/* Why firewall rules could not be made; "" when they were. Services that open something are blocked
 * then. @whose: only those whose rule is .blamed in it; borrowed until the next call. NULL: all. */
void controller_set_firewall_problem(Controller *controller, const char *text,
                                     const FirewallRules *whose);

/* What else decides who gets in; then active services say for whom they are open. @sight: borrowed
 * until the next call, or NULL, as before the first one: nothing is known. */
void controller_set_firewall_sight(Controller *controller, const FirewallSight *sight);

/* Do what is due. To be called after every batch of the calls above. */
void controller_dispatch(Controller *controller, uint64_t now_usec);
/* When controller_dispatch() must be called at the latest: 0 for now, or SESSION_NO_DEADLINE. */
uint64_t controller_deadline(const Controller *controller);

/* What is known about a guest, for showing it. Valid during the callback only. */
typedef struct GuestView {
        const char *owner;
        const char *software; /* "" when not connected */
        bool connected;
        bool in_grace;          /* it is in the ledger and has not come back since our start */
        const WireState *state; /* NULL when .in_grace, or when it has asked for nothing yet */
        WireReach reach;        /* of the state */
        uint64_t serial;        /* of the state, among all that the controller ever got */
        const WireServiceResult *results; /* of each service; NULL: none yet */
        VmId vm;
        uint64_t heard_usec; /* last frame of the live connection */
} GuestView;

/* Call @fn for each guest, in the order of arrival. */
void controller_guests(const Controller *controller,
                       void (*fn)(void *userdata, const GuestView *view), void *userdata);

/* The last run, and the peers that were refused because they have no key, for people who want to
 * pair them. */
typedef struct ControllerSummary {
        uint64_t applied_usec; /* when the last run ended, by the caller's clock; 0: never */
        uint32_t apply_usec;   /* how long it took */
        int activation_error;
        const char (*unpaired)[LEDGER_OWNER_MAX + 1]; /* borrowed; newest first */
        size_t n_unpaired;
        uint64_t generation; /* grows with every change that this or controller_guests() shows */
        uint64_t n_decided;  /* how many endpoints all runs together have decided on */
        size_t n_endpoints;  /* that guests hold now */
} ControllerSummary;

void controller_summary(const Controller *controller, ControllerSummary *ret_summary);

/* A successor takes over at once: say goodbye to all, and leave values and ledger as they are. */
void controller_hand_over(Controller *controller, uint64_t now_usec);

/* The helper stops: say goodbye to all, withdraw every value of ours, and activate. It goes on
 * after errors. Return: 0 when nothing of ours is left, or the first error. */
int controller_stop(Controller *controller, uint64_t now_usec);
