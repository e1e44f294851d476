/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the three files of the controller share: controller.c (life, timers), connection.c
 * (connections and identities), settle.c (from claims to values and answers). Nobody else
 * includes this.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/controller/guests.h"
#include "windows-helper/core/rules/verify.h"

#define CONTROLLER_USEC_PER_MSEC UINT64_C(1000)
#define CONTROLLER_LOG_LINES_MAX 8 /* of one kind in one run */
#define CONTROLLER_NAME_MAX      (WIRE_DISTRO_MAX + 16)

struct PeerConnection {
        Controller *controller; /* borrowed */
        void *peer;             /* borrowed, the host's */
        Peer info;
        PeerConnection *next;             /* list of all, newest first */
        HelperSession *session;           /* owned */
        Buffer in;                        /* what the session has not consumed */
        char owner[LEDGER_OWNER_MAX + 1]; /* "" before HELLO */
        Guest *agent;                     /* its identity once admitted; borrowed */
        bool has_asked; /* a STATE came on this connection, so its sequence means something */
        bool said_goodbye;
        bool unpaired; /* its key has gone */
        bool closing;  /* host->close() was called; only controller_disconnect() follows */
        uint8_t key_mark[WIRE_MAC_SIZE]; /* of the key it was proven with, see key_mark() */
        bool has_key;
        uint64_t slot_deadline; /* waits for the live session of its identity to answer a PING */
};

struct Controller {
        ControllerHost host;
        ControllerOptions options;
        Ledger ledger;
        Guests agents;
        PeerConnection *connections;
        bool dirty;           /* something changed: settle in the next dispatch */
        bool activate_due;    /* iphlpsvc may not know the present values */
        int activation_error; /* of the last try */
        uint64_t retry_usec;  /* or SESSION_NO_DEADLINE */
        char last_refusal[CONTROLLER_NAME_MAX + WIRE_TEXT_MAX]; /* not logged again and again */
        Hostnet hostnet;
        char strangers[CONTROLLER_STRANGERS_KEPT][LEDGER_OWNER_MAX + 1]; /* newest first */
        size_t n_strangers_kept;
        uint64_t generation;
        /* of settle.c */
        uint64_t applied_usec;
        uint32_t apply_usec;
        Verify verify;
        FirewallRules firewall; /* as told to the host last */
        bool firewall_told;
        char firewall_problem[WIRE_TEXT_MAX + 1];
        bool firewall_failed;
        unsigned n_strangers; /* log lines about peers without a session since strangers_usec */
        uint64_t strangers_usec;
};

RESULT_PRINTF(4, 5)
void controller_log(const Controller *b, LogLevel level, EventId event, const char *format, ...);

/* A warning about a peer that has no session. Whoever can connect can cause these, so there are
 * only so many of them in a minute. */
RESULT_PRINTF(3, 4)
void controller_log_stranger(Controller *b, uint64_t now_usec, const char *format, ...);

/* How an agent is called in the log: its distro and the start of its id. */
void controller_owner_name(const char *owner, char ret_name[CONTROLLER_NAME_MAX]);

/* A peer that was refused because it has no key here. */
void controller_keep_stranger(Controller *b, const char *owner);

/* identity.c */
void connection_note(const PeerConnection *c, bool connected); /* for our next start */
int connection_mark_key(PeerConnection *c, const uint8_t *key);
int connection_check_key(PeerConnection *c, uint64_t now_usec); /* ends it when its key went */
bool connection_refused_by_policy(PeerConnection *c, uint64_t now_usec);
void connection_log_up(const PeerConnection *c);

/* connection.c */
void connection_refuse(PeerConnection *c, WireRefusal code, const char *text, uint64_t now_usec);
void connection_tick(PeerConnection *c, uint64_t now_usec);
void connection_resume(PeerConnection *c, uint64_t now_usec); /* read what came in SLOT_WAIT */
void connection_bye(PeerConnection *c, WireBye reason, const char *text, uint64_t now_usec);
void connection_result(PeerConnection *c, const WireResult *result, uint64_t now_usec);
void connection_leave(PeerConnection *c, uint64_t now_usec);

/* checks.c */
void settle_log_drift(Controller *b, const ReconcilePlan *plan);
void settle_verify(Controller *b, ReconcilePlan *plan, uint64_t now_usec);
void settle_firewall(Controller *b, ReconcilePlan *plan);

/* settle.c: one reconcile, applied and answered. Return: 0 or the first error. */
int controller_settle(Controller *b, uint64_t now_usec);
