/* SPDX-License-Identifier: MIT */
#pragma once

/* The known values of a host in memory, which others change, and we. */

#include "tests/host/memory-host.h"
#include "windows-helper/core/rules/rule-view.h"

#include <check.h>
#include <stdio.h>

#define PORTS 6

static MemoryHost m;
static ControllerHost host;
static RuleView view;
static uint64_t now;

static inline void foreign(unsigned port, const char *data) {
        char name[32];

        (void) snprintf(name, sizeof(name), "0.0.0.0/%u", 80 + port);
        memory_host_foreign(&m, RULE_V4TOV4, name, data);
}

static inline void setup(void) {
        memory_host_init(&m);
        memory_host_fill(&m, &host);
        view = RULE_VIEW_NULL;
        now = 1000;
        for (unsigned i = 0; i < PORTS; i++)
                foreign(i, "10.0.0.1/1");
        rule_view_changed(&view);
}

static inline void teardown(void) {
        rule_view_done(&view);
        memory_host_done(&m);
}

/* Read portions of @n values until none is due. Return: how many. */
static inline unsigned read_all(size_t n, bool *ret_changed) {
        unsigned portions = 0;
        bool changed;

        *ret_changed = false;
        while (rule_view_deadline(&view) <= now) {
                ck_assert_int_eq(rule_view_read(&view, &host.rules, n, now, &changed), 0);
                *ret_changed |= changed;
                portions++;
        }
        return portions;
}

/* What is known is what is there. */
static inline void expect_truth(void) {
        RuleTable truth = RULE_TABLE_NULL;
        RuleCursor cursor = {0};

        ck_assert_int_eq(host.rules.rules_read(&m, &cursor, SIZE_MAX, &truth), 0);
        rule_table_sort(&truth);
        ck_assert(view.known);
        ck_assert(rule_table_equal(&view.present, &truth));
        rule_table_done(&truth);
}

/* We write or delete (NULL) a value. */
static inline void ours(unsigned port, const char *data) {
        char name[32];
        bool exists;

        (void) snprintf(name, sizeof(name), "0.0.0.0/%u", 80 + port);
        exists = memory_host_rule(&m, RULE_V4TOV4, name) != NULL;
        if (data)
                ck_assert_int_eq(host.rules.rule_set(&m, RULE_V4TOV4, name, data), 0);
        else
                ck_assert_int_eq(host.rules.rule_delete(&m, RULE_V4TOV4, name), 0);
        rule_view_note(&view, RULE_V4TOV4, name, data, (data != NULL) - exists);
}

/* These were all. */
static inline void done(void) {
        rule_view_end(&view, &host.rules);
        rule_view_update(&view, now);
}

/* Read once more, at leisure. */
static inline void again(void) {
        ck_assert_uint_gt(rule_view_deadline(&view), now);
        now = rule_view_deadline(&view);
        ck_assert_uint_ne(now, UINT64_MAX);
}

/* Read until no reading is due any more. */
static inline void settle(void) {
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        while (rule_view_deadline(&view) != UINT64_MAX) {
                again();
                (void) read_all(SIZE_MAX, &changed);
        }
        expect_truth();
}
