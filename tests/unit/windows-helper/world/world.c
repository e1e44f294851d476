/* SPDX-License-Identifier: MIT */

/*
 * Fake agents, the controller, and the messages between them.
 */

#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t world_key[WIRE_KEY_SIZE] = {1, 2, 3, 4};

static int world_send(void *userdata, void *handle, const uint8_t *data, size_t n) {
        FakeAgent *a = handle;

        ck_assert(!a->closed && n > 0);
        return a->breaks ? -EPIPE : buffer_append(&a->inbox, data, n);
}

static void world_close(void *userdata, void *handle) {
        FakeAgent *a = handle;

        ck_assert(!a->closed); /* once */
        a->closed = true;
}

static void world_log(MemoryHost *m, LogLevel level, EventId event, const char *text) {
        World *w = m->userdata;
        size_t n = strlen(w->log), more = strlen(text) + 1;

        if (n + more >= sizeof(w->log))
                n = 0;
        (void) snprintf(w->log + n, sizeof(w->log) - n, "%s\n", text);
        w->n_logged++;
}

void world_init(World *w) {
        static const char *const distros[WORLD_AGENTS] = {"Ubuntu", "Debian", "Alpine", "Fedora"};

        *w = (World){0};
        memory_host_init(&w->host);
        w->host.userdata = w;
        w->host.log = world_log;
        w->host.key = world_key;
        memory_host_fill(&w->host, &w->controller_host);
        w->controller_host.connections.send = world_send;
        w->controller_host.connections.close = world_close;
        controller_options_init(&w->options);
        w->options.mac = memory_host_mac;
        w->options.unchecked_hostnet = true;
        for (unsigned i = 0; i < WORLD_AGENTS; i++) {
                w->agents[i] = (FakeAgent){
                        .world = w,
                        .distro = distros[i],
                        .id = (uint8_t) (0xa0 + i),
                        .key = world_key,
                };
        }
}

/* Both ends forget the connection. The helper, if it runs, gets the report that its host would
 * send. */
static void agent_cut(FakeAgent *a) {
        if (a->connection && a->world->controller)
                controller_disconnect(a->connection, a->world->host.now_usec);
        a->connection = NULL;
        a->session = agent_session_free(a->session);
        buffer_done(&a->inbox);
        buffer_done(&a->hello);
        a->closed = a->hangs = a->asked = false;
}

void world_done(World *w) {
        for (unsigned i = 0; i < WORLD_AGENTS; i++) {
                agent_cut(&w->agents[i]);
                wire_result_done(&w->agents[i].result);
        }
        w->controller = controller_free(w->controller);
        memory_host_done(&w->host);
}

void world_start(World *w) {
        ck_assert_int_eq(
                controller_new(&w->controller, &w->options, &w->controller_host, w->host.now_usec),
                0);
        world_run(w);
}

void world_start_two(World *w) {
        world_init(w);
        w->options.policy.max_endpoints = WIRE_ENDPOINTS_MAX;
        w->options.policy.widest_remote = WIRE_REMOTE_ANY;
        w->host.listeners = true;
        world_start(w);
        agent_connect(&w->agents[0]);
        agent_connect(&w->agents[1]);
}

void world_kill(World *w) {
        w->controller = controller_free(w->controller);
        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                agent_cut(&w->agents[i]);
}

void world_stop(World *w) {
        (void) controller_stop(w->controller, w->host.now_usec);
        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                agent_cut(&w->agents[i]);
        w->controller = controller_free(w->controller);
}

static void agent_on_event(FakeAgent *a, SessionEvent *event) {
        if (event->type == SESSION_EVENT_RESULT) {
                wire_result_done(&a->result);
                a->result = event->result;
                event->result = WIRE_RESULT_NULL;
                a->n_results++;
        } else if (event->type == SESSION_EVENT_REFUSED || event->type == SESSION_EVENT_BYE) {
                a->notice = event->notice;
        }
        /* The helper must never break the protocol. */
        ck_assert_int_ne(event->type, SESSION_EVENT_VIOLATION);
        session_event_done(event);
}

/* Return: true when something moved. */
static bool agent_pump(FakeAgent *a) {
        uint64_t now = a->world->host.now_usec;
        bool moved = false;

        while (a->session && !a->hangs && buffer_length(&a->inbox) > 0) {
                SessionEvent event = SESSION_EVENT_NULL;
                Buffer out = BUFFER_NULL;
                size_t consumed = 0;

                ck_assert_int_eq(agent_session_receive(a->session, buffer_bytes(&a->inbox),
                                                       buffer_length(&a->inbox), now, &out,
                                                       &consumed, &event),
                                 0);
                buffer_consume(&a->inbox, consumed);
                agent_on_event(a, &event);
                if (buffer_length(&out) > 0 && a->connection)
                        controller_receive(a->connection, buffer_bytes(&out), buffer_length(&out),
                                           now);
                buffer_done(&out);
                moved = true;
                if (consumed == 0)
                        break;
        }
        if (a->closed && !a->hangs) {
                agent_cut(a);
                moved = true;
        }
        return moved;
}

void agent_read(FakeAgent *a) {
        (void) agent_pump(a);
}

void world_run(World *w) {
        bool moved = true;

        while (moved && w->controller) {
                controller_dispatch(w->controller, w->host.now_usec);
                moved = controller_deadline(w->controller) == 0;
                for (unsigned i = 0; i < WORLD_AGENTS; i++)
                        moved |= agent_pump(&w->agents[i]);
        }
}

/* Whatever the controller does is counted. */
static uint64_t world_activity(const World *w) {
        uint64_t n = w->n_logged + w->host.n_firewall;
        ControllerSummary summary;

        controller_summary(w->controller, &summary);
        for (int i = 0; i < _MEMORY_CALL_END; i++)
                n += w->host.calls[i];
        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                n += buffer_length(&w->agents[i].inbox);
        return n + summary.generation;
}

void world_wait(World *w, uint64_t ms) {
        uint64_t end = w->host.now_usec + ms * 1000;

        while (w->controller && controller_deadline(w->controller) <= end) {
                uint64_t deadline = controller_deadline(w->controller);

                if (deadline > w->host.now_usec)
                        w->host.now_usec = deadline;
                world_run(w);
                /* Everything that was due has been done, so the deadline must be in the future. */
                ck_assert_uint_gt(controller_deadline(w->controller), w->host.now_usec);
        }
        w->host.now_usec = end;
        if (w->controller) { /* it has not forgotten a deadline */
                uint64_t n = world_activity(w);

                controller_dispatch(w->controller, end);
                ck_assert_uint_eq(world_activity(w), n);
        }
        world_run(w);
}

void world_pass(World *w, uint64_t ms) {
        uint64_t end = w->host.now_usec + ms * 1000;

        while (controller_deadline(w->controller) <= end) {
                if (controller_deadline(w->controller) > w->host.now_usec)
                        w->host.now_usec = controller_deadline(w->controller);
                world_run(w);
        }
        if (w->host.now_usec < end)
                w->host.now_usec = end;
}

int world_fails_activation(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? -EIO : 0;
}

void world_foreign(World *w, const char *rule, const char *data) {
        RuleFamily f;
        const char *name = memory_host_split(rule, &f);

        ck_assert_ptr_nonnull(name);
        memory_host_foreign(&w->host, f, name, data);
        if (w->controller) {
                controller_rules_changed(w->controller);
                world_run(w);
        }
}

void agent_dial(FakeAgent *a) {
        World *w = a->world;
        WireHello hello = {.version_min = WIRE_VERSION_MIN, .version_max = WIRE_VERSION_MAX};

        if (a->version_max)
                hello.version_max = a->version_max;
        agent_cut(a);
        a->notice = (WireNotice){0};
        hello.agent_id[0] = a->id;
        hello.nonce[0] = a->id;
        strcpy(hello.distro, a->distro);
        strcpy(hello.software, "fake agent");
        ck_assert_int_eq(agent_session_new(&a->session, memory_host_mac, a->key), 0);
        ck_assert_int_eq(agent_session_start(a->session, &hello, w->host.now_usec, &a->hello), 0);
        ck_assert_int_eq(
                controller_connect(w->controller, a, &a->peer, w->host.now_usec, &a->connection),
                0);
}

void agent_hello(FakeAgent *a) {
        controller_receive(a->connection, buffer_bytes(&a->hello), buffer_length(&a->hello),
                           a->world->host.now_usec);
        buffer_done(&a->hello);
        world_run(a->world);
}

void agent_connect(FakeAgent *a) {
        agent_dial(a);
        agent_hello(a);
}

void agent_vanish(FakeAgent *a) {
        agent_cut(a);
        world_run(a->world);
}

void agent_leave(FakeAgent *a) {
        Buffer out = BUFFER_NULL;

        ck_assert_int_eq(agent_session_bye(a->session, WIRE_BYE_STOPPING, "", &out), 0);
        controller_receive(a->connection, buffer_bytes(&out), buffer_length(&out),
                           a->world->host.now_usec);
        buffer_done(&out);
        agent_cut(a);
        world_run(a->world);
}

bool agent_ready(const FakeAgent *a) {
        return a->session && agent_session_state(a->session) == AGENT_SESSION_READY;
}

void agent_send(FakeAgent *a, WireState *state) {
        Buffer out = BUFFER_NULL;

        ck_assert_int_eq(
                agent_session_push(a->session, state, a->world->host.now_usec, &out, &a->sequence),
                0);
        controller_receive(a->connection, buffer_bytes(&out), buffer_length(&out),
                           a->world->host.now_usec);
        buffer_done(&out);
        a->asked = true;
}

void agent_push(FakeAgent *a, WireState *state) {
        agent_send(a, state);
        world_run(a->world);
}

void agent_ask_later(FakeAgent *a, const char *address, const char *services) {
        WireState state = WIRE_STATE_NULL;

        if (address != a->address) {
                (void) snprintf(a->address, sizeof(a->address), "%s", address);
                (void) snprintf(a->services, sizeof(a->services), "%s", services);
        }
        world_parse(&state, address, services);
        agent_send(a, &state);
        wire_state_done(&state);
}

void agent_ask(FakeAgent *a, const char *address, const char *services) {
        agent_ask_later(a, address, services);
        world_run(a->world);
}

void agent_ask_again(FakeAgent *a) {
        agent_ask(a, a->address, a->services);
}

const char *agent_results_text(const FakeAgent *a) {
        static char text[WORLD_TEXT_MAX];
        WireState asked;
        size_t n = 0;

        text[0] = '\0';
        if (!a->result.services)
                return text;
        ck_assert_uint_eq(a->result.sequence, a->sequence);
        world_parse(&asked, a->address, a->services);
        ck_assert_uint_eq(asked.n_services, a->result.n_services);
        for (uint32_t i = 0; i < asked.n_services; i++) {
                const WireServiceResult *r = &a->result.services[i];

                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s %s%s%s", n ? "; " : "",
                                       asked.services[i].name, wire_service_state_name(r->state),
                                       r->reason ? " " : "", wire_reason_name(r->reason));
        }
        wire_state_done(&asked);
        return text;
}

const char *agent_text(const FakeAgent *a, unsigned service) {
        ck_assert_uint_lt(service, a->result.n_services);
        return a->result.services[service].text ? a->result.services[service].text : "";
}

static const char *world_map_text(const TextMap *map, char text[WORLD_TEXT_MAX]) {
        const TextMapEntry **list = text_map_list(map);
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < map->n && n < WORLD_TEXT_MAX; i++) {
                n += (size_t) snprintf(text + n, WORLD_TEXT_MAX - n, "%s %s\n", list[i]->key,
                                       list[i]->data);
        }
        free(list);
        return text;
}

const char *world_rules(const World *w) {
        static char text[WORLD_TEXT_MAX];

        return world_map_text(&w->host.rules, text);
}

const char *world_ledger(const World *w) {
        static char text[WORLD_TEXT_MAX];

        return world_map_text(&w->host.ledger, text);
}

uint64_t world_changes(const World *w) {
        const uint64_t *c = w->host.calls;

        return c[MEMORY_RULE_SET] + c[MEMORY_RULE_DELETE] + c[MEMORY_LEDGER_PUT] +
               c[MEMORY_LEDGER_REMOVE] + c[MEMORY_LEDGER_FLUSH] + c[MEMORY_ACTIVATE];
}

const char *world_open(const World *w) {
        static char text[WORLD_TEXT_MAX];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < w->host.firewall.n; i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%u", n > 0 ? " " : "",
                                       w->host.firewall.items[i].listen.port);
        return text;
}
