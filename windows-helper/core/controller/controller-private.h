/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The controller's state, and what the files of this folder call in each other. From the top down:
 * controller.c (lifetime, timers, reports from the owner), settle.c (one run) with scope.c (whom it
 * is for), share.c (whose turn it is), reported.c (what was said last) and checks.c (around it),
 * admission.c (whom the policy admits), connection-input.c (what arrives), connection.c (sending,
 * ending, an identity's one place), places.c (who has to go when there are too many).
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-log-private.h"
#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/controller/guests-private.h"
#include "windows-helper/core/controller/identity-private.h"
#include "windows-helper/core/controller/unpaired-private.h"
#include "windows-helper/core/ports/verify.h"
#include "windows-helper/core/rules/rule-view.h"

#define CONTROLLER_USEC_PER_MSEC UINT64_C(1000)

/* Written by connection.c and connection-input.c. */
struct PeerConnection {
        Controller *controller; /* borrowed */
        void *handle;           /* borrowed, the host's name for it */
        Peer peer;
        PeerConnection *next;   /* in the list of all, newest first */
        HelperSession *session; /* owned */
        Buffer in;              /* what the session has not consumed */
        Identity identity;
        Guest *guest;   /* its identity once it was admitted; borrowed */
        bool has_asked; /* the claim came on this connection, so its sequence means something */
        bool proven;    /* it has proven its identity, with a key if it has one */
        bool said_goodbye;
        bool revoked; /* it is not admitted any longer, and its claim goes with it */
        bool closing; /* the host was asked to close it; only controller_disconnect() follows */
        uint64_t slot_deadline; /* it waits for its identity's live session to answer a PING */
};

/* What is to be done soon. Everybody asks for it; settle.c and controller_dispatch() do it. */
typedef struct ControllerDue {
        bool run;            /* something changed: settle at the next dispatch, for all guests */
        bool partial;        /* the same for some: something changed for them alone */
        bool rest;           /* as .run, for the changes left of what guests have asked for */
        bool slice;          /* the last run left changes: serve the connections, then run again */
        bool activation;     /* iphlpsvc may not know the present values */
        uint64_t retry_usec; /* run again then, or SESSION_NO_DEADLINE */
        uint64_t all_usec;   /* run for all then, after one for some, or one that left the look
                                who listens for later; or SESSION_NO_DEADLINE */
        uint64_t keys_usec;  /* look at the keys again: one could not be read; or the same */
} ControllerDue;

/* Written by settle.c and checks.c: the last run. */
typedef struct LastRun {
        int error;            /* of changing values or of the activation; 0: none */
        bool unfinished;      /* … and changes are left that the next plan has again */
        int activation_error; /* of the last activation */
        int told_error;       /* the one that was logged last */
        bool silent;          /* iphlpsvc does not answer … */
        uint64_t silent_usec; /* … since then */
        uint64_t applied_usec;
        uint64_t look_again_usec; /* find out who listens then, even between two slices */
        uint64_t look_usec;       /* how long the last look took */
        bool looked;              /* the run has looked */
        uint32_t apply_usec;
        uint32_t all_took_usec; /* the last one for all */
} LastRun;

/* Written by checks.c: what the host was asked for last. By controller.c: what it answered. */
typedef struct RequestedFirewall {
        FirewallRules rules;
        bool requested;             /* at least once */
        const FirewallRules *whose; /* borrowed: has the rules that are refused; NULL: all are */
} RequestedFirewall;

struct Controller {
        /* what it was made with, and what the owner reported since (controller.c) */
        ControllerHost host;
        ControllerOptions options;
        Hostnet hostnet;
        VmList vms;                               /* the last list; empty before the first one */
        char firewall_problem[WIRE_TEXT_MAX + 1]; /* "": none */
        const FirewallSight *firewall_sight;      /* borrowed, or NULL */
        /* who talks to it (connection.c, connection-input.c, guests.c) */
        PeerConnection *connections;
        UnpairedPeers unpaired;
        Guests guests;
        /* the rules (settle.c through apply(), checks.c through verify()) */
        RuleView view;
        Ledger ledger;
        unsigned others_waited; /* see slice_take() */
        LastRun last_run;
        Verify verify;
        RequestedFirewall firewall;
        /* everybody's */
        ControllerLog log;
        ControllerDue due;
        bool stopping;                  /* controller_stop() was called */
        uint64_t generation, n_decided; /* see ControllerSummary */
};

/* A key could not be read, so that nobody knows whether it has changed: all are looked at then. */
#define CONTROLLER_KEYS_USEC (CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC)

/* connection.c */

/* Return: 0 or -ENOMEM. The new connection is the first in the controller's list. */
int connection_new(Controller *controller, void *handle, const Peer *peer, uint64_t now_usec,
                   PeerConnection **ret_connection);
void connection_free(PeerConnection *c); /* frees only, the list stays as it is */

/* Send the bytes that the session has put in @out, free them, and close the connection if its
 * session has ended. */
void connection_flush(PeerConnection *c, Buffer *out, uint64_t now_usec);
void connection_end(PeerConnection *c, Buffer *out, uint64_t now_usec); /* the same, then close */
/* End it after a failure of this machine, such as no memory; @error is a negative errno. */
void connection_fail(PeerConnection *c, int error, Buffer *out, uint64_t now_usec);
/* Who it is for the limits of the log. */
LogCause connection_cause(const PeerConnection *c);
/* Send REFUSED, log it, and close. */
void connection_refuse(PeerConnection *c, WireRefusal code, const char *text, uint64_t now_usec);
/* Send BYE and close, unless the connection is closing already. */
void connection_bye(PeerConnection *c, WireBye reason, const char *text, uint64_t now_usec);
/* Send a RESULT. A failure is logged. */
void connection_send_result(PeerConnection *c, const WireResult *result, uint64_t now_usec);

/* The connection that waits for the place of @owner, or NULL. */
PeerConnection *connection_waiting_for(const Controller *controller, const char *owner);
/* Give @c, which has proven its identity, the identity's place. */
void connection_admit(PeerConnection *c, uint64_t now_usec);
/* The identity's live session has shown that it is alive: refuse the connection that waits for its
 * place. */
void connection_keep_place(PeerConnection *c, uint64_t now_usec);
/* Give up the identity's place, if @c has it, and admit the connection that waits for it. */
void connection_leave(PeerConnection *c, uint64_t now_usec);
/* End the connection with BYE, and its guest's claim with it. @why: for people. */
void connection_revoke(PeerConnection *c, const char *why, uint64_t now_usec);
/* The same, if the guest's key is another one now. */
void connection_check_key(PeerConnection *c, uint64_t now_usec);

/* admission.c */

/* Judge everybody again after a change of policy. */
void admission_review(Controller *controller, uint64_t now_usec);
/* Drop the claims of guests that are not connected and that nobody would admit. */
void admission_review_claims(Controller *controller, uint64_t now_usec);

/* places.c. Both return false when there is no place, and true when there is one, after @ret_victim
 * has gone unless that is NULL. */

/* For a connection of @vm that has no session yet. */
bool places_for_handshake(Controller *controller, const VmId *vm, PeerConnection **ret_victim);
/* For another identity, of @vm. @keyed: it has proven a key. */
bool places_for_guest(const Guests *guests, const VmId *vm, bool keyed, Guest **ret_victim);

/* connection-input.c */
/* Run the timers of a connection. */
void connection_tick(PeerConnection *c, uint64_t now_usec);
void connection_resume(PeerConnection *c, uint64_t now_usec); /* read what came in SLOT_WAIT */

/* checks.c */

/* Log what others did to our values since the last run. */
void checks_log_drift(Controller *controller, const ReconcilePlan *plan);
/* The ports of all guests are not known to be open any more. */
void checks_forget(Controller *controller);
/* Whether a check that is due has waited long enough for other work. */
bool checks_are_urgent(const Controller *controller, uint64_t now_usec);

/**
 * checks_verify() - worsen results of endpoints that are not listened on
 * @guests: by index of the plan
 * @asked: this run follows requests of guests, and nothing else happened that could close a port
 *
 * Between two slices this may be left for later. Then all results in @plan are dropped, and what
 * was reported last still holds. So it may be for guests that asked for something about which
 * nothing is known yet, if others can be answered at once. Then a run for those is due.
 *
 * Return: false when it was left for later because enough is known from the last look.
 */
bool checks_verify(Controller *controller, ReconcilePlan *plan, Guest *const *guests, bool asked,
                   uint64_t now_usec);
/* Ask for the firewall rules that belong to @plan, and worsen results if the firewall fails. */
void checks_firewall(Controller *controller, ReconcilePlan *plan);

/* checks-reach.c: let active services say for whom they are open now. */
void checks_reach(const Controller *controller, ReconcilePlan *plan);

/* settle.c: one run, from the claims to values and answers. Return: 0 or the first error. */
int settle(Controller *controller, uint64_t now_usec);
/* Instead of a run, because the values could not be read (@error). */
void settle_unread(Controller *controller, int error, uint64_t now_usec);
