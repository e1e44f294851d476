/* SPDX-License-Identifier: MIT */
#include "windows-helper/service/surroundings.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/win/event-log.h"
#include "windows-helper/win/regwatch.h"

#include <errno.h>
#include <stdlib.h>

#define FACTS_WATCHES 6

/* At the end of a run that leaves thousands of firewall rules: Windows waits no longer. */
#define FACTS_FINISH_SLICES 500

struct Facts {
        Loop *loop;     /* borrowed */
        Bridge *bridge; /* borrowed; NULL before the start */
        Iphlpsvc *forwarder;
        HostnetWatch *addresses;
        FirewallCom *com;
        FirewallApply firewall;
        RegWatch *watches[FACTS_WATCHES];
        size_t n_watches;
        Policy policy;
        PolicyOrigin origin;
        uint64_t generation; /* grows with what facts_policy() and the rest tell */
        Hostnet hostnet;
};

static void facts_on_rules(void *userdata) {
        Facts *f = userdata;

        bridge_rules_changed(f->bridge);
}

static void facts_on_keys(void *userdata) {
        Facts *f = userdata;

        bridge_keys_changed(f->bridge, loop_now_usec());
}

static void facts_on_forwarder(void *userdata) {
        Facts *f = userdata;

        if (!f->bridge)
                return;
        bridge_forwarder_changed(f->bridge);
        firewall_apply_look(&f->firewall); /* whoever resets the network resets both */
}

/* What cannot be read at all leaves the last one in force. */
static int facts_read_policy(Facts *f) {
        PolicyOrigin before = f->origin;
        int r = policy_store_read(&f->policy, &f->origin);

        if (r < 0)
                return r;
        if (policy_origin_equal(&before, &f->origin))
                return 0;
        f->generation++;
        for (size_t i = 0; i < f->origin.n_problems; i++)
                log_event(BRIDGE_LEVEL_ERROR, EVENT_POLICY_PROBLEM, "%s", f->origin.problems[i]);
        return 0;
}

static void facts_on_policy(void *userdata) {
        Facts *f = userdata;
        Policy before = f->policy;

        if (facts_read_policy(f) < 0 || policy_equal(&before, &f->policy))
                return;
        f->generation++;
        log_event(BRIDGE_LEVEL_NOTICE, EVENT_POLICY_LOADED, "policy was changed and is in force");
        bridge_set_policy(f->bridge, &f->policy);
}

/* An address that came may be one that iphlpsvc could not listen on (fact 4.3). */
static void facts_on_addresses(void *userdata) {
        Facts *f = userdata;
        Hostnet before = f->hostnet;

        if (hostnet_read(&f->hostnet) < 0 || hostnet_equal(&before, &f->hostnet) || !f->bridge)
                return;
        bridge_set_hostnet(f->bridge, &f->hostnet);
}

int facts_new(Facts **ret_facts, Loop *loop, Host *host, Policy *ret_policy) {
        Facts *f = calloc(1, sizeof(*f));
        FirewallStore store = {0};
        int r;

        if (!f)
                return -ENOMEM;
        f->loop = loop;
        policy_init(&f->policy);
        r = facts_read_policy(f);
        if (r == 0)
                r = iphlpsvc_new(&f->forwarder, loop, facts_on_forwarder, f);
        if (r == 0)
                r = firewall_com_new(&f->com, &store);
        if (r < 0) {
                facts_free(f);
                return r;
        }
        firewall_apply_init(&f->firewall, &store);
        host->forwarder = f->forwarder;
        host->firewall = &f->firewall;
        *ret_policy = f->policy;
        *ret_facts = f;
        return 0;
}

static int facts_watch(Facts *f, const wchar_t *path, void (*fn)(void *userdata)) {
        int r = regwatch_new(&f->watches[f->n_watches], f->loop, path, fn, f);

        f->n_watches += r == 0;
        return r;
}

int facts_start(Facts *f, Bridge *bridge) {
        static const struct {
                const wchar_t *path;
                void (*fn)(void *userdata);
        } watched[FACTS_WATCHES] = {
                {PORTPROXY_STORE_PATH, facts_on_rules}, {ADOPTION_STORE_PATH, facts_on_rules},
                {KEY_STORE_PATH, facts_on_keys},        {POLICY_STORE_MANAGED, facts_on_policy},
                {POLICY_STORE_LOCAL, facts_on_policy},  {HOSTNET_LXSS_PATH, facts_on_addresses},
        };
        int r = 0;

        f->bridge = bridge;
        for (size_t i = 0; r == 0 && i < FACTS_WATCHES; i++)
                r = facts_watch(f, watched[i].path, watched[i].fn);
        if (r == 0)
                r = hostnet_watch_new(&f->addresses, f->loop, facts_on_addresses, f);
        if (r == 0)
                r = hostnet_read(&f->hostnet); /* after the watches: nothing is missed in between */
        if (r == 0)
                bridge_set_hostnet(bridge, &f->hostnet);
        return r;
}

void facts_refresh(Facts *f) {
        facts_on_policy(f);
        facts_on_addresses(f);
        facts_on_keys(f);
        facts_on_forwarder(f);
}

Facts *facts_free(Facts *f) {
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

static void facts_tell_firewall(Facts *f) {
        f->generation++;
        if (f->firewall.problem[0]) {
                log_event(f->firewall.failed ? BRIDGE_LEVEL_ERROR : BRIDGE_LEVEL_WARNING,
                          EVENT_FIREWALL_PROBLEM, "%s", f->firewall.problem);
        }
        bridge_set_firewall_problem(f->bridge, f->firewall.problem, f->firewall.failed);
}

void facts_tick(Facts *f, uint64_t now_usec) {
        for (size_t i = 0; i < f->n_watches; i++)
                regwatch_tick(f->watches[i], now_usec);
        if (firewall_apply_tick(&f->firewall, now_usec))
                facts_tell_firewall(f);
}

uint64_t facts_deadline(const Facts *f) {
        uint64_t first = f->firewall.due_usec;

        for (size_t i = 0; i < f->n_watches; i++)
                if (regwatch_deadline(f->watches[i]) < first)
                        first = regwatch_deadline(f->watches[i]);
        return first;
}

void facts_finish(Facts *f) {
        for (int i = 0; i < FACTS_FINISH_SLICES && f->firewall.due_usec <= loop_now_usec(); i++)
                (void) firewall_apply_tick(&f->firewall, loop_now_usec());
}

const Policy *facts_policy(const Facts *f) {
        return &f->policy;
}

const PolicyOrigin *facts_policy_origin(const Facts *f) {
        return &f->origin;
}

const char *facts_firewall_problem(const Facts *f) {
        return f->firewall.problem;
}

uint64_t facts_generation(const Facts *f) {
        return f->generation;
}
