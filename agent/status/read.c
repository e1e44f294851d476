/* SPDX-License-Identifier: MIT */

/*
 * Reading status.json into a Report.
 */

#include "agent/status/read.h"

#include "agent/guest/mode-state.h"

#include "common/text-wrap.h"
#include "common/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *get_text(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static bool get_bool(const json_t *object, const char *key) {
        return json_is_true(json_object_get(object, key));
}

static uint64_t get_number(const json_t *object, const char *key, uint64_t max) {
        json_int_t number = json_integer_value(json_object_get(object, key));

        return number < 0 ? 0 : (uint64_t) number > max ? max : (uint64_t) number;
}

static unsigned get_unsigned(const json_t *object, const char *key) {
        return (unsigned) get_number(object, key, INT_MAX);
}

static ReportTime get_time(const json_t *object, const char *key) {
        const json_t *time = json_object_get(object, key);

        return (ReportTime){.time = get_text(time, "time"),
                            .monotonic_usec = get_number(time, "monotonic_usec", INT64_MAX)};
}

static ReportAddress get_address(const json_t *object, const char *key) {
        const json_t *address = json_object_get(object, key);

        return (ReportAddress){.address = get_text(address, "address"),
                               .gateway = get_text(address, "gateway"),
                               .prefix = get_unsigned(address, "prefix")};
}

/* Clean all texts below @value; jansson limits the depth. Return: 0 or -ENOMEM. */
static int clean(json_t *value) {
        const char *key;
        json_t *member;
        void *next;
        size_t i;
        int r = 0;

        if (json_is_string(value)) {
                _cleanup_free_ char *copy = strdup(json_string_value(value));

                if (!copy)
                        return -ENOMEM;
                utf8_clean(copy);
                return strcmp(copy, json_string_value(value)) != 0 &&
                                       json_string_set(value, copy) < 0
                               ? -ENOMEM
                               : 0;
        }
        json_object_foreach_safe(value, next, key, member) {
                r = clean(member);
                if (r < 0)
                        return r;
        }
        json_array_foreach(value, i, member) {
                r = clean(member);
                if (r < 0)
                        return r;
        }
        return 0;
}

static ReportPorts get_ports(const json_t *listening, const char *name, const char *number) {
        const json_t *array = json_object_get(listening, name), *one;
        ReportPorts ports = {.known = json_is_array(array),
                             .n_all = get_unsigned(listening, number)};
        size_t i;

        json_array_foreach(array, i, one) {
                json_int_t port = json_integer_value(one);

                if (ports.n < REPORT_LISTENING_MAX && port > 0 && port <= UINT16_MAX)
                        ports.ports[ports.n++] = (unsigned) port;
        }
        return ports;
}

static void read_guest(Report *r) {
        const json_t *guest = json_object_get(r->root, "guest"), *one;
        size_t i;

        r->mode = get_text(guest, "mode");
        r->mode_word = get_text(guest, "mode_word");
        r->reach = get_text(guest, "reach");
        r->tcp = get_ports(json_object_get(guest, "listening"), "tcp", "n_tcp");
        r->udp = get_ports(json_object_get(guest, "listening"), "udp", "n_udp");
        r->wsl = get_bool(guest, "wsl");
        r->wsl_silent = get_bool(guest, "wsl_silent");
        r->kept = get_bool(guest, "kept");
        r->interface = get_text(guest, "interface");
        r->address_problem = get_text(guest, "problem");
        r->address_problem_name = get_text(guest, "problem_name");
        r->v4 = get_address(guest, "ipv4");
        r->v6 = get_address(guest, "ipv6");
        json_array_foreach(json_object_get(guest, "candidates"), i, one) {
                if (r->n_candidates == REPORT_CANDIDATES_MAX)
                        break;
                r->candidates[r->n_candidates++] = (ReportCandidate){
                        .interface = get_text(one, "interface"),
                        .address = get_text(one, "address"),
                        .default_route = get_bool(one, "default_route"),
                        .vmbus = get_bool(one, "vmbus"),
                };
        }
}

static void read_helper(Report *r) {
        const json_t *helper = json_object_get(r->root, "helper");
        const json_t *error = json_object_get(helper, "error");

        r->helper = get_text(helper, "address");
        r->helper_state = get_text(helper, "state");
        r->connected = get_bool(helper, "connected");
        r->helper_since = get_time(helper, "since");
        r->unanswered_since = get_time(helper, "unanswered_since");
        r->paired = get_bool(helper, "paired");
        r->key_problem = get_text(helper, "key_problem");
        r->software = get_text(helper, "software");
        r->error_cause = get_text(error, "cause");
        r->error_code = get_text(error, "code");
        r->error_text = get_text(error, "text");
        r->error_errno = get_unsigned(error, "errno");
        r->n_connects = get_unsigned(json_object_get(r->root, "counters"), "connects");
}

static int read_service(const json_t *json, ReportService *s) {
        const json_t *listens = json_object_get(json, "listens"), *one;
        const json_t *options = json_object_get(json, "options");
        const json_t *loopback = json_object_get(json, "loopback");
        size_t i;

        *s = (ReportService){
                .name = get_text(json, "name"),
                .description = get_text(json, "description"),
                .file = get_text(json, "file"),
                .state = get_text(json, "state"),
                .reason = get_text(json, "reason"),
                .text = get_text(json, "text"),
                .protocol = get_text(options, "protocol"),
                .connect = get_text(options, "connect"),
                .forwarder = get_text(json, "forwarder"),
                .why = get_text(json, "forwarder_reason"),
                .guest = get_text(json, "guest"),
                .guest_port = get_unsigned(json, "guest_port"),
                .loopback = get_text(loopback, "state"),
                .loopback_text = get_text(loopback, "text"),
                .loopback_port = get_unsigned(loopback, "port"),
                .enabled = get_bool(json, "enabled"),
                .stale = get_bool(json, "stale"),
                .since = get_time(json, "since"),
                .json = json,
        };
        s->listens = calloc(json_array_size(listens) + 1, sizeof(*s->listens));
        if (!s->listens)
                return -ENOMEM;
        json_array_foreach(listens, i, one) {
                s->listens[s->n_listens++] = (ReportListen){
                        .listen = get_text(one, "listen"),
                        .count = get_unsigned(one, "count"),
                        .connect_port = get_unsigned(one, "connect_port"),
                };
        }
        return 0;
}

static int read_services(Report *r) {
        const json_t *services = json_object_get(r->root, "services"), *one;
        size_t i;

        r->services = calloc(json_array_size(services) + 1, sizeof(*r->services));
        if (!r->services)
                return -ENOMEM;
        json_array_foreach(services, i, one) {
                int e = read_service(one, &r->services[r->n_services]);

                if (e < 0)
                        return e;
                r->n_services++;
        }
        return 0;
}

static int read_configuration(Report *r) {
        const json_t *configuration = json_object_get(r->root, "configuration");
        const json_t *problems = json_object_get(configuration, "problems"), *one;
        size_t i;

        r->stale = get_bool(configuration, "stale");
        r->fingerprint = get_text(configuration, "fingerprint");
        r->config_read = get_time(configuration, "read");
        r->problems = calloc(json_array_size(problems) + 1, sizeof(*r->problems));
        if (!r->problems)
                return -ENOMEM;
        json_array_foreach(problems, i, one) {
                r->problems[r->n_problems++] = (ReportProblem){
                        .file = get_text(one, "file"),
                        .key = get_text(one, "key"),
                        .message = get_text(one, "message"),
                        .line = get_unsigned(one, "line"),
                        .previous = strcmp(get_text(one, "in_force"), "previous") == 0,
                };
        }
        return 0;
}

int report_parse(const char *text, size_t n, Report **ret_report) {
        _cleanup_(report_freep) Report *r = calloc(1, sizeof(*r));
        const json_t *agent, *update;
        json_error_t error;
        int e;

        if (!r)
                return -ENOMEM;
        r->root = json_loadb(text, n, 0, &error);
        if (!r->root)
                return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM
                                                                           : REPORT_E_NOT_JSON;
        e = clean(r->root);
        if (e < 0)
                return e;
        agent = json_object_get(r->root, "agent");
        if (get_unsigned(r->root, "schema") == 0 || !json_is_object(agent))
                return REPORT_E_NOT_JSON;
        if (get_unsigned(r->root, "schema") > REPORT_SCHEMA)
                return REPORT_E_NEWER;
        r->version = get_text(agent, "version");
        r->pid = (int) get_unsigned(agent, "pid");
        r->agent_id = get_text(agent, "agent_id");
        r->distro = get_text(agent, "distro");
        read_guest(r);
        read_helper(r);
        update = json_object_get(r->root, "last_update");
        r->has_update = json_is_object(update);
        r->update_usec = get_number(update, "usec", INT64_MAX);
        r->host_usec = get_number(update, "host_usec", INT64_MAX);
        r->written = get_time(r->root, "written");
        e = read_services(r);
        if (e == 0)
                e = read_configuration(r);
        if (e < 0)
                return e;
        *ret_report = TAKE_PTR(r);
        return 0;
}

Report *report_free(Report *r) {
        if (!r)
                return NULL;
        for (size_t i = 0; i < r->n_services; i++)
                free(r->services[i].listens);
        free(r->services);
        free(r->problems);
        json_decref(r->root);
        free(r);
        return NULL;
}

const ReportService *report_service(const Report *r, const char *name) {
        for (size_t i = 0; i < r->n_services; i++)
                if (strcmp(r->services[i].name, name) == 0)
                        return &r->services[i];
        return NULL;
}

WireReach report_reach(const Report *r) {
        WireReach reach = WIRE_REACH_FORWARDED;

        (void) wire_reach_parse(r->reach, &reach);
        return reach;
}

bool report_is_outside(const Report *r) {
        return report_reach(r) == WIRE_REACH_OWN &&
               wire_mode_reach(mode_by_name(r->mode)) != WIRE_REACH_OWN;
}

bool report_has_read(const Report *r, uint64_t fingerprint) {
        char text[2 * sizeof(fingerprint) + 1];

        (void) snprintf(text, sizeof(text), "%016" PRIx64, fingerprint);
        return strcmp(r->fingerprint, text) == 0;
}

void report_time_format(const ReportTime *t, uint64_t now_usec,
                        char ret_text[REPORT_TIME_TEXT_SIZE]) {
        static const struct {
                uint64_t seconds;
                const char *name;
        } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
        uint64_t seconds =
                now_usec > t->monotonic_usec ? (now_usec - t->monotonic_usec) / USEC_PER_SEC : 0;
        size_t unit = 0;

        /* It is cut below, and a character that has several bytes would be cut, too. */
        if (strspn(t->time, "0123456789-:.TZ") < strlen("2026-01-31T12:00:00")) {
                (void) snprintf(ret_text, REPORT_TIME_TEXT_SIZE, "an unknown time");
                return;
        }
        while (unit < ELEMENTSOF(units) - 1 && seconds < units[unit].seconds)
                unit++;
        (void) snprintf(ret_text, REPORT_TIME_TEXT_SIZE, "%.10s %.8s UTC, %llu %s ago", t->time,
                        t->time + strlen("2026-01-31T"),
                        (unsigned long long) (seconds / units[unit].seconds), units[unit].name);
}
