/* SPDX-License-Identifier: MIT */

/*
 * Takes the input as a small program of (operation, argument) pairs that drives both session
 * machines: they talk to each other, receive injected bytes and wait, and their owners call them at
 * any time. After every step, these must hold: states have only gone forward, a closed machine has
 * consumed nothing, only whole, valid frames were written, no session exists without the right
 * keys, and no STATE was sent before WELCOME.
 */

#include "common/hash.h"
#include "protocol/session/session-agent.h"
#include "protocol/session/session-helper.h"
#include "tests/fuzz/tools/mutate-wire.h"
#include "tests/wire/recode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The corpus contains these numbers, so only append. */
enum {
        OP_START,
        OP_TO_HELPER, /* deliver up to argument bytes of what the agent wrote; 255 = all */
        OP_TO_AGENT,
        OP_INJECT_HELPER, /* the next argument bytes of the input */
        OP_INJECT_AGENT,
        OP_WAIT, /* argument squared ms, then tick both */
        OP_ADMIT,
        OP_REFUSE,
        OP_PUSH, /* argument: how many services */
        OP_RESULT,
        OP_PING,
        OP_AGENT_BYE,
        OP_HELPER_BYE,
        OP_END,
};

/* Bits of the first byte of the input. */
enum {
        SETUP_AGENT_KEY = 1,
        SETUP_HELPER_KEY = 2,
        SETUP_OTHER_KEY = 4, /* the helper has another key */
        SETUP_PAIRING = 8,
        SETUP_FEW_ENDPOINTS = 16,
        SETUP_OLD_AGENT = 32, /* the agent speaks version 1 only */
};

typedef struct Stage {
        AgentSession *agent;
        HelperSession *helper;
        uint8_t setup;
        uint64_t now;
        Buffer agent_out, helper_out, agent_in, helper_in;
        AgentSessionState agent_state;
        HelperSessionState helper_state;
        bool proven, welcomed;
} Stage;

static const uint8_t key_one[WIRE_KEY_SIZE] = {1}, key_two[WIRE_KEY_SIZE] = {2};

static void require(bool good) {
        if (!good)
                abort();
}

/* Not secure, but it differs for different keys and data, and nothing else matters here. */
static int toy_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac) {
        uint64_t h = hash_bytes(hash_bytes(HASH_START, key, WIRE_KEY_SIZE), data, n);

        for (size_t i = 0; i < WIRE_MAC_SIZE; i++) {
                h = hash_bytes(h, &i, sizeof(i));
                ret_mac[i] = (uint8_t) (h >> 56);
        }
        return 0;
}

/* From byte @from on there are whole frames, each in its only encoding. */
static void require_frames(const Buffer *b, size_t from) {
        Buffer again = BUFFER_NULL;
        size_t at = from;

        while (at < buffer_length(b)) {
                WireHeader header;
                size_t size;

                require(buffer_length(b) - at >= WIRE_HEADER_SIZE);
                require(wire_header_decode(buffer_bytes(b) + at, &header) == 0);
                size = WIRE_HEADER_SIZE + (size_t) header.length;
                require(size <= buffer_length(b) - at);
                /* An injected HELLO may have chosen another version than we did. */
                require(recode(buffer_bytes(b) + at, size, 2, &again) == 0 ||
                        recode(buffer_bytes(b) + at, size, 1, &again) == 0);
                at += size;
        }
        buffer_done(&again);
}

static void on_helper_event(Stage *s, SessionEvent *event) {
        HelperSessionState state = helper_session_state(s->helper);

        switch (event->type) {
        case SESSION_EVENT_HELLO:
                require(state == HELPER_SESSION_KEY_WAIT);
                require(helper_session_challenge(s->helper,
                                                 !(s->setup & SETUP_HELPER_KEY) ? NULL
                                                 : s->setup & SETUP_OTHER_KEY   ? key_two
                                                                                : key_one,
                                                 key_two, s->now, &s->helper_out) == 0);
                break;
        case SESSION_EVENT_PROVEN:
                require(state == HELPER_SESSION_SLOT_WAIT);
                s->proven = true;
                break;
        case SESSION_EVENT_STATE:
                require(state == HELPER_SESSION_READY && s->proven && s->welcomed);
                break;
        case SESSION_EVENT_REFUSED:
        case SESSION_EVENT_BYE:
        case SESSION_EVENT_VIOLATION:
        case SESSION_EVENT_TIMEOUT:
                require(state == HELPER_SESSION_CLOSED && event->notice.code != 0);
                break;
        case SESSION_EVENT_ESTABLISHED:
        case SESSION_EVENT_RESULT:
                abort();
        case SESSION_EVENT_NONE:
                break;
        }
        session_event_done(event);
}

static void on_agent_event(Stage *s, SessionEvent *event) {
        AgentSessionState state = agent_session_state(s->agent);

        switch (event->type) {
        case SESSION_EVENT_ESTABLISHED:
        case SESSION_EVENT_RESULT:
                require(state == AGENT_SESSION_READY);
                break;
        case SESSION_EVENT_REFUSED:
        case SESSION_EVENT_BYE:
        case SESSION_EVENT_VIOLATION:
        case SESSION_EVENT_TIMEOUT:
                require(state == AGENT_SESSION_CLOSED && event->notice.code != 0);
                break;
        case SESSION_EVENT_HELLO:
        case SESSION_EVENT_PROVEN:
        case SESSION_EVENT_STATE:
                abort();
        case SESSION_EVENT_NONE:
                break;
        }
        session_event_done(event);
}

static void feed(Stage *s) {
        SessionEvent event;
        size_t consumed;

        do {
                bool closed = helper_session_state(s->helper) == HELPER_SESSION_CLOSED;

                require(helper_session_receive(s->helper, buffer_bytes(&s->helper_in),
                                               buffer_length(&s->helper_in), s->now, &s->helper_out,
                                               &consumed, &event) == 0);
                require(consumed <= buffer_length(&s->helper_in) && !(closed && consumed > 0));
                buffer_consume(&s->helper_in, consumed);
                on_helper_event(s, &event);
        } while (consumed > 0);
        if (agent_session_state(s->agent) == AGENT_SESSION_IDLE)
                return;
        do {
                bool closed = agent_session_state(s->agent) == AGENT_SESSION_CLOSED;

                require(agent_session_receive(s->agent, buffer_bytes(&s->agent_in),
                                              buffer_length(&s->agent_in), s->now, &s->agent_out,
                                              &consumed, &event) == 0);
                require(consumed <= buffer_length(&s->agent_in) && !(closed && consumed > 0));
                buffer_consume(&s->agent_in, consumed);
                on_agent_event(s, &event);
        } while (consumed > 0);
}

static void move(Buffer *from, Buffer *to, size_t n) {
        n = n == 255 || n > buffer_length(from) ? buffer_length(from) : n;
        require(buffer_append(to, buffer_bytes(from), n) == 0);
        buffer_consume(from, n);
}

static void start(Stage *s) {
        WireHello hello = {.version_min = 1, .version_max = 2, .distro = "d", .software = "s"};
        bool idle = agent_session_state(s->agent) == AGENT_SESSION_IDLE;

        if (s->setup & SETUP_OLD_AGENT)
                hello.version_max = 1;
        require(agent_session_start(s->agent, &hello, s->now, &s->agent_out) ==
                (idle ? 0 : -ENOTRECOVERABLE));
}

static void push(Stage *s, uint8_t which) {
        WireService services[] = {{.name = "a", .n_listens = 1},
                                  {.name = "b", .first_listen = 1, .n_listens = 1}};
        WireListen listens[] = {{ip_v4(0, 0, 0, 0), 80, 1, 80}, {ip_v4(0, 0, 0, 0), 90, 9, 90}};
        WireState state = {.services = services, .listens = listens, .n_listens = 2};
        bool ready = agent_session_state(s->agent) == AGENT_SESSION_READY;
        uint64_t sequence;
        int r;

        state.n_services = which % 3;
        r = agent_session_push(s->agent, &state, s->now, &s->agent_out, &sequence);
        require(ready ? r == 0 || (r == -E2BIG && s->setup & SETUP_FEW_ENDPOINTS)
                      : r == -ENOTRECOVERABLE);
}

static void result(Stage *s, uint8_t which) {
        WireServiceResult services[2] = {{.state = WIRE_SERVICE_ACTIVE}};
        WireResult m = {.sequence = which / 3 + 1u, .services = services, .n_services = which % 3u};
        bool ready = helper_session_state(s->helper) == HELPER_SESSION_READY;
        int r = helper_session_result(s->helper, &m, &s->helper_out);

        require(ready ? r == 0 || r == -EINVAL : r == -ENOTRECOVERABLE);
}

static void wait(Stage *s, uint8_t argument) {
        SessionEvent event;

        s->now += (uint64_t) argument * argument * 1000;
        require(helper_session_tick(s->helper, s->now, &s->helper_out, &event) == 0);
        on_helper_event(s, &event);
        require(agent_session_tick(s->agent, s->now, &s->agent_out, &event) == 0);
        on_agent_event(s, &event);
        require(helper_session_deadline(s->helper) > s->now);
        require(agent_session_deadline(s->agent) > s->now);
}

static void owner_of_helper(Stage *s, uint8_t op) {
        HelperSessionState state = helper_session_state(s->helper);
        int r;

        if (op == OP_ADMIT) {
                r = helper_session_admit(s->helper, s->now, &s->helper_out);
                require(r == (state == HELPER_SESSION_SLOT_WAIT ? 0 : -ENOTRECOVERABLE));
                s->welcomed = s->welcomed || r == 0;
        } else if (op == OP_REFUSE) {
                r = helper_session_refuse(s->helper, WIRE_REFUSAL_BUSY, "busy", &s->helper_out);
                require(r == (state < HELPER_SESSION_READY ? 0 : -ENOTRECOVERABLE));
        } else {
                r = helper_session_ping(s->helper, s->now, &s->helper_out);
                require(r == (state == HELPER_SESSION_READY ? 0 : -ENOTRECOVERABLE));
        }
}

static void step(Stage *s, uint8_t op, uint8_t argument) {
        switch (op) {
        case OP_START:
                start(s);
                break;
        case OP_WAIT:
                wait(s, argument);
                break;
        case OP_PUSH:
                push(s, argument);
                break;
        case OP_RESULT:
                result(s, argument);
                break;
        case OP_AGENT_BYE:
                require(agent_session_bye(s->agent, WIRE_BYE_STOPPING, "", &s->agent_out) == 0);
                break;
        case OP_HELPER_BYE:
                require(helper_session_bye(s->helper, WIRE_BYE_STOPPING, "", &s->helper_out) == 0);
                break;
        case OP_ADMIT:
        case OP_REFUSE:
        case OP_PING:
                owner_of_helper(s, op);
                break;
        }
}

static void require_invariants(Stage *s, size_t agent_before, size_t helper_before) {
        bool agent_key = s->setup & SETUP_AGENT_KEY, helper_key = s->setup & SETUP_HELPER_KEY;
        bool may_be_ready = agent_key && helper_key
                                    ? !(s->setup & SETUP_OTHER_KEY)
                                    : !agent_key && !helper_key && !(s->setup & SETUP_PAIRING);

        require_frames(&s->agent_out, agent_before);
        require_frames(&s->helper_out, helper_before);
        require(agent_session_state(s->agent) >= s->agent_state);
        require(helper_session_state(s->helper) >= s->helper_state);
        s->agent_state = agent_session_state(s->agent);
        s->helper_state = helper_session_state(s->helper);
        /* Injected bytes can imitate a peer without a key, but not a peer with one. */
        if (helper_key || s->setup & SETUP_PAIRING)
                require(s->helper_state != HELPER_SESSION_READY || may_be_ready);
        if (agent_key)
                require(s->agent_state != AGENT_SESSION_READY || may_be_ready);
}

/* Bytes of the input that belong to an operation, of the @n behind it. */
static size_t injected(uint8_t op, uint8_t argument, size_t n) {
        if (op != OP_INJECT_HELPER && op != OP_INJECT_AGENT)
                return 0;
        return argument < n ? argument : n;
}

/* The operations that add to the bytes that a machine receives. @length: of those at @data */
static void arrive(Stage *s, uint8_t op, uint8_t argument, const uint8_t *data, size_t length) {
        if (op == OP_TO_HELPER)
                move(&s->agent_out, &s->helper_in, argument);
        else if (op == OP_TO_AGENT)
                move(&s->helper_out, &s->agent_in, argument);
        else if (op == OP_INJECT_HELPER)
                require(buffer_append(&s->helper_in, data, length) == 0);
        else if (op == OP_INJECT_AGENT)
                require(buffer_append(&s->agent_in, data, length) == 0);
}

static void run(Stage *s, const uint8_t *data, size_t n) {
        while (n >= 2) {
                uint8_t op = data[0] % OP_END, argument = data[1];
                size_t length = injected(op, argument, n - 2), agent_before, helper_before;

                arrive(s, op, argument, data + 2, length);
                agent_before = buffer_length(&s->agent_out);
                helper_before = buffer_length(&s->helper_out);
                step(s, op, argument);
                feed(s);
                require_invariants(s, agent_before, helper_before);
                data += 2 + length;
                n -= 2 + length;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        HelperSessionConfig config = {
                .mac = toy_mac, .heartbeat_ms = 1000, .handshake_ms = 10000, .software = "h"};
        Stage s = {.now = 1};

        if (n < 1)
                return 0;
        s.setup = data[0];
        config.pairing_required = s.setup & SETUP_PAIRING;
        config.endpoints_max = s.setup & SETUP_FEW_ENDPOINTS ? 5 : WIRE_ENDPOINTS_MAX;
        require(agent_session_new(&s.agent, toy_mac, s.setup & SETUP_AGENT_KEY ? key_one : NULL) ==
                0);
        require(helper_session_new(&s.helper, &config, s.now) == 0);
        run(&s, data + 1, n - 1);
        s.agent = agent_session_free(s.agent);
        s.helper = helper_session_free(s.helper);
        buffer_done(&s.agent_out);
        buffer_done(&s.helper_out);
        buffer_done(&s.agent_in);
        buffer_done(&s.helper_in);
        return 0;
}

/* One of the frames that are injected in one piece. */
bool fuzz_frame_place(const uint8_t *data, size_t n, unsigned choice, FramePlace *ret_place) {
        unsigned n_frames = 0;

        for (size_t at = 1, length; n >= 2 && at <= n - 2; at += 2 + length) {
                length = injected(data[at] % OP_END, data[at + 1], n - at - 2);
                if (length < WIRE_HEADER_SIZE || choice % ++n_frames != 0)
                        continue;
                *ret_place = (FramePlace){.at = at + 2,
                                          .n = length,
                                          .max = length + UINT8_MAX - data[at + 1],
                                          .length = at + 1};
        }
        return n_frames > 0;
}
