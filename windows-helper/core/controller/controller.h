/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Controller: the whole helper but its hands. It owns the sessions, the agents with their grace
 * periods, the ledger in memory and the order of every change; the host (Windows shell, or the
 * test host on Linux with a table in memory) reads, writes and sends for it through ControllerHost.
 *
 * Single-threaded, no clock, no sockets, no allocation per idle tick. After any call, and no later
 * than controller_deadline(), the owner calls controller_dispatch(), which runs timers and, when
 * something changed, one reconcile with one activation.
 */

#include "windows-helper/core/controller/controller-host.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/vm/peer.h"

#include "protocol/session/session-helper.h"

#define CONTROLLER_CONNECTIONS_MAX 64
#define CONTROLLER_GUESTS_MAX      64   /* identities with a state, live or in their grace period */
#define CONTROLLER_GOODBYE_MS      5000 /* after BYE: a restart of the agent cuts no connection */
#define CONTROLLER_RECOVERY_MS     30000 /* after our own start: time for agents to come back */
#define CONTROLLER_PRIVILEGED_PORTS \
        1024                      /* vsock ports below are root's (net/vmw_vsock/af_vsock.c) */
#define CONTROLLER_RETRY_MS 30000 /* what failed (a write, iphlpsvc) is tried again so often */

typedef struct Controller Controller;
typedef struct PeerConnection PeerConnection;

typedef struct ControllerOptions {
        SessionMac mac;
        Policy policy;
        uint32_t heartbeat_ms, handshake_ms;
        uint32_t goodbye_ms, recovery_ms;
        const char *software;   /* "wslbridge-helper 0.1.0", borrowed */
        bool unchecked_hostnet; /* until controller_set_hostnet(): see Hostnet.unchecked */
} ControllerOptions;

/* Defaults: see the constants above, wire.h and policy_init(). */
void controller_options_init(ControllerOptions *options);

/**
 * controller_new() - load the ledger and start the recovery period
 * @host: copied; its functions are called until controller_free()
 *
 * Return: 0, -ENOMEM, or the host's error from loading the ledger (then nothing may be changed:
 * without the ledger nothing is provably ours).
 */
int controller_new(Controller **ret_controller, const ControllerOptions *options,
                   const ControllerHost *host, uint64_t now_usec);
Controller *controller_free(Controller *b); /* frees only; see controller_stop() */

/* A peer connected. Return: 0, -ENOMEM; or -EBUSY when all slots hold proven sessions. The oldest
 * unproven one is closed when slots are short. */
int controller_connect(Controller *b, void *peer, const Peer *info, uint64_t now_usec,
                       PeerConnection **ret_connection);

/* Bytes from a peer. May call host->send and host->close. */
void controller_receive(PeerConnection *c, const uint8_t *data, size_t n, uint64_t now_usec);

/* The peer's transport is gone, whoever closed it; @c is freed. The host calls it exactly once for
 * each connection, also after host->close(). */
void controller_disconnect(PeerConnection *c, uint64_t now_usec);

/* Somebody changed the PortProxy table (or may have). */
void controller_rules_changed(Controller *b);

/* The VMs that run now. Agents met in another one are withdrawn at once; before the first call all
 * VMs count as running, and agents met through a listener for any VM are never touched. */
void controller_set_vms(Controller *b, const VmId *vms, size_t n, uint64_t now_usec);

/* In force from the next dispatch; copied. Sessions of agents go on. */
void controller_set_policy(Controller *b, const Policy *policy);
void controller_set_hostnet(Controller *b, const Hostnet *hostnet);

/* Keys were added, changed or removed: sessions that were proven with another key end, and what
 * they asked for is withdrawn at once. */
void controller_keys_changed(Controller *b, uint64_t now_usec);

/* iphlpsvc was started, stopped or restarted: tell it the values, verify them again. */
void controller_forwarder_changed(Controller *b);

/* What keeps firewall rules from being in force; "" for nothing. @failed: the rules could not be
 * made (services that open something are blocked), else they are there and may be ineffective (a
 * note at active services). */
void controller_set_firewall_problem(Controller *b, const char *text, bool failed);

/* Run what is due; call after every batch of the above. */
void controller_dispatch(Controller *b, uint64_t now_usec);
uint64_t controller_deadline(const Controller *b);

/* What is known of an agent, to show it. Valid in the callback only. */
typedef struct GuestView {
        const char *owner;
        const char *software; /* "" when not connected */
        bool connected;
        bool hold;                        /* in the ledger, not back since our start */
        const WireState *state;           /* NULL when hold, or nothing was asked for yet */
        uint64_t serial;                  /* of the state, among all that the controller ever got */
        const WireServiceResult *results; /* for each service of the state; NULL: none told yet */
        VmId vm;
        uint64_t heard_usec; /* last frame of the live connection */
} GuestView;

void controller_guests(const Controller *b, void (*fn)(void *userdata, const GuestView *view),
                       void *userdata);

/* The last run that changed or verified something, and peers that were refused for want of a key
 * (newest first, at most CONTROLLER_STRANGERS_KEPT): for who wants to pair them. */
#define CONTROLLER_STRANGERS_KEPT 8
typedef struct ControllerSummary {
        uint64_t applied_usec; /* when it ended, by the caller's clock; 0: never */
        uint32_t apply_usec;   /* how long it took */
        int activation_error;
        const char (*strangers)[LEDGER_OWNER_MAX + 1];
        size_t n_strangers;
        uint64_t generation; /* grows with whatever controller_guests() and this would show */
} ControllerSummary;

void controller_summary(const Controller *b, ControllerSummary *ret_summary);

/* A successor takes over at once: say goodbye to all, leave values and ledger as they are. */
void controller_hand_over(Controller *b, uint64_t now_usec);

/* The helper stops: say goodbye to all, withdraw every value of ours, activate. Return: 0 or the
 * first error; goes on after errors. */
int controller_stop(Controller *b, uint64_t now_usec);
