/* SPDX-License-Identifier: MIT */

/* The state of each service: what the helper has answered for it, or what holds whatever it says.
 */

#include "agent/daemon/agent-private.h"

#include "protocol/wire/wire-options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void services_free(StatusService *services, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(services[i].text);
        free(services);
}

static bool listen_equal(const WireListen *x, const WireListen *y) {
        return ip_compare(&x->addr, &y->addr) == 0 && x->port == y->port && x->count == y->count &&
               x->connect_port == y->connect_port;
}

static bool prefix_equal(const WirePrefix *x, const WirePrefix *y) {
        return ip_compare(&x->addr, &y->addr) == 0 && x->length == y->length;
}

/* Whether service @x of @a asks for the same as service @y of @b. */
static bool request_equal(const WireState *a, uint32_t x, const WireState *b, uint32_t y) {
        const WireService *s = &a->services[x], *t = &b->services[y];

        if (strcmp(s->name, t->name) != 0 || s->profiles != t->profiles || s->remote != t->remote ||
            s->n_listens != t->n_listens || s->n_remotes != t->n_remotes ||
            memcmp(s->options, t->options, sizeof(s->options)) != 0)
                return false;
        for (uint32_t i = 0; i < s->n_listens; i++)
                if (!listen_equal(&a->listens[s->first_listen + i],
                                  &b->listens[t->first_listen + i]))
                        return false;
        for (uint32_t i = 0; i < s->n_remotes; i++)
                if (!prefix_equal(&a->remotes[s->first_remote + i],
                                  &b->remotes[t->first_remote + i]))
                        return false;
        return true;
}

/*
 * A service whose request is unchanged keeps its state. For any other service the helper's old
 * answer would be wrong. Both sets are sorted by name, so one pass finds what they share.
 */
static void services_take_over(const Config *from, StatusService *old, const Config *to,
                               StatusService *services) {
        size_t k = 0;

        for (size_t i = 0; i < to->n_services; i++) {
                if (!to->services[i].enabled)
                        continue;
                while (k < from->n_services &&
                       strcmp(from->services[k].name, to->services[i].name) < 0)
                        k++;
                if (k < from->n_services && from->services[k].enabled &&
                    request_equal(&from->wire, from->services[k].wire, &to->wire,
                                  to->services[i].wire)) {
                        services[i] = old[k];
                        old[k].text = NULL;
                }
        }
}

int agent_set_services(Agent *a, const Config *config) {
        StatusService *services = calloc(config->n_services + 1, sizeof(*services));
        StatusTime now = status_time_now();

        if (!services)
                return -ENOMEM;
        for (size_t i = 0; i < config->n_services; i++)
                services[i] = (StatusService){.state = WIRE_SERVICE_PENDING,
                                              .since = now,
                                              .guest = GUEST_PORT_UNKNOWN,
                                              .guest_logged = GUEST_PORT_LISTENING};
        if (a->config.current)
                services_take_over(a->config.current, a->services.states, config, services);
        services_free(a->services.states, a->services.n_states);
        a->services.states = services;
        a->services.n_states = config->n_services;
        return 0;
}

static bool text_equal(const char *a, const char *b) {
        return strcmp(a ? a : "", b ? b : "") == 0;
}

/* @text: copied, in place of that of @to. @ret_changed is only ever set to true. */
static int service_set(StatusService *s, const WireServiceResult *to, const char *text,
                       const StatusTime *now, bool *ret_changed) {
        char *copy = NULL;

        if (s->forwarder != to->forwarder || s->why != to->why)
                *ret_changed = true;
        s->forwarder = to->forwarder;
        s->why = to->why;
        if (s->state == to->state && s->reason == to->reason && text_equal(s->text, text))
                return 0;
        if (text && *text) {
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
        }
        if (s->state != to->state || s->reason != to->reason)
                s->since = *now;
        else if (to->state == WIRE_SERVICE_ACTIVE)
                s->logged = false; /* it is open to others than before, which is news */
        free(s->text);
        s->text = copy;
        s->state = to->state;
        s->reason = to->reason;
        *ret_changed = true;
        return 0;
}

int agent_set_all_services(Agent *a, uint8_t state, uint16_t reason, const char *text) {
        WireServiceResult to = {.state = state, .reason = reason};
        StatusTime now = status_time_now();
        bool changed = false;

        for (size_t i = 0; i < a->config.current->n_services; i++) {
                int r;

                if (!a->config.current->services[i].enabled)
                        continue;
                r = service_set(&a->services.states[i], &to, text, &now, &changed);
                if (r < 0)
                        return r;
        }
        if (changed)
                agent_report_later(a);
        return 0;
}

/* Return: whether the service's state is news for the log. */
static bool service_is_news(StatusService *s) {
        if (s->logged && s->logged_state == s->state && s->logged_reason == s->reason)
                return false;
        s->logged = true;
        s->logged_state = s->state;
        s->logged_reason = s->reason;
        return s->state != WIRE_SERVICE_PENDING;
}

static void agent_log_service(Agent *a, const char *name, const StatusService *s) {
        const char *state = wire_service_state_name(s->state);
        const char *reason = wire_reason_name(s->reason);
        bool good = s->state == WIRE_SERVICE_ACTIVE && s->reason != WIRE_REASON_UNREACHABLE;

        journal_fields(&a->journal, good ? LOG_NOTICE : LOG_WARNING,
                       FIELDS(.id = good ? MESSAGE_SERVICE_STATE : MESSAGE_SERVICE_PROBLEM,
                              .service = name, .state = state),
                       "Service '%s' is %s%s%s%s%s%s", name, state, *reason ? " (" : "", reason,
                       *reason ? ")" : "", s->text ? ": " : "", s->text ? s->text : "");
}

/* What was answered for a service, or what we answer ourselves: it could not be sent, or the answer
 * is one that only a newer agent understands. @text: room for a text of ours. */
static WireServiceResult service_answer(const Agent *a, const WireResult *result, uint32_t wire,
                                        char text[WIRE_TEXT_MAX + 1]) {
        uint32_t at = a->push.sent_as ? a->push.sent_as[wire] : wire;
        const WireService *service = &a->config.current->wire.services[wire];
        WireServiceResult answer = {.state = WIRE_SERVICE_REFUSED, .text = text};
        unsigned field;

        if (at == AGENT_NOT_SENT) {
                WireOption option = wire_option_beyond_v1(service);

                answer.reason = WIRE_REASON_HELPER_TOO_OLD;
                (void) snprintf(text, WIRE_TEXT_MAX + 1,
                                "'%s = %s' needs a newer helper; update wslbridge on Windows",
                                wire_option_name(option),
                                wire_option_word(option, service->options[option]));
                return answer;
        }
        field = result->unknown_field ? result->unknown_field : result->services[at].unknown_field;
        if (field == 0)
                return result->services[at];
        answer.reason = WIRE_REASON_UNKNOWN_FIELD;
        (void) snprintf(text, WIRE_TEXT_MAX + 1,
                        "the helper's answer has the field 0x%04x, which this agent does not know; "
                        "update wslbridge in this guest",
                        field);
        return answer;
}

static ModeSituation agent_situation(const Agent *a) {
        return (ModeSituation){
                .mode = a->guest.answers.mode,
                .reach = agent_reach(a),
                .version = channel_version(a->connection.channel),
                .software = a->connection.helper.software,
                .address = &agent_published(a)->addr,
        };
}

/* Return: whether it holds whatever the helper says. */
static bool service_own_state(const Agent *a, const ConfigService *service,
                              const ModeSituation *situation, ModeState *ret_state) {
        const WireState *wire = &a->config.current->wire;
        const WireService *w = &wire->services[service->wire];

        if (mode_stops_loopback(situation->reach, situation->mode, w, ret_state) ||
            mode_stops_header(situation->reach, w, ret_state))
                return true;
        return mode_state(situation, wire->listens + w->first_listen, w->n_listens, ret_state);
}

int agent_set_results(Agent *a, const WireResult *result, bool *ret_changed, size_t *ret_active) {
        StatusTime now = status_time_now();
        ModeSituation situation = agent_situation(a);
        size_t n_active = 0, n_news = 0;

        for (size_t i = 0; i < a->config.current->n_services; i++) {
                const ConfigService *service = &a->config.current->services[i];
                char text[WIRE_TEXT_MAX + 1];
                WireServiceResult answer;
                ModeState own;
                int r;

                if (!service->enabled)
                        continue;
                if (service_own_state(a, service, &situation, &own))
                        answer = (WireServiceResult){
                                .state = own.state, .reason = own.reason, .text = own.text};
                else
                        answer = service_answer(a, result, service->wire, text);
                r = service_set(&a->services.states[i], &answer, answer.text, &now, ret_changed);
                if (r < 0)
                        return r;
                n_active += answer.state == WIRE_SERVICE_ACTIVE;
                if (service_is_news(&a->services.states[i]) && ++n_news <= AGENT_LOGGED_SERVICES &&
                    agent_may_log(a))
                        agent_log_service(a, service->name, &a->services.states[i]);
        }
        if (n_news > AGENT_LOGGED_SERVICES && agent_may_log(a)) {
                journal_line(&a->journal, LOG_NOTICE,
                             "%zu more services changed their state; see %s/%s",
                             n_news - AGENT_LOGGED_SERVICES, a->report.directory, STATUS_FILE);
        }
        *ret_active = n_active;
        return 0;
}

int agent_set_unanswered(Agent *a) {
        ModeSituation situation = agent_situation(a);
        StatusTime now = status_time_now();
        bool changed = false;

        situation.version = 0;
        for (size_t i = 0; i < a->config.current->n_services; i++) {
                const ConfigService *service = &a->config.current->services[i];
                WireServiceResult to;
                ModeState own;
                int r;

                if (!service->enabled)
                        continue;
                (void) service_own_state(a, service, &situation, &own);
                to = (WireServiceResult){.state = own.state, .reason = own.reason};
                r = service_set(&a->services.states[i], &to, own.text, &now, &changed);
                if (r < 0)
                        return r;
        }
        if (changed)
                agent_report_later(a);
        return 0;
}

void agent_done_services(Agent *a) {
        services_free(a->services.states, a->services.n_states);
}
