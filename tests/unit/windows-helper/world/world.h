/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A small world for the helper's unit tests: a Windows in memory, the controller on top of it, and
 * agents that talk to it in the real protocol. Time passes only when a test says so.
 */

#include "protocol/session/session-agent.h"
#include "tests/host/memory-host.h"

#include <check.h>

#define WORLD_AGENTS    4
#define WORLD_TEXT_MAX  4096
#define WORLD_HEARTBEAT 30000

typedef struct World World;

typedef struct FakeAgent {
        World *world;
        const char *distro;
        uint8_t id;          /* first byte of the agent id, the rest is zero */
        const uint8_t *key;  /* NULL: not paired */
        Peer peer;           /* as the helper's host sees it */
        bool hangs;          /* it neither reads nor answers */
        bool breaks;         /* nothing can be sent to it */
        uint8_t version_max; /* of the protocol; 0: the newest */
        /* state of the present connection */
        AgentSession *session; /* NULL: none */
        PeerConnection *connection;
        Buffer hello; /* dialled, but not sent yet */
        Buffer inbox;
        bool closed;       /* by the helper */
        bool asked;        /* a STATE was sent on this connection */
        uint64_t sequence; /* of the last STATE */
        /* what the helper has sent */
        WireNotice notice;
        WireResult result;
        unsigned n_results;
        /* what it wants, for asking again after a reconnect */
        char address[64], services[WORLD_TEXT_MAX];
} FakeAgent;

struct World {
        MemoryHost host;
        ControllerHost controller_host;
        ControllerOptions options;
        Controller *controller; /* NULL: the helper does not run */
        FakeAgent agents[WORLD_AGENTS];
        char log[WORLD_TEXT_MAX]; /* of the controller, newest last; old lines are dropped */
        uint64_t n_logged;        /* lines so far */
};

extern const uint8_t world_key[WIRE_KEY_SIZE];

void world_init(World *w);
void world_done(World *w);

/* The helper starts, is killed (without a goodbye, and nothing is withdrawn), or ends properly. */
void world_start(World *w);

/* Initialize a world and start it with two guests, agents 0 and 1, which may ask for as much as the
 * protocol allows. */
void world_start_two(World *w);
void world_kill(World *w);
void world_stop(World *w);

/* Let everything happen that is due now, including messages. */
void world_run(World *w);
void world_wait(World *w, uint64_t ms);
void world_pass(World *w,
                uint64_t ms); /* … but looks take time: more may be due when one is done */
void world_foreign(World *w, const char *rule, const char *data); /* NULL: delete */

void agent_connect(FakeAgent *a); /* and run: from HELLO to WELCOME, if all is well */
void agent_dial(FakeAgent *a);    /* the first half: it says nothing yet … */
void agent_hello(FakeAgent *a);   /* … until here; then run */
void agent_vanish(FakeAgent *a);  /* its connection breaks without a goodbye */
void agent_leave(FakeAgent *a);   /* it says goodbye, and the connection ends */
void agent_read(FakeAgent *a);    /* what the helper has sent; the helper does not run */
bool agent_ready(const FakeAgent *a);

#define WORLD_UNKNOWN_FIELD 0x8009

/*
 * Ask for services and run. @address: "172.20.0.2", an IPv6 one, "" for none, or a mode as
 * "mirrored"; with more behind it, "unknown 192.168.1.7 via 192.168.1.1". @services: separated by
 * blanks, NAME=LISTEN[,LISTEN…][>PORT][+public][+any][+WORD], LISTEN being 0.0.0.0:80,
 * 0.0.0.0:8000-8010 or [::]:80, WORD that of an option, such as udp.
 * "+unknown", which cannot be sent: with the field WORLD_UNKNOWN_FIELD.
 */
void agent_ask(FakeAgent *a, const char *address, const char *services);
void agent_ask_later(FakeAgent *a, const char *address, const char *services); /* … do not run */
void agent_ask_again(FakeAgent *a);
void agent_send(FakeAgent *a, WireState *state); /* a state made elsewhere; not taken over */
void agent_push(FakeAgent *a, WireState *state); /* the same, and run */

/* The state that agent_ask() would send, for tests without a session. */
void world_parse(WireState *state, const char *address, const char *services);

/* The last RESULT, as "web active; ssh conflict foreign-rule"; "" when there was none. */
const char *agent_results_text(const FakeAgent *a);
const char *agent_text(const FakeAgent *a, unsigned service);

/* The table, one "v4tov4 0.0.0.0/80 172.20.0.2/80" a line; the same of the ledger. */
const char *world_rules(const World *w);
const char *world_ledger(const World *w);

/* The ports that the firewall opens, as "80 81". */
const char *world_open(const World *w);

#define world_expect_open(w, text)   ck_assert_str_eq(world_open(w), text)
#define world_expect_rules(w, text)  ck_assert_str_eq(world_rules(w), text)
#define world_expect_ledger(w, text) ck_assert_str_eq(world_ledger(w), text)
#define agent_expect(a, text)        ck_assert_str_eq(agent_results_text(a), text)

/* For .fault of the host: iphlpsvc cannot be told of anything. */
int world_fails_activation(MemoryHost *m, MemoryCall call);

/* Calls that change something: values, ledger, flushes, activations. */
uint64_t world_changes(const World *w);
