/* SPDX-License-Identifier: MIT */
#include "windows-helper/service/surroundings.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/regwatch.h"

#include <errno.h>
#include <stdlib.h>

#define FACTS_WATCHES 6

/* At the end of a run that leaves thousands of firewall rules: Windows waits no longer. */
#define FACTS_FINISH_SLICES 500

struct Surroundings {
        Loop *loop;             /* borrowed */
        Controller *controller; /* borrowed; NULL before the start */
        Iphlpsvc *forwarder;
        HostnetWatch *addresses;
        FirewallCom *com;
        FirewallApply firewall;
        RegWatch *watches[FACTS_WATCHES];
        size_t n_watches;
        Policy policy;
        PolicyOrigin origin;
        uint64_t generation; /* grows with what surroundings_policy() and the rest tell */
        Hostnet hostnet;
};

static void surroundings_on_rules(void *userdata) {
        Surroundings *f = userdata;

        controller_rules_changed(f->controller);
}

static void surroundings_on_keys(void *userdata) {
        Surroundings *f = userdata;

        controller_keys_changed(f->controller, loop_now_usec());
}

static void surroundings_on_forwarder(void *userdata) {
        Surroundings *f = userdata;

        if (!f->controller)
                return;
        controller_forwarder_changed(f->controller);
        firewall_apply_look(&f->firewall); /* whoever resets the network resets both */
}

/* What cannot be read at all leaves the last one in force. */
static int surroundings_read_policy(Surroundings *f) {
        PolicyOrigin before = f->origin;
        int r = policy_store_read(&f->policy, &f->origin);

        if (r < 0)
                return r;
        if (policy_origin_equal(&before, &f->origin))
                return 0;
        f->generation++;
        for (size_t i = 0; i < f->origin.n_problems; i++)
                log_event(LOG_LEVEL_ERROR, EVENT_POLICY_PROBLEM, "%s", f->origin.problems[i]);
        return 0;
}

static void surroundings_on_policy(void *userdata) {
        Surroundings *f = userdata;
        Policy before = f->policy;

        if (surroundings_read_policy(f) < 0 || policy_equal(&before, &f->policy))
                return;
        f->generation++;
        log_event(LOG_LEVEL_NOTICE, EVENT_POLICY_LOADED, "policy was changed and is in force");
        controller_set_policy(f->controller, &f->policy);
}

/* An address that came may be one that iphlpsvc could not listen on (fact 4.3). */
static void surroundings_on_addresses(void *userdata) {
        Surroundings *f = userdata;
        Hostnet before = f->hostnet;

        if (hostnet_read(&f->hostnet) < 0 || hostnet_equal(&before, &f->hostnet) || !f->controller)
                return;
        controller_set_hostnet(f->controller, &f->hostnet);
}

int surroundings_new(Surroundings **ret_facts, Loop *loop, Backend *host, Policy *ret_policy) {
        Surroundings *f = calloc(1, sizeof(*f));
        FirewallStore store = {0};
        int r;

        if (!f)
                return -ENOMEM;
        f->loop = loop;
        policy_init(&f->policy);
        r = surroundings_read_policy(f);
        if (r == 0)
                r = iphlpsvc_new(&f->forwarder, loop, surroundings_on_forwarder, f);
        if (r == 0)
                r = firewall_com_new(&f->com, &store);
        if (r < 0) {
                surroundings_free(f);
                return r;
        }
        firewall_apply_init(&f->firewall, &store);
        host->forwarder = f->forwarder;
        host->firewall = &f->firewall;
        *ret_policy = f->policy;
        *ret_facts = f;
        return 0;
}

static int surroundings_watch(Surroundings *f, const wchar_t *path, void (*fn)(void *userdata)) {
        int r = regwatch_new(&f->watches[f->n_watches], f->loop, path, fn, f);

        f->n_watches += r == 0;
        return r;
}

int surroundings_start(Surroundings *f, Controller *controller) {
        static const struct {
                const wchar_t *path;
                void (*fn)(void *userdata);
        } watched[FACTS_WATCHES] = {
                {PORTPROXY_STORE_PATH, surroundings_on_rules},
                {ADOPTION_STORE_PATH, surroundings_on_rules},
                {KEY_STORE_PATH, surroundings_on_keys},
                {POLICY_STORE_MANAGED, surroundings_on_policy},
                {POLICY_STORE_LOCAL, surroundings_on_policy},
                {HOSTNET_LXSS_PATH, surroundings_on_addresses},
        };
        int r = 0;

        f->controller = controller;
        for (size_t i = 0; r == 0 && i < FACTS_WATCHES; i++)
                r = surroundings_watch(f, watched[i].path, watched[i].fn);
        if (r == 0)
                r = hostnet_watch_new(&f->addresses, f->loop, surroundings_on_addresses, f);
        if (r == 0)
                r = hostnet_read(&f->hostnet); /* after the watches: nothing is missed in between */
        if (r == 0)
                controller_set_hostnet(controller, &f->hostnet);
        return r;
}

void surroundings_refresh(Surroundings *f) {
        surroundings_on_policy(f);
        surroundings_on_addresses(f);
        surroundings_on_keys(f);
        surroundings_on_forwarder(f);
}

Surroundings *surroundings_free(Surroundings *f) {
        if (!f)
                return NULL;
        hostnet_watch_free(f->addresses);
        for (size_t i = 0; i < f->n_watches; i++)
                regwatch_free(f->watches[i]);
        firewall_apply_done(&f->firewall);
        firewall_com_free(f->com);
        iphlpsvc_free(f->forwarder);
        free(f);
        return NULL;
}

static void surroundings_tell_firewall(Surroundings *f) {
        f->generation++;
        if (f->firewall.problem[0]) {
                log_event(f->firewall.failed ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
                          EVENT_FIREWALL_PROBLEM, "%s", f->firewall.problem);
        }
        controller_set_firewall_problem(f->controller, f->firewall.problem, f->firewall.failed);
}

void surroundings_tick(Surroundings *f, uint64_t now_usec) {
        for (size_t i = 0; i < f->n_watches; i++)
                regwatch_tick(f->watches[i], now_usec);
        if (firewall_apply_tick(&f->firewall, now_usec))
                surroundings_tell_firewall(f);
}

uint64_t surroundings_deadline(const Surroundings *f) {
        uint64_t first = f->firewall.due_usec;

        for (size_t i = 0; i < f->n_watches; i++)
                if (regwatch_deadline(f->watches[i]) < first)
                        first = regwatch_deadline(f->watches[i]);
        return first;
}

void surroundings_finish(Surroundings *f) {
        for (int i = 0; i < FACTS_FINISH_SLICES && f->firewall.due_usec <= loop_now_usec(); i++)
                (void) firewall_apply_tick(&f->firewall, loop_now_usec());
}

const Policy *surroundings_policy(const Surroundings *f) {
        return &f->policy;
}

const PolicyOrigin *surroundings_policy_origin(const Surroundings *f) {
        return &f->origin;
}

const char *surroundings_firewall_problem(const Surroundings *f) {
        return f->firewall.problem;
}

uint64_t surroundings_generation(const Surroundings *f) {
        return f->generation;
}
