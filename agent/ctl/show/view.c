/* SPDX-License-Identifier: MIT */

/*
 * How a report of the agent looks: header, table of services, list.
 */

#include "agent/ctl/show/view.h"

#include "agent/util/json-build.h"

#include "common/text-width.h"
#include "common/text-wrap.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH        10 /* of the lines of the header */
#define FORWARDER_WIDTH    30 /* of each of the two words in that column, which is never cut */
#define PROBLEMS_SHOWN_MAX 5

static Colour state_colour(const char *state) {
        static const struct {
                const char *state;
                Colour colour;
        } colours[] = {
                {"active", COLOUR_GOOD},    {"pending", COLOUR_WAIT}, {"withdrawn", COLOUR_WAIT},
                {"disabled", COLOUR_FAINT}, {"blocked", COLOUR_BAD},  {"conflict", COLOUR_BAD},
                {"refused", COLOUR_BAD},    {"invalid", COLOUR_BAD},
        };

        for (size_t i = 0; i < ELEMENTSOF(colours); i++)
                if (strcmp(state, colours[i].state) == 0)
                        return colours[i].colour;
        return COLOUR_NONE;
}

static bool is_loopback_starting(const ReportService *s) {
        return strcmp(s->loopback, "starting") == 0;
}

/* An active service that nobody can reach, or that is not carried on, is not shown as good. */
static Colour service_colour(const ReportService *s) {
        bool stuck = strcmp(s->reason, "unreachable") == 0 ||
                     strcmp(s->reason, "not-listening") == 0 || *s->loopback_text ||
                     is_loopback_starting(s);

        return stuck && strcmp(s->state, "active") == 0 ? COLOUR_WAIT : state_colour(s->state);
}

static void add_line(Buffer *out, const Style *style, const char *label, Buffer *value) {
        const TextFrame frame = {.column = LABEL_WIDTH + 2,
                                 .indent = LABEL_WIDTH + 2,
                                 .width = style->width,
                                 .whole_words = true};

        buffer_printf(out, "%*s  ", LABEL_WIDTH, label);
        text_wrap(out, buffer_text(value), &frame);
        out->oom = out->oom || value->oom;
        buffer_done(value);
}

static void header_address(const Report *r, const Style *style, Buffer *out) {
        const ReportAddress *a = *r->v4.address ? &r->v4 : &r->v6;
        Buffer value = BUFFER_NULL;

        if (*a->address) {
                buffer_printf(&value, "%s/%u on %s", a->address, a->prefix, r->interface);
                if (*a->gateway)
                        buffer_printf(&value, ", gateway %s", a->gateway);
        } else {
                buffer_printf(&value, "none");
        }
        if (*r->address_problem)
                buffer_printf(&value, " (%s)", r->address_problem);
        add_line(out, style, "address:", &value);
}

static void header_mode(const Report *r, const Style *style, Buffer *out) {
        Buffer value = BUFFER_NULL;

        buffer_printf(&value, "%s%s", *r->mode_word ? r->mode_word : r->mode,
                      report_is_outside(r) ? "; the host sees this guest on a network of other "
                                             "machines, so nothing is forwarded"
                                           : "");
        add_line(out, style, "mode:", &value);
}

static void add_ports(const ReportPorts *ports, const char *protocol, Buffer *value) {
        if (!ports->known)
                return;
        buffer_printf(value, "%s%s%s port%s", buffer_length(value) > 0 ? " and " : "",
                      ports->n == 0 ? "no " : "", protocol,
                      ports->n == 0   ? ""
                      : ports->n == 1 ? " "
                                      : "s ");
        for (size_t i = 0; i < ports->n; i++)
                buffer_printf(value, "%s%u", i > 0 ? ", " : "", ports->ports[i]);
        if (ports->n_all > ports->n)
                buffer_printf(value, " and %zu more", ports->n_all - ports->n);
}

/* Which ports other machines reach, whether a service names them or not. */
static void header_listening(const Report *r, const Style *style, Buffer *out) {
        const ReportAddress *a = *r->v4.address ? &r->v4 : &r->v6;
        Buffer value = BUFFER_NULL;

        if (!r->tcp.known)
                return;
        add_ports(&r->tcp, "TCP", &value);
        add_ports(&r->udp, "UDP", &value);
        buffer_printf(&value, " at %s", a->address);
        add_line(out, style, "listening:", &value);
}

static void header_helper(const Report *r, const Style *style, uint64_t now_usec, Buffer *out) {
        char since[REPORT_TIME_TEXT_SIZE];
        Buffer value = BUFFER_NULL;

        report_time_format(&r->helper_since, now_usec, since);
        buffer_printf(&value, "%s since %s", r->connected ? "connected" : "not connected", since);
        if (r->connected && *r->software)
                buffer_printf(&value, " (%s)", r->software);
        if (*r->unanswered_since.time) {
                report_time_format(&r->unanswered_since, now_usec, since);
                buffer_printf(&value, ", but it has answered nothing since %s", since);
        } else if (!r->connected && *r->error_cause)
                buffer_printf(&value, " (%s%s%s)", r->error_cause, *r->error_text ? ": " : "",
                              r->error_text);
        add_line(out, style, "helper:", &value);
}

static void header_update(const Report *r, const Style *style, Buffer *out) {
        Buffer value = BUFFER_NULL;

        if (!r->has_update)
                return;
        buffer_printf(&value, "%.1f ms from the last change of the address to the host's answer",
                      (double) r->update_usec / 1000);
        add_line(out, style, "update:", &value);
}

/* The first few of them, each with what is in force of its file. */
static void header_problems(const Report *r, const Style *style, Buffer *out) {
        Buffer value = BUFFER_NULL;

        for (size_t i = 0; i < r->n_problems && i < PROBLEMS_SHOWN_MAX; i++) {
                const ReportProblem *p = &r->problems[i];

                buffer_printf(&value, "%s%s", i > 0 ? "\n" : "", p->file);
                if (p->line > 0)
                        buffer_printf(&value, ":%u", p->line);
                buffer_printf(&value, ": %s%s%s (%s)", p->key, *p->key ? ": " : "", p->message,
                              config_in_force_text(p->file, p->previous));
        }
        if (r->n_problems > PROBLEMS_SHOWN_MAX)
                buffer_printf(&value, "\n%zu more; see 'wslbridgectl check'",
                              r->n_problems - PROBLEMS_SHOWN_MAX);
        if (r->n_problems > 0)
                add_line(out, style, "problems:", &value);
}

void view_header(const Report *r, const Style *style, uint64_t now_usec, Buffer *out) {
        Buffer value = BUFFER_NULL;

        buffer_printf(&value, "wslbridge-agent %s, process %d", r->version, r->pid);
        add_line(out, style, "agent:", &value);
        header_address(r, style, out);
        header_mode(r, style, out);
        header_listening(r, style, out);
        header_helper(r, style, now_usec, out);
        header_update(r, style, out);
        header_problems(r, style, out);
}

static bool wanted(const char *const *names, const char *name) {
        if (!names)
                return true;
        for (; *names; names++)
                if (strcmp(*names, name) == 0)
                        return true;
        return false;
}

static void guest_port_text(const ReportService *s, const ReportListen *listen, char *ret_text,
                            size_t size) {
        const char *where = strcmp(s->connect, "loopback") == 0 ? "127.0.0.1:" : "";

        if (listen->count > 1)
                (void) snprintf(ret_text, size, "%s%u-%u", where, listen->connect_port,
                                listen->connect_port + listen->count - 1);
        else
                (void) snprintf(ret_text, size, "%s%u", where, listen->connect_port);
}

/* Takes what @text has. */
static void buffer_cell(Table *t, unsigned column, Buffer *text) {
        table_cell(t, column, COLOUR_NONE, buffer_text(text));
        t->oom = t->oom || text->oom;
        buffer_done(text);
}

/* "portproxy", "relay (protocol)" */
static void forwarder_cell(Table *t, unsigned column, const ReportService *s) {
        Buffer text = BUFFER_NULL;

        buffer_printf(&text, "%.*s", (int) text_fit(s->forwarder, FORWARDER_WIDTH), s->forwarder);
        if (*s->why && strcmp(s->why, "default") != 0)
                buffer_printf(&text, " (%.*s)", (int) text_fit(s->why, FORWARDER_WIDTH), s->why);
        buffer_cell(t, column, &text);
}

/* "0.0.0.0:53/udp" */
static void listen_cell(Table *t, unsigned column, const ReportService *s,
                        const ReportListen *listen) {
        bool udp = strcmp(s->protocol, "udp") == 0;
        Buffer text = BUFFER_NULL;

        buffer_printf(&text, "%s%s", listen->listen, udp ? "/udp" : "");
        buffer_cell(t, column, &text);
}

static void service_note(Table *t, const ReportService *s) {
        bool active = strcmp(s->state, "active") == 0;
        Buffer note = BUFFER_NULL;

        if (*s->text) /* of an active service, too: for whom it is open */
                buffer_printf(&note, "%s", s->text);
        else if (*s->reason)
                buffer_printf(&note, "%s", s->reason);
        if (active && strcmp(s->guest, "loopback-only") == 0)
                buffer_printf(&note, "%sport %u of the guest is open on loopback only",
                              buffer_length(&note) > 0 ? "; " : "", s->guest_port);
        if (active && strcmp(s->guest, "not-listening") == 0)
                buffer_printf(&note,
                              "%sno program listens on port %u of the guest; it works only if a "
                              "rule of the kernel (DNAT) leads it elsewhere",
                              buffer_length(&note) > 0 ? "; " : "", s->guest_port);
        if (*s->loopback_text)
                buffer_printf(&note, "%s%s", buffer_length(&note) > 0 ? "; " : "",
                              s->loopback_text);
        else if (is_loopback_starting(s))
                buffer_printf(&note,
                              "%swslbridge-loopback, which carries connections to 127.0.0.1, has "
                              "not started yet",
                              buffer_length(&note) > 0 ? "; " : "");
        if (s->stale) {
                buffer_printf(&note, "%sits file has a problem, so this is what it said before",
                              buffer_length(&note) > 0 ? "; " : "");
        }
        if (buffer_length(&note) > 0)
                table_note(t, buffer_text(&note));
        t->oom = t->oom || note.oom;
        buffer_done(&note);
}

void view_services(const Report *r, const char *const *names, const Style *style, Buffer *out) {
        static const char *const titles[] = {"NAME", "LISTEN", "GUEST PORT", "STATE", "FORWARDER"};
        Table t = {.titles = titles,
                   .n_columns = ELEMENTSOF(titles),
                   .fixed = 1u << 2 | 1u << 3 | 1u << 4};

        for (size_t i = 0; i < r->n_services; i++) {
                const ReportService *s = &r->services[i];

                if (!wanted(names, s->name))
                        continue;
                for (size_t k = 0; k == 0 || k < s->n_listens; k++) {
                        char port[32] = "";

                        table_row(&t);
                        if (k == 0) {
                                table_cell(&t, 0, COLOUR_NONE, s->name);
                                table_cell(&t, 3, service_colour(s), s->state);
                                forwarder_cell(&t, 4, s);
                        }
                        if (s->n_listens == 0)
                                continue;
                        guest_port_text(s, &s->listens[k], port, sizeof(port));
                        listen_cell(&t, 1, s, &s->listens[k]);
                        table_cell(&t, 2, COLOUR_NONE, port);
                }
                service_note(&t, s);
        }
        table_format(&t, style, out);
        table_done(&t);
}

/* A service as 'list' shows it: the files say what it is, the agent says its state. */
typedef struct ListItem {
        const ConfigService *service;
        const WireService *wire; /* NULL: disabled */
        const char *state;
} ListItem;

static ListItem list_item(const Config *config, const Report *r, size_t i) {
        const ConfigService *service = &config->services[i];
        const ReportService *reported = r ? report_service(r, service->name) : NULL;
        ListItem item = {.service = service, .state = "disabled"};

        if (service->enabled) {
                item.wire = &config->wire.services[service->wire];
                item.state = reported ? reported->state : "not-running";
        }
        return item;
}

static void list_listens(const Config *config, const ListItem *item, Buffer *out) {
        bool udp = item->wire && item->wire->options[WIRE_OPTION_PROTOCOL] == WIRE_PROTOCOL_UDP;
        char listen[CONFIG_LISTEN_TEXT_SIZE];

        for (uint32_t i = 0; item->wire && i < item->wire->n_listens; i++) {
                config_listen_format(&config->wire.listens[item->wire->first_listen + i], listen);
                buffer_printf(out, "%s%s%s", i > 0 ? ", " : "", listen, udp ? "/udp" : "");
        }
}

void view_list(const Config *config, const Report *r, const Style *style, Buffer *out) {
        static const char *const titles[] = {"NAME", "LISTEN", "STATE", "DESCRIPTION"};
        Table t = {.titles = titles, .n_columns = ELEMENTSOF(titles), .fixed = 1u << 2};

        for (size_t i = 0; i < config->n_services; i++) {
                ListItem item = list_item(config, r, i);
                Buffer listens = BUFFER_NULL;

                list_listens(config, &item, &listens);
                table_row(&t);
                table_cell(&t, 0, COLOUR_NONE, item.service->name);
                table_cell(&t, 1, COLOUR_NONE,
                           buffer_length(&listens) > 0 ? buffer_text(&listens) : "-");
                table_cell(&t, 2, state_colour(item.state), item.state);
                if (item.service->description) {
                        char *description = strdup(item.service->description);

                        if (description) {
                                utf8_clean(description);
                                table_cell(&t, 3, COLOUR_NONE, description);
                        }
                        t.oom = t.oom || !description;
                        free(description);
                }
                t.oom = t.oom || listens.oom;
                buffer_done(&listens);
        }
        table_format(&t, style, out);
        table_done(&t);
}

json_t *view_list_json(const Config *config, const Report *r) {
        json_t *array = json_array();

        for (size_t i = 0; i < config->n_services; i++) {
                ListItem item = list_item(config, r, i);
                json_t *listens = json_array();

                for (uint32_t k = 0; item.wire && k < item.wire->n_listens; k++) {
                        const WireListen *l = &config->wire.listens[item.wire->first_listen + k];
                        char text[CONFIG_LISTEN_TEXT_SIZE];

                        config_listen_format(l, text);
                        json_add(&listens,
                                 json_pack("{s:s, s:i, s:i}", "listen", text, "count",
                                           (int) l->count, "connect_port", (int) l->connect_port));
                }
                json_add(&array,
                         json_pack("{s:s, s:s?, s:s?, s:b, s:s, s:o}", "name", item.service->name,
                                   "description", item.service->description, "file",
                                   item.service->file, "enabled", (int) item.service->enabled,
                                   "state", item.state, "listens", listens));
        }
        return array;
}
