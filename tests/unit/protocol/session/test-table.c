/* SPDX-License-Identifier: MIT */

/*
 * Claim: each machine does with every input in every state what the tables here say;
 * docs/protocol.md draws the same as pictures.
 *
 * There is a row for each input and a cell for each state. A cell has the state afterwards, then
 * "+event" for a reported event and ">FRAME" for a written frame. "." means that nothing at all
 * happens; "!" means -ENOTRECOVERABLE, and nothing else happens.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* 1 … _WIRE_TYPE_END - 1: a good frame of that type */
        IN_IGNORABLE = _WIRE_TYPE_END, /* unknown type, flagged */
        IN_UNKNOWN,                    /* unknown type, not flagged */
        IN_MALFORMED,                  /* header of another format */
        IN_TOO_LARGE,                  /* header that announces too much */
        IN_PARTIAL,                    /* a header without its last byte */
        IN_TICK_EARLY,                 /* time passes, but not to the deadline */
        IN_TICK,                       /* to the deadline */
        IN_TICK_LATE,                  /* far past every deadline */
        IN_BYE,                        /* from here on: what the owner asks for */
        IN_START,
        IN_PUSH,
        IN_CHALLENGE,
        IN_ADMIT,
        IN_REFUSE,
        IN_PING,
        IN_RESULT,
        IN_END,
};

#define VIOLATION "closed +violation >BYE"
#define TIMEOUT   "closed +timeout >BYE"

#define N_AGENT_STATES  _AGENT_SESSION_STATE_END
#define N_HELPER_STATES _HELPER_SESSION_STATE_END

/* clang-format off */
static const struct {
        int input;
        const char *cell[N_AGENT_STATES];
} agent_table[] = {
        /*                idle                 hello-sent           proof-sent           ready             closed */
        {WIRE_HELLO,     {"!",                 VIOLATION,           VIOLATION,           VIOLATION,        "."}},
        {WIRE_CHALLENGE, {"!",                 "proof-sent >PROOF", VIOLATION,           VIOLATION,        "."}},
        {WIRE_PROOF,     {"!",                 VIOLATION,           VIOLATION,           VIOLATION,        "."}},
        {WIRE_WELCOME,   {"!",                 VIOLATION,           "ready +established", VIOLATION,       "."}},
        {WIRE_REFUSED,   {"!",                 "closed +refused",   "closed +refused",   VIOLATION,        "."}},
        {WIRE_STATE,     {"!",                 VIOLATION,           VIOLATION,           VIOLATION,        "."}},
        {WIRE_RESULT,    {"!",                 VIOLATION,           VIOLATION,           "ready +result",  "."}},
        {WIRE_PING,      {"!",                 VIOLATION,           VIOLATION,           "ready >PONG",    "."}},
        {WIRE_PONG,      {"!",                 VIOLATION,           VIOLATION,           ".",              "."}},
        {WIRE_BYE,       {"!",                 "closed +bye",       "closed +bye",       "closed +bye",    "."}},
        {IN_IGNORABLE,   {"!",                 ".",                 ".",                 ".",              "."}},
        {IN_UNKNOWN,     {"!",                 VIOLATION,           VIOLATION,           VIOLATION,        "."}},
        {IN_MALFORMED,   {"!",                 VIOLATION,           VIOLATION,           VIOLATION,        "."}},
        {IN_TOO_LARGE,   {"!",                 VIOLATION,           VIOLATION,           VIOLATION,        "."}},
        {IN_PARTIAL,     {"!",                 ".",                 ".",                 ".",              "."}},
        {IN_TICK_EARLY,  {".",                 ".",                 ".",                 ".",              "."}},
        {IN_TICK,        {".",                 TIMEOUT,             TIMEOUT,             TIMEOUT,          "."}},
        {IN_TICK_LATE,   {".",                 TIMEOUT,             TIMEOUT,             TIMEOUT,          "."}},
        {IN_BYE,         {"closed",            "closed >BYE",       "closed >BYE",       "closed >BYE",    "."}},
        {IN_START,       {"hello-sent >HELLO", "!",                 "!",                 "!",              "!"}},
        {IN_PUSH,        {"!",                 "!",                 "!",                 "ready >STATE",   "!"}},
};

static const struct {
        int input;
        const char *cell[N_HELPER_STATES];
} helper_table[] = {
        /*                hello-wait         key-wait                 proof-wait           slot-wait         ready            closed */
        {WIRE_HELLO,     {"key-wait +hello", ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {WIRE_CHALLENGE, {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {WIRE_PROOF,     {VIOLATION,         ".",                     "slot-wait +proven", ".",              VIOLATION,       "."}},
        {WIRE_WELCOME,   {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {WIRE_REFUSED,   {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {WIRE_STATE,     {VIOLATION,         ".",                     VIOLATION,           ".",              "ready +state",  "."}},
        {WIRE_RESULT,    {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {WIRE_PING,      {VIOLATION,         ".",                     VIOLATION,           ".",              "ready >PONG",   "."}},
        {WIRE_PONG,      {VIOLATION,         ".",                     VIOLATION,           ".",              ".",             "."}},
        {WIRE_BYE,       {"closed +bye",     ".",                     "closed +bye",       ".",              "closed +bye",   "."}},
        {IN_IGNORABLE,   {".",               ".",                     ".",                 ".",              ".",             "."}},
        {IN_UNKNOWN,     {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {IN_MALFORMED,   {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {IN_TOO_LARGE,   {VIOLATION,         ".",                     VIOLATION,           ".",              VIOLATION,       "."}},
        {IN_PARTIAL,     {".",               ".",                     ".",                 ".",              ".",             "."}},
        {IN_TICK_EARLY,  {".",               ".",                     ".",                 ".",              ".",             "."}},
        {IN_TICK,        {TIMEOUT,           TIMEOUT,                 TIMEOUT,             TIMEOUT,          "ready >PING",   "."}},
        {IN_TICK_LATE,   {TIMEOUT,           TIMEOUT,                 TIMEOUT,             TIMEOUT,          TIMEOUT,         "."}},
        {IN_BYE,         {"closed >BYE",     "closed >BYE",           "closed >BYE",       "closed >BYE",    "closed >BYE",   "."}},
        {IN_CHALLENGE,   {"!",               "proof-wait >CHALLENGE", "!",                 "!",              "!",             "!"}},
        {IN_ADMIT,       {"!",               "!",                     "!",                 "ready >WELCOME", "!",             "!"}},
        {IN_REFUSE,      {"closed >REFUSED", "closed >REFUSED",       "closed >REFUSED",   "closed >REFUSED", "!",            "!"}},
        {IN_PING,        {"!",               "!",                     "!",                 "!",              "ready >PING",   "!"}},
        {IN_RESULT,      {"!",               "!",                     "!",                 "!",              "ready >RESULT", "!"}},
};
/* clang-format on */

#define N_AGENT_INPUTS  ((int) (sizeof(agent_table) / sizeof(agent_table[0])))
#define N_HELPER_INPUTS ((int) (sizeof(helper_table) / sizeof(helper_table[0])))

static const char *event_name(SessionEventType type) {
        switch (type) {
        case SESSION_EVENT_NONE:
                return "";
        case SESSION_EVENT_HELLO:
                return " +hello";
        case SESSION_EVENT_PROVEN:
                return " +proven";
        case SESSION_EVENT_ESTABLISHED:
                return " +established";
        case SESSION_EVENT_STATE:
                return " +state";
        case SESSION_EVENT_RESULT:
                return " +result";
        case SESSION_EVENT_REFUSED:
                return " +refused";
        case SESSION_EVENT_BYE:
                return " +bye";
        case SESSION_EVENT_VIOLATION:
                return " +violation";
        case SESSION_EVENT_TIMEOUT:
                return " +timeout";
        }
        return " +?";
}

/* Run two machines with the same key until the agent or the helper is in the named state. */
static void bring_to(Kit *k, const char *agent_state, const char *helper_state) {
        WireHello hello = sample_hello();

        kit_init(k, kit_key, kit_key, NULL);
        k->leave_proven = true;
        for (unsigned step = 0;; step++) {
                AgentSessionState a = agent_session_state(k->agent);
                HelperSessionState h = helper_session_state(k->helper);
                SessionEvent event;
                size_t n;

                if (agent_state && strcmp(agent_session_state_name(a), agent_state) == 0)
                        return;
                if (helper_state && strcmp(helper_session_state_name(h), helper_state) == 0)
                        return;
                ck_assert_uint_lt(step, 6);
                if (step == 0) {
                        ck_assert_int_eq(
                                agent_session_start(k->agent, &hello, k->now, &k->agent_out), 0);
                } else if (step == 1) {
                        /* Without kit_run(), whose owner would leave KEY_WAIT at once. */
                        ck_assert_int_eq(helper_session_receive(k->helper,
                                                                buffer_bytes(&k->agent_out),
                                                                buffer_length(&k->agent_out),
                                                                k->now, &k->helper_out, &n, &event),
                                         0);
                        buffer_done(&k->agent_out);
                } else if (step == 2) {
                        ck_assert_int_eq(helper_session_challenge(k->helper, kit_key, kit_nonce,
                                                                  k->now, &k->helper_out),
                                         0);
                } else if (step == 3) {
                        kit_run(k, SIZE_MAX);
                } else if (step == 4) {
                        ck_assert_int_eq(helper_session_admit(k->helper, k->now, &k->helper_out),
                                         0);
                        kit_run(k, SIZE_MAX);
                } else {
                        ck_assert_int_eq(
                                agent_session_bye(k->agent, WIRE_BYE_STOPPING, "", &k->agent_out),
                                0);
                        kit_run(k, SIZE_MAX);
                }
        }
}

/* In READY, send and receive one STATE, so that a RESULT has a STATE to answer. */
static void prepare(Kit *k) {
        if (agent_session_state(k->agent) == AGENT_SESSION_READY) {
                kit_push(k, 1);
                buffer_done(&k->agent_out);
                buffer_done(&k->helper_out);
        }
}

/* The bytes of an input other than PROOF and WELCOME, which real_proof() makes. */
static void input_bytes(int input, Buffer *out) {
        static const uint8_t ignorable[] = {1, 200, 0, 1, 0, 0, 0, 0};
        static const uint8_t unknown[] = {1, 200, 0, 0, 0, 0, 0, 0};
        static const uint8_t malformed[] = {9, WIRE_BYE, 0, 0, 0, 0, 0, 0};
        static const uint8_t too_large[] = {1, WIRE_BYE, 0, 0, 0, 0, 4, 1};
        const uint8_t *bytes = input == IN_IGNORABLE   ? ignorable
                               : input == IN_UNKNOWN   ? unknown
                               : input == IN_MALFORMED ? malformed
                                                       : too_large;

        if (input >= WIRE_HELLO && input < _WIRE_TYPE_END)
                sample_frame((WireType) input, out);
        else
                ck_assert_int_eq(buffer_append(out, bytes, input == IN_PARTIAL ? 7 : 8), 0);
        /* The sample has sequence number 1, and the session has seen that one. */
        if (input == WIRE_STATE)
                out->data[out->begin + WIRE_HEADER_SIZE + 7] = 2;
}

/* A PROOF or WELCOME with the right MAC for this session. */
static void real_proof(int input, Buffer *out) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        Buffer data = BUFFER_NULL;
        WireProof proof = {.has_mac = true};
        const char *label = input == WIRE_PROOF ? SESSION_LABEL_AGENT : SESSION_LABEL_HELPER;

        memcpy(challenge.nonce, kit_nonce, WIRE_NONCE_SIZE);
        ck_assert_int_eq(buffer_append(&data, label, strlen(label) + 1), 0);
        ck_assert_int_eq(wire_hello_encode(&hello, &data), 0);
        ck_assert_int_eq(wire_challenge_encode(&challenge, &data), 0);
        ck_assert_int_eq(kit_mac(kit_key, buffer_bytes(&data), buffer_length(&data), proof.mac), 0);
        ck_assert_int_eq(
                (input == WIRE_PROOF ? wire_proof_encode : wire_welcome_encode)(&proof, out), 0);
        buffer_done(&data);
}

static void make_input(int input, Buffer *out) {
        if (input == WIRE_PROOF || input == WIRE_WELCOME)
                real_proof(input, out);
        else
                input_bytes(input, out);
}

static uint64_t time_of(int input, uint64_t now, uint64_t deadline) {
        if (input == IN_TICK_LATE || deadline == SESSION_NO_DEADLINE)
                return now + 4 * WIRE_HEARTBEAT_MS * UINT64_C(1000);
        return input == IN_TICK ? deadline : deadline - 1;
}

static int agent_input(Kit *k, int input, Buffer *out, SessionEvent *event) {
        WireHello hello = sample_hello();
        WireState state = sample_state();
        Buffer bytes = BUFFER_NULL;
        uint64_t sequence;
        size_t n;
        int r;

        if (input == IN_START)
                return agent_session_start(k->agent, &hello, k->now, out);
        if (input == IN_PUSH)
                return agent_session_push(k->agent, &state, k->now, out, &sequence);
        if (input == IN_BYE)
                return agent_session_bye(k->agent, WIRE_BYE_STOPPING, "", out);
        if (input >= IN_TICK_EARLY)
                return agent_session_tick(k->agent,
                                          time_of(input, k->now, agent_session_deadline(k->agent)),
                                          out, event);
        make_input(input, &bytes);
        r = agent_session_receive(k->agent, buffer_bytes(&bytes), buffer_length(&bytes), k->now,
                                  out, &n, event);
        buffer_done(&bytes);
        return r;
}

static int helper_input(Kit *k, int input, Buffer *out, SessionEvent *event) {
        WireResult result = sample_result();
        Buffer bytes = BUFFER_NULL;
        size_t n;
        int r;

        if (input == IN_CHALLENGE)
                return helper_session_challenge(k->helper, kit_key, kit_nonce, k->now, out);
        if (input == IN_ADMIT)
                return helper_session_admit(k->helper, k->now, out);
        if (input == IN_REFUSE)
                return helper_session_refuse(k->helper, WIRE_REFUSAL_BUSY, "", out);
        if (input == IN_PING)
                return helper_session_ping(k->helper, k->now, out);
        if (input == IN_RESULT)
                return helper_session_result(k->helper, &result, out);
        if (input == IN_BYE)
                return helper_session_bye(k->helper, WIRE_BYE_STOPPING, "", out);
        if (input >= IN_TICK_EARLY)
                return helper_session_tick(
                        k->helper, time_of(input, k->now, helper_session_deadline(k->helper)), out,
                        event);
        make_input(input, &bytes);
        r = helper_session_receive(k->helper, buffer_bytes(&bytes), buffer_length(&bytes), k->now,
                                   out, &n, event);
        buffer_done(&bytes);
        return r;
}

/* Describe what happened in the notation of the tables. */
static void describe(int r, const char *before, const char *after, SessionEvent *event,
                     const Buffer *out, char *ret_text, size_t size) {
        char frames[64] = "";
        bool quiet = event->type == SESSION_EVENT_NONE && buffer_length(out) == 0 &&
                     strcmp(before, after) == 0;

        ck_assert(r == 0 || (r == -ENOTRECOVERABLE && quiet));
        (void) kit_frames(out, frames, sizeof(frames));
        if (quiet)
                (void) snprintf(ret_text, size, "%s", r == 0 ? "." : "!");
        else
                (void) snprintf(ret_text, size, "%s%s%s%s", after, event_name(event->type),
                                frames[0] ? " >" : "", frames);
        session_event_done(event);
}

START_TEST(test_agent) {
        for (int row = 0; row < N_AGENT_INPUTS; row++) {
                const char *before = agent_session_state_name((AgentSessionState) _i);
                SessionEvent event = SESSION_EVENT_NULL;
                Buffer out = BUFFER_NULL;
                char text[128];
                Kit k;
                int r;

                bring_to(&k, before, NULL);
                prepare(&k);
                r = agent_input(&k, agent_table[row].input, &out, &event);
                describe(r, before, agent_session_state_name(agent_session_state(k.agent)), &event,
                         &out, text, sizeof(text));
                ck_assert_msg(agent_table[row].cell[_i] != NULL, "row %d has no cell", row);
                ck_assert_msg(strcmp(text, agent_table[row].cell[_i]) == 0,
                              "%s, row %d: '%s' instead of '%s'", before, row, text,
                              agent_table[row].cell[_i]);
                buffer_done(&out);
                kit_done(&k);
        }
}
END_TEST

START_TEST(test_helper) {
        for (int row = 0; row < N_HELPER_INPUTS; row++) {
                const char *before = helper_session_state_name((HelperSessionState) _i);
                SessionEvent event = SESSION_EVENT_NULL;
                Buffer out = BUFFER_NULL;
                char text[128];
                Kit k;
                int r;

                bring_to(&k, NULL, before);
                prepare(&k);
                r = helper_input(&k, helper_table[row].input, &out, &event);
                describe(r, before, helper_session_state_name(helper_session_state(k.helper)),
                         &event, &out, text, sizeof(text));
                ck_assert_msg(helper_table[row].cell[_i] != NULL, "row %d has no cell", row);
                ck_assert_msg(strcmp(text, helper_table[row].cell[_i]) == 0,
                              "%s, row %d: '%s' instead of '%s'", before, row, text,
                              helper_table[row].cell[_i]);
                buffer_done(&out);
                kit_done(&k);
        }
}
END_TEST

/* Each table has each input once: the agent's all up to PUSH, the helper's all but START and PUSH.
 */
START_TEST(test_tables_are_complete) {
        unsigned agent[IN_END] = {0}, helper[IN_END] = {0};

        for (int i = 0; i < N_AGENT_INPUTS; i++)
                agent[agent_table[i].input]++;
        for (int i = 0; i < N_HELPER_INPUTS; i++)
                helper[helper_table[i].input]++;
        for (int i = WIRE_HELLO; i < IN_END; i++) {
                ck_assert_uint_eq(agent[i], i <= IN_PUSH);
                ck_assert_uint_eq(helper[i], i != IN_START && i != IN_PUSH);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("session-table");
        TCase *tcase = tcase_create("session-table");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_loop_test(tcase, test_agent, 0, N_AGENT_STATES);
        tcase_add_loop_test(tcase, test_helper, 0, N_HELPER_STATES);
        tcase_add_test(tcase, test_tables_are_complete);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
