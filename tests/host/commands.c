/* SPDX-License-Identifier: MIT */

/*
 * Commands on standard input, one on each line, and answers and events, one JSON object on each
 * line.
 */

#include "tests/host/test-host.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Frees @object. */
static void commands_print(json_t *object) {
        char *text = json_dumps(object, JSON_COMPACT);

        if (text) {
                (void) puts(text);
                (void) fflush(stdout);
        }
        free(text);
        json_decref(object);
}

static void commands_error(const char *command, const char *what) {
        commands_print(json_pack("{s:s, s:b, s:s}", "command", command, "ok", 0, "error", what));
}

static void commands_rules(TestHost *h, const char *command) {
        const TextMapEntry **list = text_map_list(&h->memory.rules);
        json_t *rules = json_array();

        for (size_t i = 0; list && i < h->memory.rules.n; i++) {
                const char *space = strchr(list[i]->key, ' ');

                json_array_append_new(rules, json_pack("{s:s%, s:s, s:s}", "family", list[i]->key,
                                                       (size_t) (space - list[i]->key), "name",
                                                       space + 1, "data", list[i]->data));
        }
        free(list);
        commands_print(json_pack("{s:s, s:b, s:o}", "command", command, "ok", 1, "rules", rules));
}

static void commands_ledger(TestHost *h, const char *command) {
        const TextMapEntry **list = text_map_list(&h->memory.ledger);
        json_t *entries = json_array();

        for (size_t i = 0; list && i < h->memory.ledger.n; i++) {
                json_array_append_new(entries, json_pack("{s:s, s:s}", "name", list[i]->key, "data",
                                                         list[i]->data));
        }
        free(list);
        commands_print(
                json_pack("{s:s, s:b, s:o}", "command", command, "ok", 1, "entries", entries));
}

static json_t *commands_address(const IpAddr *addr) {
        char text[IP_TEXT_MAX];

        if (addr->family == IP_FAMILY_NONE)
                return json_null();
        ip_format(addr, text);
        return json_string(text);
}

static void commands_agent(void *userdata, const GuestView *v) {
        json_t *agent = json_pack("{s:s, s:s, s:b, s:b}", "owner", v->owner, "software",
                                  v->software, "connected", v->connected, "in_grace", v->in_grace);
        json_t *services = json_array();

        for (uint32_t i = 0; v->state && i < v->state->n_services; i++) {
                const WireServiceResult *r = v->results ? &v->results[i] : NULL;

                json_array_append_new(
                        services, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name",
                                            v->state->services[i].name, "state",
                                            r ? wire_service_state_name(r->state) : "unanswered",
                                            "reason", r ? wire_reason_name(r->reason) : "", "text",
                                            r && r->text ? r->text : "", "forwarder",
                                            wire_forwarder_name(r ? r->forwarder : 0), "why",
                                            wire_why_name(r ? r->why : 0)));
        }
        if (v->state) {
                json_object_set_new(agent, "sequence",
                                    json_integer((json_int_t) v->state->sequence));
                json_object_set_new(agent, "mode", json_string(wire_mode_name(v->state->mode)));
                json_object_set_new(agent, "interface", json_string(v->state->interface));
                json_object_set_new(agent, "address", commands_address(&v->state->v4.addr));
                json_object_set_new(agent, "address6", commands_address(&v->state->v6.addr));
        }
        json_object_set_new(agent, "services", services);
        json_array_append_new(userdata, agent);
}

static void commands_agents(TestHost *h, const char *command) {
        json_t *agents = json_array();

        controller_guests(h->controller, commands_agent, agents);
        commands_print(json_pack("{s:s, s:b, s:o}", "command", command, "ok", 1, "agents", agents));
}

static void commands_stats(TestHost *h, const char *command) {
        const uint64_t *calls = h->memory.calls;
        json_t *o = json_pack("{s:s, s:b}", "command", command, "ok", 1);
        const struct {
                const char *name;
                uint64_t value;
        } values[] = {
                {"writes", calls[MEMORY_RULE_SET]},
                {"deletes", calls[MEMORY_RULE_DELETE]},
                {"activations", calls[MEMORY_ACTIVATE]},
                {"flushes", calls[MEMORY_LEDGER_FLUSH]},
                {"ledger_puts", calls[MEMORY_LEDGER_PUT]},
                {"ledger_removes", calls[MEMORY_LEDGER_REMOVE]},
                {"states", h->n_states},
                {"results", h->n_results},
                {"last_state_usec", h->last_state_usec},
                {"last_result_usec", h->last_result_usec},
                {"connections", h->n_peers},
        };

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
                json_object_set_new(o, values[i].name, json_integer((json_int_t) values[i].value));
        commands_print(o);
}

static void commands_ok(const char *command) {
        commands_print(json_pack("{s:s, s:b}", "command", command, "ok", 1));
}

static void commands_foreign(TestHost *h, const char *command, char *arguments, bool set) {
        char *save = NULL, *family = strtok_r(arguments, " ", &save);
        char *name = strtok_r(NULL, " ", &save), *data = set ? strtok_r(NULL, "", &save) : NULL;
        RuleFamily f;

        if (!family || !name || (set && !data) || rule_family_parse(family, &f) < 0) {
                commands_error(command, set ? "usage: foreign-set FAMILY NAME DATA"
                                            : "usage: foreign-delete FAMILY NAME");
                return;
        }
        memory_host_foreign(&h->memory, f, name, data);
        controller_rules_changed(h->controller);
        commands_ok(command);
}

static void commands_run(TestHost *h, char *line) {
        char *arguments = strchr(line, ' ');
        char none[] = "";

        if (arguments)
                *arguments++ = '\0';
        else
                arguments = none;
        if (strcmp(line, "rules") == 0) {
                commands_rules(h, line);
        } else if (strcmp(line, "ledger") == 0) {
                commands_ledger(h, line);
        } else if (strcmp(line, "agents") == 0) {
                commands_agents(h, line);
        } else if (strcmp(line, "stats") == 0) {
                commands_stats(h, line);
        } else if (strcmp(line, "foreign-set") == 0) {
                commands_foreign(h, line, arguments, true);
        } else if (strcmp(line, "foreign-delete") == 0) {
                commands_foreign(h, line, arguments, false);
        } else if (strcmp(line, "switch") == 0) {
                if (setup_address(h, arguments, true) < 0) {
                        commands_error(line, "usage: switch ADDRESS/BITS");
                        return;
                }
                controller_set_hostnet(h->controller, &h->hostnet);
                commands_ok(line);
        } else if (strcmp(line, "iphlpsvc") == 0) {
                h->activate_error = strcmp(arguments, "missing") == 0   ? -ENOENT
                                    : strcmp(arguments, "stopped") == 0 ? -ESRCH
                                                                        : 0;
                controller_forwarder_changed(h->controller);
                commands_ok(line);
        } else if (strcmp(line, "network") == 0) {
                h->sight = (FirewallSight){
                        .known = true,
                        .connected = strstr(arguments, "private")  ? WIRE_PROFILE_PRIVATE
                                     : strstr(arguments, "public") ? WIRE_PROFILE_PUBLIC
                                                                   : 0,
                        .off = strstr(arguments, "off") ? WIRE_PROFILE_ALL : 0,
                };
                controller_set_firewall_sight(h->controller, &h->sight);
                commands_ok(line);
        } else if (strcmp(line, "quit") == 0) {
                h->quit = true;
                commands_ok(line);
        } else if (*line) {
                commands_error(line, "unknown command; see --help");
        }
}

void commands_readable(TestHost *h) {
        ssize_t n = read(STDIN_FILENO, h->line + h->n_line, sizeof(h->line) - 1 - h->n_line);
        char *start = h->line, *end;

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0) {
                h->stdin_ended = true; /* it keeps running; a signal ends it */
                return;
        }
        h->n_line += (size_t) n;
        h->line[h->n_line] = '\0';
        while ((end = strchr(start, '\n'))) {
                *end = '\0';
                commands_run(h, start);
                start = end + 1;
        }
        h->n_line -= (size_t) (start - h->line);
        memmove(h->line, start, h->n_line + 1);
        if (h->n_line == sizeof(h->line) - 1) {
                commands_error("", "line too long");
                h->n_line = 0;
        }
}

static void commands_note_state(void *userdata, const GuestView *v) {
        TestHost *h = userdata;
        SeenState *seen = NULL;

        if (!v->state || !v->connected)
                return;
        for (size_t i = 0; i < h->n_seen && !seen; i++)
                if (strcmp(h->seen[i].owner, v->owner) == 0)
                        seen = &h->seen[i];
        if (!seen && h->n_seen < CONTROLLER_GUESTS_MAX) {
                seen = &h->seen[h->n_seen++];
                *seen = (SeenState){0};
                strcpy(seen->owner, v->owner);
        }
        if (!seen || seen->serial == v->serial)
                return;
        seen->serial = v->serial;
        h->n_states++;
        h->last_state_usec = h->received_usec;
        if (h->events) {
                commands_print(json_pack("{s:s, s:I, s:s, s:I, s:s, s:i, s:o, s:o}", "event",
                                         "state", "usec", (json_int_t) h->received_usec, "owner",
                                         v->owner, "sequence", (json_int_t) v->state->sequence,
                                         "mode", wire_mode_name(v->state->mode), "services",
                                         (int) v->state->n_services, "address",
                                         commands_address(&v->state->v4.addr), "address6",
                                         commands_address(&v->state->v6.addr)));
        }
}

void commands_note_states(TestHost *h) {
        controller_guests(h->controller, commands_note_state, h);
}

void commands_note_result(TestHost *h, const uint8_t *frame, size_t n) {
        uint64_t sequence = 0;

        h->n_results++;
        h->last_result_usec = test_host_now();
        for (size_t i = 0; i < sizeof(sequence) && WIRE_HEADER_SIZE + i < n; i++)
                sequence = sequence << 8 |
                           frame[WIRE_HEADER_SIZE + i]; /* it comes first in the payload */
        if (h->events) {
                commands_print(json_pack("{s:s, s:I, s:I}", "event", "result", "usec",
                                         (json_int_t) h->last_result_usec, "sequence",
                                         (json_int_t) sequence));
        }
}

void commands_event(TestHost *h, const char *event) {
        if (h->events) {
                commands_print(json_pack("{s:s, s:I}", "event", event, "usec",
                                         (json_int_t) test_host_now()));
        }
}
