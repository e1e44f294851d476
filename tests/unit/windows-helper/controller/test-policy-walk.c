/* SPDX-License-Identifier: MIT */

/*
 * Claim: a change of policy is in force at once, whatever the agent that it concerns is doing.
 *
 * The test walks every policy value, tightened and relaxed, through every state of a session, and
 * looks at the session, the rules, the firewall and the RESULT.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <string.h>

#define SERVICES "web=0.0.0.0:80+any"
#define RULE     "v4tov4 0.0.0.0/80 172.20.0.2/80\n"

#define RELAY_SERVICES SERVICES "+relay"
#define RELAY_RULE     "relay-tcp-" RULE

typedef struct PolicyValue {
        PolicyKind kind;
        const char *text;
        uint32_t number;
} PolicyValue;

/* Each policy value: one that allows what the agent is and asks for, and one that does not. */
static const struct {
        const char *name;
        PolicyValue loose, tight;
        const char *results; /* with the tight value; NULL: the agent is not admitted … */
        WireRefusal refusal; /* … but refused with this */
} values[] = {
        {POLICY_NAME_ALLOWED_PORTS,
         {POLICY_IS_STRING, "1-65535", 0},
         {POLICY_IS_STRING, "8080", 0},
         "web refused policy-port",
         0},
        {POLICY_NAME_DENIED_PORTS,
         {POLICY_IS_STRING, "8080", 0},
         {POLICY_IS_STRING, "80", 0},
         "web refused policy-port",
         0},
        {POLICY_NAME_ALLOWED_LISTEN,
         {POLICY_IS_STRING, "0.0.0.0", 0},
         {POLICY_IS_STRING, "127.0.0.1", 0},
         "web refused policy-address",
         0},
        {POLICY_NAME_ALLOWED_PROFILES,
         {POLICY_IS_STRING, "private", 0},
         {POLICY_IS_STRING, "domain", 0},
         "web refused policy-profile",
         0},
        {POLICY_NAME_WIDEST_REMOTE,
         {POLICY_IS_STRING, "any", 0},
         {POLICY_IS_STRING, "LocalSubnet", 0},
         "web refused policy-remote",
         0},
        {POLICY_NAME_ALLOWED_PROTOCOLS,
         {POLICY_IS_STRING, "tcp", 0},
         {POLICY_IS_STRING, "udp", 0},
         "web refused policy-protocol",
         0},
        {POLICY_NAME_ALLOW_RELAY,
         {POLICY_IS_NUMBER, NULL, 1},
         {POLICY_IS_NUMBER, NULL, 0},
         "web refused policy-relay",
         0},
        {POLICY_NAME_MAX_ENDPOINTS,
         {POLICY_IS_NUMBER, NULL, 1},
         {POLICY_IS_NUMBER, NULL, 0},
         "web refused policy-services",
         0},
        {POLICY_NAME_PAIRING_REQUIRED,
         {POLICY_IS_NUMBER, NULL, 0},
         {POLICY_IS_NUMBER, NULL, 1},
         NULL,
         WIRE_REFUSAL_NOT_PAIRED},
        {POLICY_NAME_PRIVILEGED_SOURCE,
         {POLICY_IS_NUMBER, NULL, 0},
         {POLICY_IS_NUMBER, NULL, 1},
         NULL,
         WIRE_REFUSAL_POLICY},
};
#define N_VALUES ((int) (sizeof(values) / sizeof(values[0])))

typedef enum SessionState {
        IN_HELLO_WAIT,
        IN_PROOF_WAIT,
        IN_SLOT_WAIT, /* the twin; the first session of the identity has the state READY_SERVED */
        READY_SILENT, /* no STATE yet */
        READY_SERVED,
        GRACE_AFTER_BYE,
        GRACE_AFTER_LOSS,
        IN_RECOVERY, /* the helper was killed and is back, the agent is not */
        N_STATES,
} SessionState;

static World w;
static FakeAgent *agent, *twin;
static bool relay; /* what the service needs */

static void set_policy(int value, bool tight) {
        const PolicyValue *v = tight ? &values[value].tight : &values[value].loose;
        Policy *p = &w.options.policy;
        char problem[WIRE_TEXT_MAX + 1];

        ck_assert_int_eq(policy_set(p, values[value].name, v->kind, v->text, v->number, problem),
                         0);
        if (w.controller) {
                controller_set_policy(w.controller, p, w.host.now_usec);
                world_run(&w);
        }
}

static void start(int value, bool tight) {
        world_init(&w);
        w.options.means.relay = true;
        relay = strcmp(values[value].name, POLICY_NAME_ALLOW_RELAY) == 0;
        agent = &w.agents[0];
        twin = &w.agents[1];
        twin->distro = agent->distro;
        twin->id = agent->id;
        agent->peer = twin->peer = (Peer){.source_known = true, .source = 2000};
        agent->key = twin->key = w.host.key = NULL;
        for (int i = 0; i < N_VALUES; i++)
                set_policy(i, false);
        set_policy(value, tight);
        world_start(&w);
}

static void ask(void) {
        agent_ask(agent, "172.20.0.2", relay ? RELAY_SERVICES : SERVICES);
}

static void serve(void) {
        agent_connect(agent);
        if (agent_ready(agent))
                ask();
}

/* Bring the agent into a state. Where policy does not admit it, it stays outside. */
static void enter(SessionState state) {
        if (state == IN_HELLO_WAIT || state == IN_PROOF_WAIT) {
                agent_dial(agent);
                agent->hangs = true;
                if (state == IN_PROOF_WAIT)
                        agent_hello(agent);
                return;
        }
        if (state == READY_SILENT) {
                agent_connect(agent);
                return;
        }
        serve();
        if (!agent_ready(agent))
                return;
        if (state == IN_SLOT_WAIT) {
                agent->hangs = true;
                agent_connect(twin);
        } else if (state == GRACE_AFTER_BYE) {
                agent_leave(agent);
        } else if (state == GRACE_AFTER_LOSS) {
                agent_vanish(agent);
        } else if (state == IN_RECOVERY) {
                world_kill(&w);
                world_start(&w);
        }
}

/* Go on from that state as an agent does: finish the handshake, or connect again; then ask. */
static void go_on(SessionState state) {
        agent->hangs = false;
        if (state == IN_HELLO_WAIT)
                agent_hello(agent);
        world_run(&w);
        if (!agent_ready(agent) && !agent->notice.code)
                agent_connect(agent);
        if (agent_ready(agent) && !agent->asked)
                ask();
}

static void expect_nothing(void) {
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
        ck_assert_uint_eq(w.host.firewall.n, 0);
        ck_assert(!w.host.relay_runs);
}

static void expect_served(void) {
        ck_assert(agent_ready(agent));
        agent_expect(agent, "web active");
        world_expect_rules(&w, relay ? RELAY_RULE : RULE);
        ck_assert_uint_eq(w.host.firewall.n, 1);
        ck_assert(w.host.relay_runs == relay);
}

/* The session of an agent that is not admitted any longer. */
static void expect_shown_out(SessionState state, WireRefusal refusal) {
        bool was_ready = state == READY_SILENT || state == READY_SERVED || state == IN_SLOT_WAIT;

        go_on(state);
        ck_assert(!agent_ready(agent) && !agent_ready(twin));
        ck_assert_uint_eq(agent->notice.code, was_ready ? WIRE_BYE_NOT_ADMITTED : refusal);
        if (state == IN_SLOT_WAIT)
                ck_assert_uint_eq(twin->notice.code, refusal);
        agent_connect(agent);
        ck_assert_uint_eq(agent->notice.code, refusal);
        expect_nothing();
}

START_TEST(test_tightened) {
        int value = _i / N_STATES;
        SessionState state = (SessionState) (_i % N_STATES);

        start(value, false);
        enter(state);
        set_policy(value, true);
        expect_nothing(); /* at once, before the agent has said a word */
        if (values[value].results) {
                go_on(state);
                ck_assert(agent_ready(agent));
                agent_expect(agent, values[value].results);
                expect_nothing();
        } else {
                expect_shown_out(state, values[value].refusal);
        }
        world_done(&w);
}
END_TEST

START_TEST(test_relaxed) {
        int value = _i / N_STATES;
        SessionState state = (SessionState) (_i % N_STATES);

        start(value, true);
        enter(state);
        expect_nothing();
        set_policy(value, false);
        if (state == READY_SERVED && values[value].results)
                expect_served(); /* at once: the agent does not have to ask again */
        go_on(state);
        if (!agent_ready(agent)) { /* one that was refused tries again */
                agent->notice.code = 0;
                go_on(state);
        }
        expect_served();
        world_done(&w);
}
END_TEST

START_TEST(test_the_table_is_complete) {
        ck_assert_int_eq(N_VALUES, POLICY_DEFINITIONS);
        for (int i = 0; i < N_VALUES; i++)
                ck_assert_int_eq(policy_find(values[i].name), i);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy-walk");
        TCase *tc = tcase_create("policy-walk");

        tcase_add_loop_test(tc, test_tightened, 0, N_VALUES * N_STATES);
        tcase_add_loop_test(tc, test_relaxed, 0, N_VALUES * N_STATES);
        tcase_add_test(tc, test_the_table_is_complete);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
