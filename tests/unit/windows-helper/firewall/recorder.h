/* SPDX-License-Identifier: MIT */
#pragma once

/* A firewall that takes a while for each change and remembers everything, and what its tests share.
 */

#include "tests/suite.h"
#include "windows-helper/core/firewall/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_USEC  3000
#define CALLS_MAX    4096
#define FIRST_PORT   1000
#define FEW          3
#define REFUSED_EACH 7 /* rules are refused for every seventh port */

typedef struct Recorder {
        uint64_t now_usec, change_usec;
        FirewallRules rules;
        unsigned n_lists, n_changes, n_rests;
        int list_error, change_error;
        bool refuses_sevenths;
        char calls[CALLS_MAX]; /* "+1000 ~1001 -1002" since the last expect() */
        FirewallApply f;
} Recorder;

static int recorder_list(void *userdata, FirewallRules *rules) {
        Recorder *r = userdata;

        r->n_lists++;
        for (size_t i = r->rules.n; r->list_error == 0 && i-- > 0;) /* in any order */
                ck_assert_int_eq(firewall_rules_add(rules, &r->rules.items[i]), 0);
        return r->list_error;
}

static void recorder_do(Recorder *r, const FirewallChange *change) {
        FirewallRule *rule = firewall_rules_find(&r->rules, r->rules.n, &change->rule->listen);

        switch (change->action) {
        case FIREWALL_ADD:
                ck_assert_ptr_null(rule);
                ck_assert_int_eq(firewall_rules_add(&r->rules, change->rule), 0);
                firewall_rules_sort(&r->rules);
                break;
        case FIREWALL_UPDATE:
                ck_assert_ptr_nonnull(rule);
                ck_assert_int_eq(firewall_rule_copy(rule, change->rule), 0);
                break;
        case FIREWALL_REMOVE:
                ck_assert_ptr_nonnull(rule);
                free(rule->remote);
                *rule = r->rules.items[--r->rules.n];
                firewall_rules_sort(&r->rules);
                break;
        }
}

static int recorder_change(void *userdata, const FirewallChange *change) {
        static const char signs[] = {
                [FIREWALL_ADD] = '+', [FIREWALL_UPDATE] = '~', [FIREWALL_REMOVE] = '-'};
        Recorder *r = userdata;
        size_t n = strlen(r->calls);

        r->now_usec += r->change_usec;
        r->n_changes++;
        (void) snprintf(r->calls + n, sizeof(r->calls) - n, "%s%c%u", n > 0 ? " " : "",
                        signs[change->action], change->rule->listen.port);
        if (r->change_error < 0)
                return r->change_error;
        if (r->refuses_sevenths && change->rule->listen.port % REFUSED_EACH == 0)
                return -EIO;
        recorder_do(r, change);
        return 0;
}

static void recorder_rest(void *userdata) {
        ((Recorder *) userdata)->n_rests++;
}

static uint64_t recorder_now(void *userdata) {
        return ((Recorder *) userdata)->now_usec;
}

static Recorder r;

static void setup(void) {
        const FirewallStore store = {&r, recorder_list, recorder_change, recorder_rest,
                                     recorder_now};

        r = (Recorder){.change_usec = CHANGE_USEC};
        firewall_apply_init(&r.f, &store);
}

static void teardown(void) {
        firewall_apply_done(&r.f);
        firewall_rules_done(&r.rules);
}

static void add(FirewallRules *rules, uint16_t port, uint8_t profiles, const char *remote) {
        FirewallRule rule = {.listen = {ip_v4(0, 0, 0, 0), port},
                             .profiles = profiles,
                             .remote = (char *) (uintptr_t) remote,
                             .service = "web"};

        ck_assert_int_eq(firewall_rules_add(rules, &rule), 0);
        firewall_rules_sort(rules);
}

/* Want @n rules from FIRST_PORT on; the first has @remote, the others are always the same. */
static void want(unsigned n, const char *remote) {
        FirewallRules wanted = FIREWALL_RULES_NULL;

        for (unsigned i = 0; i < n; i++)
                add(&wanted, (uint16_t) (FIRST_PORT + i), 3, i == 0 ? remote : "LocalSubnet");
        ck_assert_int_eq(firewall_apply_want(&r.f, &wanted), 0);
        firewall_rules_done(&wanted);
}

/* Do everything that is due now. Return: the number of slices. @ret_changed: how often .problem
 * changed. */
static unsigned run(unsigned *ret_changed) {
        unsigned n = 0;

        *ret_changed = 0;
        r.calls[0] = '\0';
        for (; r.f.due_usec <= r.now_usec; n++) {
                uint64_t before = r.now_usec;

                ck_assert_uint_lt(n, 1000); /* it must come to an end */
                *ret_changed += firewall_apply_tick(&r.f, r.now_usec);
                ck_assert_uint_le(r.now_usec - before, FIREWALL_SLICE_USEC + r.change_usec);
        }
        return n;
}

static void expect(const char *calls) {
        unsigned changed;

        (void) run(&changed);
        ck_assert_str_eq(r.calls, calls);
        ck_assert_uint_eq(changed, 0);
}
