/* SPDX-License-Identifier: MIT */

/*
 * Building the text of status.json, and the one line for 'systemctl status'.
 */

#include "agent/status/status.h"

#include "agent/util/json-build.h"

#include "protocol/wire/modes.h"
#include "protocol/wire/wire-options.h"

#include "common/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

StatusTime status_time_now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (StatusTime){
                .realtime_usec = (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000,
                .monotonic_usec = now_usec(),
        };
}

void status_time_format(uint64_t realtime_usec, char ret_text[STATUS_TIME_TEXT_SIZE]) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm tm;
        size_t n;

        (void) gmtime_r(&seconds, &tm);
        n = strftime(ret_text, STATUS_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(ret_text + n, STATUS_TIME_TEXT_SIZE - n, ".%06uZ",
                        (unsigned) (realtime_usec % USEC_PER_SEC));
}

/* NULL and "" become null. Names in problem reports are bytes of the user and not always UTF-8. */
static json_t *text_json(const char *text) {
        _cleanup_free_ char *ascii = NULL;
        json_t *json;

        if (!text || !*text)
                return json_null();
        json = json_string(text);
        if (json)
                return json;
        ascii = strdup(text);
        if (!ascii)
                return NULL;
        for (char *p = ascii; *p; p++)
                if ((unsigned char) *p >= 0x80)
                        *p = '?';
        return json_string(ascii);
}

static json_t *hex_json(const uint8_t *bytes, size_t n) {
        char text[2 * WIRE_ID_SIZE + 1];

        hex_format(bytes, n < WIRE_ID_SIZE ? n : WIRE_ID_SIZE, text);
        return json_string(text);
}

static json_t *time_json(const StatusTime *t) {
        char text[STATUS_TIME_TEXT_SIZE];

        if (t->realtime_usec == 0)
                return json_null();
        status_time_format(t->realtime_usec, text);
        return json_pack("{s:s, s:I}", "time", text, "monotonic_usec",
                         (json_int_t) t->monotonic_usec);
}

static json_t *address_json(const WireAddress *a) {
        char address[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        if (a->addr.family == IP_FAMILY_NONE)
                return json_null();
        ip_format(&a->addr, address);
        ip_format(&a->gateway, gateway);
        return json_pack("{s:s, s:i, s:o}", "address", address, "prefix", (int) a->prefix,
                         "gateway",
                         text_json(a->gateway.family == IP_FAMILY_NONE ? NULL : gateway));
}

static json_t *candidates_json(const Status *s) {
        json_t *array = json_array();

        for (size_t i = 0; i < s->n_candidates; i++) {
                const Candidate *c = &s->candidates[i];
                char address[IP_TEXT_MAX];

                ip_format(&c->addr, address);
                json_add(&array,
                         json_pack("{s:o, s:s, s:b, s:b}", "interface", text_json(c->interface),
                                   "address", address, "default_route", (int) c->default_route,
                                   "vmbus", (int) c->vmbus));
        }
        return array;
}

static json_t *ports_json(const StatusPorts *ports) {
        json_t *array = json_array();

        for (size_t i = 0; i < ports->n && i < STATUS_LISTENING_MAX; i++)
                json_add(&array, json_integer(ports->ports[i]));
        return array;
}

/* null where ports are not reached at the guest's own address, or the kernel did not say. */
static json_t *listening_json(const StatusListening *l) {
        if (!l->known)
                return json_null();
        return json_pack("{s:o, s:I, s:o, s:I}", "tcp", ports_json(&l->tcp), "n_tcp",
                         (json_int_t) l->tcp.n, "udp", ports_json(&l->udp), "n_udp",
                         (json_int_t) l->udp.n);
}

static json_t *guest_json(const Status *s) {
        const Choice *c = s->choice;

        return json_pack(
                "{s:b, s:b, s:b, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
                "wsl", (int) s->wsl->wsl, "wsl_silent", (int) s->wsl->silent, "kept",
                (int) (s->wsl->distro_kept || s->wsl->mode_kept), "mode",
                wire_mode_name(s->wsl->mode), "mode_word", text_json(s->wsl->word), "reach",
                wire_reach_name(s->reach), "listening", listening_json(s->listening), "interface",
                text_json(c->interface), "ipv4", address_json(&c->v4), "ipv6", address_json(&c->v6),
                "problem",
                text_json(c->problem == CHOICE_OK ? NULL : choice_problem_text(c->problem)),
                "problem_name",
                text_json(c->problem == CHOICE_OK ? NULL : choice_problem_name(c->problem)),
                "vmbus_preferred", (int) c->vmbus_preferred, "candidates", candidates_json(s),
                "since", time_json(&s->choice_since));
}

static json_t *error_json(const StatusHelper *h) {
        const ChannelDown *e = &h->error;
        const char *code = NULL;

        if (!h->failed)
                return json_null();
        if (e->cause == CHANNEL_REFUSED)
                code = wire_refusal_name(e->code);
        return json_pack("{s:s, s:o, s:o, s:i}", "cause", channel_cause_name(e->cause), "code",
                         text_json(code), "text", text_json(e->text), "errno", e->error);
}

static const char *helper_state(const StatusHelper *h) {
        if (h->state == CHANNEL_READY)
                return "connected";
        return h->failed && h->error.cause == CHANNEL_REFUSED ? "refused" : "waiting";
}

static json_t *helper_json(const Status *s) {
        const StatusHelper *h = s->helper;

        return json_pack("{s:s, s:s, s:b, s:o, s:o, s:b, s:o, s:o, s:o}", "address", h->address,
                         "state", helper_state(h), "connected", (int) (h->state == CHANNEL_READY),
                         "since", time_json(&h->since), "unanswered_since",
                         h->unanswered_since.realtime_usec ? time_json(&h->unanswered_since)
                                                           : json_null(),
                         "paired", (int) s->paired, "key_problem", text_json(s->key_problem),
                         "software", text_json(h->software), "error", error_json(h));
}

static json_t *listen_json(const WireListen *l) {
        char text[CONFIG_LISTEN_TEXT_SIZE];

        config_listen_format(l, text);
        return json_pack("{s:s, s:i, s:i}", "listen", text, "count", (int) l->count, "connect_port",
                         (int) l->connect_port);
}

/* The ports of a disabled service are not looked at. */
static json_t *guest_port_json(const ConfigService *service, const StatusService *status) {
        if (!service->enabled || status->guest_port == 0)
                return json_null();
        return json_integer(status->guest_port);
}

/* What has become of 'connect = loopback' in this guest; null for other services. */
static json_t *loopback_json(const Status *s, const StatusService *status) {
        Buffer text = BUFFER_NULL;
        json_t *json;

        if (status->loopback.state == LOOPBACK_NOT_ASKED)
                return json_null();
        loopback_outcome_text(&status->loopback, s->loopback_problem, &text);
        json = text.oom ? NULL
                        : json_pack("{s:s, s:o, s:o}", "state",
                                    loopback_state_name(status->loopback.state), "port",
                                    status->loopback.port ? json_integer(status->loopback.port)
                                                          : json_null(),
                                    "text", text_json(buffer_text(&text)));
        buffer_done(&text);
        return json;
}

/* The settings that are one of a few words, as in the file. */
static json_t *options_json(const WireService *wire) {
        json_t *object = json_object();

        for (WireOption o = 0; wire && o < _WIRE_OPTION_END; o++) {
                json_t *word = json_string(wire_option_word(o, wire->options[o]));

                if (json_object_set_new(object, wire_option_name(o), word) < 0) {
                        json_decref(object);
                        return NULL;
                }
        }
        return object;
}

static json_t *service_json(const Status *s, const ConfigService *service,
                            const StatusService *status, const WireService *wire) {
        const Config *config = s->config;
        json_t *listens = json_array();

        for (uint32_t i = 0; wire && i < wire->n_listens; i++)
                json_add(&listens, listen_json(&config->wire.listens[wire->first_listen + i]));
        return json_pack(
                "{s:s, s:o, s:o, s:b, s:b, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, "
                "s:o, s:o}",
                "name", service->name, "description", text_json(service->description), "file",
                text_json(service->file), "stale", (int) service->broken, "enabled",
                (int) service->enabled, "listens", listens, "options", options_json(wire), "state",
                service->enabled ? wire_service_state_name(status->state) : "disabled", "reason",
                text_json(wire_reason_name(status->reason)), "text", text_json(status->text),
                "forwarder", text_json(wire_forwarder_name(status->forwarder)), "forwarder_reason",
                text_json(wire_why_name(status->why)), "since", time_json(&status->since), "guest",
                guest_port_name(service->enabled ? status->guest : GUEST_PORT_UNKNOWN),
                "guest_port", guest_port_json(service, status), "loopback",
                loopback_json(s, status));
}

/* One line for each service. */
static void format_services(const Status *s, size_t from, size_t end, Buffer *out) {
        for (size_t i = from; i < end; i++) {
                const ConfigService *service = &s->config->services[i];
                const WireService *wire =
                        service->enabled ? &s->config->wire.services[service->wire] : NULL;
                json_t *json = service_json(s, service, &s->services[i], wire);

                buffer_printf(out, "%s\n    ", i == 0 ? "" : ",");
                json_to_buffer(json, 0, out);
                json_decref(json);
        }
}

static json_t *problems_json(const Config *c) {
        json_t *array = json_array();

        for (size_t i = 0; i < c->n_problems; i++) {
                const ConfigProblem *p = &c->problems[i];

                json_add(&array,
                         json_pack("{s:o, s:i, s:o, s:o, s:s}", "file", text_json(p->file), "line",
                                   (int) p->line, "key", text_json(p->key), "message",
                                   text_json(p->message), "in_force",
                                   p->in_force == CONFIG_PREVIOUS ? "previous" : "nothing"));
        }
        return array;
}

static json_t *configuration_json(const Status *s) {
        char fingerprint[2 * sizeof(s->config->fingerprint) + 1];
        bool stale = false;

        for (size_t i = 0; i < s->config->n_problems; i++)
                stale = stale || s->config->problems[i].in_force == CONFIG_PREVIOUS;
        (void) snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, s->config->fingerprint);
        return json_pack("{s:b, s:o, s:s, s:o}", "stale", (int) stale, "problems",
                         problems_json(s->config), "fingerprint", fingerprint, "read",
                         time_json(&s->config_read));
}

static json_t *update_json(const Status *s) {
        if (s->update_usec == STATUS_UPDATE_NEVER)
                return json_null();
        return json_pack("{s:I, s:I}", "usec", (json_int_t) s->update_usec, "host_usec",
                         (json_int_t) s->apply_usec);
}

/* Append the text of @json without its first @n_first and last @n_last bytes. @json: consumed */
static void format_part(json_t *json, size_t n_first, size_t n_last, Buffer *out) {
        Buffer text = BUFFER_NULL;

        json_to_buffer(json, JSON_INDENT(2), &text);
        if (text.oom)
                out->oom = true;
        else
                (void) buffer_append(out, buffer_text(&text) + n_first,
                                     buffer_length(&text) - n_first - n_last);
        buffer_done(&text);
        json_decref(json);
}

/* All before the services. json_pack() takes ownership of every 'o', also when it fails, and it
 * fails when one is NULL. So an allocation that failed for one of these ends in format_part(). */
static void format_head(const Status *s, Buffer *out) {
        json_t *version = json_pack(
                "{s:s, s:i, s:o, s:s}", "version", PROJECT_VERSION, "pid", s->pid, "agent_id",
                hex_json(s->identity->agent_id, WIRE_ID_SIZE), "distro", s->identity->distro);

        format_part(json_pack("{s:i, s:o, s:o, s:o, s:o}", "schema", STATUS_SCHEMA, "agent",
                              version, "guest", guest_json(s), "helper", helper_json(s),
                              "last_update", update_json(s)),
                    0, strlen("\n}"), out);
        buffer_printf(out, ",\n  \"services\": [");
}

/* All behind them. */
static void format_tail(const Status *s, Buffer *out) {
        json_t *counters = json_pack(
                "{s:I, s:I, s:I, s:I, s:I}", "events", (json_int_t) s->net.events, "dumps",
                (json_int_t) s->net.dumps, "lost", (json_int_t) s->net.lost, "failed_dumps",
                (json_int_t) s->net.failed, "connects", (json_int_t) s->n_connects);

        buffer_printf(out, "%s],", s->config->n_services > 0 ? "\n  " : "");
        format_part(json_pack("{s:o, s:o, s:o}", "configuration", configuration_json(s), "counters",
                              counters, "written", time_json(&s->now)),
                    strlen("{"), 0, out);
}

int status_format_part(const Status *s, size_t most, size_t *next, Buffer *out) {
        size_t n = s->config->n_services;
        size_t end = *next < n && most < n - *next ? *next + most : n;

        if (buffer_length(out) == 0)
                format_head(s, out);
        format_services(s, *next, end, out);
        *next = end;
        if (end == n)
                format_tail(s, out);
        if (out->oom)
                return -ENOMEM;
        return end < n;
}

static const char *helper_phrase(const StatusHelper *h) {
        if (h->state == CHANNEL_READY)
                return h->unanswered_since.realtime_usec ? "connected, but does not answer"
                                                         : "connected";
        if (h->failed && h->error.cause == CHANNEL_REFUSED) {
                return h->error.code == WIRE_REFUSAL_NOT_PAIRED ? "refuses us: not paired"
                                                                : "refuses us";
        }
        return "not connected";
}

/* Append the first problem, as much of it as there is room for. */
static void summary_problem(const Config *c, char *text, size_t size) {
        _cleanup_free_ char *problem = NULL;
        size_t n = strlen(text);

        if (config_problem_format(&c->problems[0], &problem) < 0)
                return;
        (void) snprintf(text + n, size - n, "%s", problem);
        wire_text_clean(text + n, size - n - 1);
}

void status_summary(const Status *s, char *ret_text, size_t size) {
        const WireAddress *a = s->choice->v4.addr.family ? &s->choice->v4 : &s->choice->v6;
        WireReach reach = s->reach;
        char address[IP_TEXT_MAX + WIRE_INTERFACE_MAX + 48];
        size_t n_active = 0, n_enabled = 0;

        if (reach == WIRE_REACH_NONE || wire_reach_opens(reach)) {
                (void) snprintf(address, sizeof(address), "%s (networking mode %s)",
                                reach == WIRE_REACH_NONE ? "no network" : "direct",
                                wire_mode_name(s->wsl->mode));
        } else if (a->addr.family) {
                char ip[IP_TEXT_MAX];

                ip_format(&a->addr, ip);
                (void) snprintf(address, sizeof(address), "%s%s on %s",
                                reach == WIRE_REACH_OWN ? "direct at " : "", ip,
                                s->choice->interface);
        } else {
                (void) snprintf(address, sizeof(address), "no address (%s)",
                                choice_problem_text(s->choice->problem));
        }
        for (size_t i = 0; i < s->config->n_services; i++) {
                if (s->config->services[i].enabled) {
                        n_enabled++;
                        n_active += s->services[i].state == WIRE_SERVICE_ACTIVE;
                }
        }
        (void) snprintf(ret_text, size, "%s; helper %s; %zu of %zu services active%s", address,
                        helper_phrase(s->helper), n_active, n_enabled,
                        s->config->n_problems > 0 ? "; configuration has problems: " : "");
        if (s->config->n_problems > 0)
                summary_problem(s->config, ret_text, size);
}
