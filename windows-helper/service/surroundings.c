/* SPDX-License-Identifier: MIT */

/*
 * Watches the registry, the adapters, iphlpsvc and the firewall, and reports changes to the
 * controller.
 */

#include "windows-helper/service/surroundings.h"
#include "windows-helper/core/firewall/reach.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/firewall-watch.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/regwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SURROUNDINGS_WATCHES 9

/* At the end, thousands of firewall rules may be left to remove. Windows does not wait longer. */
#define SURROUNDINGS_FINISH_USEC UINT64_C(10000000)

/* Until the host's addresses are read again after that failed. */
#define SURROUNDINGS_RETRY_USEC (5 * UINT64_C(1000000))

struct Surroundings {
        LogLimit limit;         /* of lines about the firewall, whose rules guests ask for */
        Loop *loop;             /* borrowed */
        Controller *controller; /* borrowed; NULL before the start */
        Iphlpsvc *forwarder;
        RelayService *relay;
        HostnetWatch *addresses;
        FirewallCom *com;
        FirewallApply firewall;
        FirewallWatch *reach;
        FirewallSight sight; /* the controller borrows it */
        RegWatch *watches[SURROUNDINGS_WATCHES];
        size_t n_watches;
        Policy policy;
        PolicyOrigin origin;
        uint64_t generation; /* see surroundings_generation() */
        Hostnet hostnet;
        uint64_t hostnet_due_usec; /* read it again, because that failed; FIREWALL_IDLE: never */
};

static void surroundings_on_rules(void *userdata) {
        Surroundings *s = userdata;

        controller_rules_changed(s->controller);
}

static void surroundings_on_adoptions(void *userdata) {
        Surroundings *s = userdata;

        controller_adoptions_changed(s->controller);
}

static void surroundings_on_keys(void *userdata) {
        Surroundings *s = userdata;

        controller_keys_changed(s->controller, loop_now_usec());
}

static void surroundings_on_forwarder(void *userdata) {
        Surroundings *s = userdata;

        if (!s->controller)
                return;
        controller_forwarder_changed(s->controller);
        firewall_apply_refresh(&s->firewall); /* resetting the network resets both */
}

static void surroundings_on_relay(void *userdata) {
        Surroundings *s = userdata;

        if (s->controller)
                controller_relay_changed(s->controller);
}

/* If the policy cannot be read at all, the last one stays in force. */
static int surroundings_read_policy(Surroundings *s) {
        PolicyOrigin before = s->origin;
        int r = policy_store_read(&s->policy, &s->origin);

        if (r < 0)
                return r;
        if (policy_origin_equal(&before, &s->origin))
                return 0;
        s->generation++;
        for (size_t i = 0; i < s->origin.n_problems; i++)
                log_event(LOG_LEVEL_ERROR, EVENT_POLICY_PROBLEM, "%s", s->origin.problems[i]);
        return 0;
}

static void surroundings_on_policy(void *userdata) {
        Surroundings *s = userdata;
        Policy before = s->policy;

        if (surroundings_read_policy(s) < 0 || policy_equal(&before, &s->policy))
                return;
        s->generation++;
        log_event(LOG_LEVEL_NOTICE, EVENT_POLICY_LOADED, "the policy was changed and is in force");
        controller_set_policy(s->controller, &s->policy, loop_now_usec());
}

/* A new address may be one that iphlpsvc could not listen on (fact 4.3.6). */
static void surroundings_on_addresses(void *userdata) {
        Surroundings *s = userdata;
        Hostnet before = s->hostnet;

        firewall_watch_hint(s->reach); /* it may be another network */
        s->hostnet_due_usec = FIREWALL_IDLE;
        if (hostnet_read(&s->hostnet) < 0) {
                s->hostnet_due_usec = loop_now_usec() + SURROUNDINGS_RETRY_USEC;
                return;
        }
        if (hostnet_equal(&before, &s->hostnet) || !s->controller)
                return;
        controller_set_hostnet(s->controller, &s->hostnet);
}

static void surroundings_on_networks(void *userdata) {
        Surroundings *s = userdata;

        firewall_watch_hint(s->reach);
}

static void surroundings_on_firewall(void *userdata) {
        Surroundings *s = userdata;

        firewall_watch_hint_rules(s->reach);
        firewall_apply_hint(&s->firewall, loop_now_usec());
}

/* @sight: taken over. */
static void surroundings_on_sight(void *userdata, FirewallSight *sight) {
        char text[WIRE_TEXT_MAX + 1], text_before[WIRE_TEXT_MAX + 1];
        Surroundings *s = userdata;
        FirewallSight before = s->sight;

        s->sight = *sight;
        s->generation++;
        controller_set_firewall_sight(s->controller, &s->sight);
        firewall_sight_text(&before, text_before);
        firewall_sight_text(&s->sight, text);
        firewall_sight_done(&before);
        if (text[0] && strcmp(text, text_before) != 0)
                log_write(LOG_LEVEL_NOTICE, "%s", text);
}

int surroundings_new(Surroundings **ret_surroundings, Loop *loop, Backend *backend,
                     ControllerOptions *ret_options) {
        Surroundings *s = calloc(1, sizeof(*s));
        FirewallStore store = {0};
        int r;

        if (!s)
                return -ENOMEM;
        s->loop = loop;
        s->hostnet_due_usec = FIREWALL_IDLE;
        policy_init(&s->policy);
        r = surroundings_read_policy(s);
        if (r == 0)
                r = iphlpsvc_new(&s->forwarder, loop, surroundings_on_forwarder, s);
        if (r == 0)
                r = relay_service_new(&s->relay, loop, surroundings_on_relay, s);
        if (r == 0)
                r = firewall_com_new(&s->com, &store);
        if (r < 0) {
                surroundings_free(s);
                return r;
        }
        firewall_apply_init(&s->firewall, &store);
        backend->forwarder = s->forwarder;
        backend->relay = s->relay;
        backend->firewall = &s->firewall;
        ret_options->policy = s->policy;
        ret_options->means.relay = relay_service_exists();
        *ret_surroundings = s;
        return 0;
}

static int surroundings_watch(Surroundings *s, const wchar_t *path, void (*fn)(void *userdata)) {
        int r = regwatch_new(&s->watches[s->n_watches], s->loop, path, fn, s);

        s->n_watches += r == 0;
        return r;
}

int surroundings_start(Surroundings *s, Controller *controller) {
        static const struct {
                const wchar_t *path;
                void (*fn)(void *userdata);
                bool hint; /* a change is noticed without it, only later */
        } watched[SURROUNDINGS_WATCHES] = {
                {RULE_STORE_PORTPROXY, surroundings_on_rules},
                {RULE_STORE_RELAY, surroundings_on_rules},
                {ADOPTION_STORE_PATH, surroundings_on_adoptions},
                {KEY_STORE_PATH, surroundings_on_keys},
                {POLICY_STORE_MANAGED, surroundings_on_policy},
                {POLICY_STORE_LOCAL, surroundings_on_policy},
                {HOSTNET_LXSS_PATH, surroundings_on_addresses, .hint = true},
                {FIREWALL_WATCH_NETWORKS, surroundings_on_networks, .hint = true},
                {FIREWALL_WATCH_POLICY, surroundings_on_firewall, .hint = true},
        };
        int r = 0;

        s->controller = controller;
        for (size_t i = 0; r == 0 && i < SURROUNDINGS_WATCHES; i++) {
                r = surroundings_watch(s, watched[i].path, watched[i].fn);
                if (watched[i].hint) /* such a key may be closed to us */
                        r = 0;
        }
        if (r == 0)
                r = firewall_watch_new(&s->reach, s->loop, surroundings_on_sight, s);
        if (r == 0)
                r = hostnet_watch_new(&s->addresses, s->loop, surroundings_on_addresses, s);
        if (r == 0)
                r = hostnet_read(&s->hostnet); /* after the watches, so that no change is missed */
        if (r == 0)
                controller_set_hostnet(controller, &s->hostnet);
        return r;
}

void surroundings_refresh(Surroundings *s) {
        surroundings_on_policy(s);
        surroundings_on_addresses(s);
        surroundings_on_keys(s);
        surroundings_on_forwarder(s);
}

Surroundings *surroundings_free(Surroundings *s) {
        if (!s)
                return NULL;
        hostnet_watch_free(s->addresses);
        firewall_watch_free(s->reach);
        for (size_t i = 0; i < s->n_watches; i++)
                regwatch_free(s->watches[i]);
        firewall_apply_done(&s->firewall);
        firewall_com_free(s->com);
        firewall_sight_done(&s->sight);
        relay_service_free(s->relay);
        iphlpsvc_free(s->forwarder);
        free(s);
        return NULL;
}

static void surroundings_report_firewall(Surroundings *s) {
        s->generation++;
        if (s->firewall.problem[0] && log_may(&s->limit))
                log_event(LOG_LEVEL_ERROR, EVENT_FIREWALL_PROBLEM, "%s", s->firewall.problem);
        controller_set_firewall_problem(s->controller, s->firewall.problem,
                                        s->firewall.single ? &s->firewall.wanted : NULL);
}

void surroundings_tick(Surroundings *s, uint64_t now_usec) {
        for (size_t i = 0; i < s->n_watches; i++)
                regwatch_tick(s->watches[i], now_usec);
        if (s->hostnet_due_usec <= now_usec)
                surroundings_on_addresses(s);
        if (firewall_apply_tick(&s->firewall, now_usec))
                surroundings_report_firewall(s);
}

uint64_t surroundings_deadline(const Surroundings *s) {
        uint64_t first = s->firewall.due_usec;

        for (size_t i = 0; i < s->n_watches; i++)
                if (regwatch_deadline(s->watches[i]) < first)
                        first = regwatch_deadline(s->watches[i]);
        return s->hostnet_due_usec < first ? s->hostnet_due_usec : first;
}

void surroundings_finish(Surroundings *s) {
        uint64_t now_usec = loop_now_usec(), end = now_usec + SURROUNDINGS_FINISH_USEC;

        for (; s->firewall.due_usec <= now_usec && now_usec < end; now_usec = loop_now_usec())
                (void) firewall_apply_tick(&s->firewall, now_usec);
        if (s->firewall.problem[0]) /* a port that stays open, above all */
                log_write(LOG_LEVEL_ERROR, "%s", s->firewall.problem);
        else if (s->firewall.due_usec <= now_usec)
                log_write(LOG_LEVEL_ERROR,
                          "Windows Firewall takes too long: rules of ours are left "
                          "in it until the next start");
}

const Policy *surroundings_policy(const Surroundings *s) {
        return &s->policy;
}

const PolicyOrigin *surroundings_policy_origin(const Surroundings *s) {
        return &s->origin;
}

const char *surroundings_firewall_problem(const Surroundings *s) {
        return s->firewall.problem;
}

const FirewallSight *surroundings_firewall(const Surroundings *s) {
        return &s->sight;
}

uint64_t surroundings_generation(const Surroundings *s) {
        return s->generation;
}
