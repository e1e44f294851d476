/* SPDX-License-Identifier: MIT */

/* Firewall rules as data: names, remote scopes, and what is to change. */

#include "tests/suite.h"
#include "windows-helper/core/firewall-apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(FirewallRules *r, const char *listen, uint16_t port, uint8_t profiles,
                const char *remote) {
        FirewallRule rule = {.profiles = profiles, .remote = (char *) (uintptr_t) remote};

        ck_assert_int_eq(ip_parse(listen, &rule.listen.addr), 0);
        rule.listen.port = port;
        strcpy(rule.service, "web");
        ck_assert_int_eq(firewall_rules_add(r, &rule), 0);
        firewall_rules_sort(r);
}

START_TEST(test_names) {
        static const char *const bad[] = {
                "wslbridge",
                "wslbridge 0.0.0.0",
                "wslbridge 0.0.0.0:080",
                "Wslbridge 0.0.0.0:80",
                "wslbridge 0.0.0.0:65536",
                "wslbridge ::1:80",
                "wslbridge [::1:80",
                "wslbridge 0.0.0.0:80 ",
                "wslbridge 0.0.0.0:",
        };
        IpEndpoint e = {ip_v4(0, 0, 0, 0), 2222};
        char name[FIREWALL_NAME_MAX], again[FIREWALL_NAME_MAX];

        firewall_rule_name(&e, name);
        ck_assert_str_eq(name, "wslbridge 0.0.0.0:2222");
        ck_assert_int_eq(firewall_rule_parse_name("wslbridge [fd00::1]:80", &e), 0);
        ck_assert_uint_eq(e.port, 80);
        firewall_rule_name(&e, again);
        ck_assert_str_eq(again, "wslbridge [fd00::1]:80");
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                ck_assert_msg(firewall_rule_parse_name(bad[i], &e) == -EINVAL, "%s", bad[i]);
}
END_TEST

/* "add 80; update 81; remove 82" */
static void expect(const FirewallRules *present, const FirewallRules *wanted, const char *text) {
        static const char *const names[] = {"add", "update", "remove"};
        FirewallChange *changes;
        char found[256] = "";
        size_t n, at = 0;

        ck_assert_int_eq(firewall_diff(present, wanted, &changes, &n), 0);
        for (size_t i = 0; i < n; i++)
                at += (size_t) snprintf(found + at, sizeof found - at, "%s%s %u", i ? "; " : "",
                                        names[changes[i].action], changes[i].rule->listen.port);
        ck_assert_str_eq(found, text);
        free(changes);
}

START_TEST(test_changes) {
        FirewallRules present = FIREWALL_RULES_NULL, wanted = FIREWALL_RULES_NULL;

        expect(&present, &wanted, "");
        add(&wanted, "0.0.0.0", 83, 3, "LocalSubnet");
        add(&wanted, "0.0.0.0", 80, 3, "LocalSubnet");
        expect(&present, &wanted, "add 80; add 83");
        add(&present, "0.0.0.0", 80, 3, "LocalSubnet");
        add(&present, "0.0.0.0", 82, 3, "LocalSubnet");
        expect(&present, &wanted, "remove 82; add 83");
        expect(&wanted, &wanted, "");
        add(&wanted, "0.0.0.0", 84, 3, "10.0.0.0/8");
        add(&present, "0.0.0.0", 84, 3, "LocalSubnet"); /* another scope */
        add(&wanted, "0.0.0.0", 85, 1, "LocalSubnet");
        add(&present, "0.0.0.0", 85, 3, "LocalSubnet"); /* another profile */
        expect(&present, &wanted, "remove 82; add 83; update 84; update 85");
        add(&wanted, "0.0.0.0", 82, 0, ""); /* its agent is expected back */
        add(&wanted, "0.0.0.0", 90, 0, ""); /* so is this one's, but nothing is there */
        expect(&present, &wanted, "add 83; update 84; update 85");
        firewall_rules_done(&present);
        firewall_rules_done(&wanted);
}
END_TEST

START_TEST(test_remote_scope) {
        WirePrefix remotes[] = {{ip_v4(10, 0, 0, 0), 8}, {{.family = IP_FAMILY_V6}, 7}};
        WireState state = {.remotes = remotes, .n_remotes = 2};
        WireService service = {.remote = WIRE_REMOTE_LOCAL_SUBNET};
        char *text;

        remotes[1].addr.bytes[0] = 0xfc;
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "LocalSubnet");
        free(text);
        service.remote = WIRE_REMOTE_ANY;
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "*");
        free(text);
        service = (WireService){.remote = WIRE_REMOTE_LIST, .n_remotes = 2};
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "10.0.0.0/8,fc00::/7");
        free(text);
}
END_TEST

/* A firewall that takes 3 ms for each change and refuses one port. */
typedef struct Recorder {
        uint64_t now_usec;
        unsigned n_changes, n_lists;
        uint16_t refused;
        FirewallEffect effect;
} Recorder;

static int recorder_list(void *userdata, FirewallRules *rules) {
        ((Recorder *) userdata)->n_lists++;
        return 0;
}

static int recorder_change(void *userdata, const FirewallChange *change) {
        Recorder *r = userdata;

        r->now_usec += 3000;
        if (change->rule->listen.port == r->refused)
                return -EIO;
        r->n_changes++;
        return 0;
}

static int recorder_effect(void *userdata, FirewallEffect *ret_effect) {
        *ret_effect = ((Recorder *) userdata)->effect;
        return 0;
}

static uint64_t recorder_now(void *userdata) {
        return ((Recorder *) userdata)->now_usec;
}

static const FirewallStore recorder_store = {
        NULL, recorder_list, recorder_change, recorder_effect, recorder_now,
};

START_TEST(test_applied_in_slices) {
        Recorder recorder = {.refused = 5};
        FirewallStore store = recorder_store;
        FirewallRules wanted = FIREWALL_RULES_NULL;
        FirewallApply f;
        unsigned n_slices = 0;

        store.userdata = &recorder;
        firewall_apply_init(&f, &store);
        for (uint16_t port = 1; port <= 100; port++)
                add(&wanted, "0.0.0.0", port, 3, "LocalSubnet");
        ck_assert_int_eq(firewall_apply_want(&f, &wanted), 0);
        while (f.due_usec <= recorder.now_usec && n_slices < 100) {
                uint64_t before = recorder.now_usec;

                (void) firewall_apply_tick(&f, recorder.now_usec);
                ck_assert_uint_le(recorder.now_usec - before, FIREWALL_SLICE_USEC + 3000);
                n_slices++;
        }
        ck_assert_uint_gt(n_slices, 10);
        ck_assert_uint_eq(recorder.n_changes, 99); /* the refused one kept none waiting */
        ck_assert(f.failed);
        ck_assert_ptr_nonnull(strstr(f.problem, "MpsSvc"));
        ck_assert_uint_gt(f.due_usec, recorder.now_usec);
        firewall_rules_done(&wanted);
        firewall_apply_done(&f);
}
END_TEST

START_TEST(test_group_policy_is_told) {
        Recorder recorder = {.effect = FIREWALL_OVERRIDDEN};
        FirewallStore store = recorder_store;
        FirewallRules wanted = FIREWALL_RULES_NULL;
        FirewallApply f;

        store.userdata = &recorder;
        firewall_apply_init(&f, &store);
        add(&wanted, "0.0.0.0", 80, 3, "LocalSubnet");
        ck_assert_int_eq(firewall_apply_want(&f, &wanted), 0);
        ck_assert(firewall_apply_tick(&f, 0));
        ck_assert(!f.failed);
        ck_assert_ptr_nonnull(strstr(f.problem, "Group Policy"));
        ck_assert_uint_eq(f.due_usec, FIREWALL_IDLE);
        firewall_rules_done(&wanted);
        ck_assert_int_eq(firewall_apply_want(&f, &wanted), 0);
        ck_assert(firewall_apply_tick(&f, 1));
        ck_assert_str_eq(f.problem, "");
        ck_assert_uint_eq(recorder.n_changes, 2); /* added and removed */
        ck_assert_uint_eq(recorder.n_lists, 1);
        firewall_apply_done(&f);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("firewall");
        TCase *tc = tcase_create("firewall");

        tcase_add_test(tc, test_names);
        tcase_add_test(tc, test_changes);
        tcase_add_test(tc, test_remote_scope);
        tcase_add_test(tc, test_applied_in_slices);
        tcase_add_test(tc, test_group_policy_is_told);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
