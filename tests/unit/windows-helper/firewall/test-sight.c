/* SPDX-License-Identifier: MIT */

/*
 * What is kept of the rules of others, and when what was seen counts as something else. A
 * difference that is missed would be told to nobody.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/firewall/blocking-rule.h"

#include <string.h>

static void expect_kept(const FirewallSeenRule *rule, bool kept, const char *what) {
        FirewallSight s = FIREWALL_SIGHT_NULL;

        ck_assert_int_eq(firewall_sight_add(&s, rule), 0);
        ck_assert_msg((s.n_blocks == 1) == kept, "%s", what);
        firewall_sight_done(&s);
        ck_assert_uint_eq(s.n_blocks, 0);
        ck_assert_ptr_null(s.blocks);
}

START_TEST(test_what_is_kept) {
        FirewallSeenRule rule = blocking_rule();

        expect_kept(&rule, true, "TCP");
        rule.protocol = 256;
        expect_kept(&rule, true, "any protocol");
        rule.protocol = 17;
        expect_kept(&rule, true, "UDP");
        rule.protocol = 1;
        expect_kept(&rule, false, "ICMP");
        rule = blocking_rule();
        rule.application = "C:\\Games\\game.exe";
        expect_kept(&rule, false, "another program");
        rule.application = "\\System32\\svchost.exe"; /* nothing before it */
        expect_kept(&rule, true, "the forwarder's program");
        rule = blocking_rule();
        rule.profiles = WIRE_PROFILE_DOMAIN;
        expect_kept(&rule, true, "one profile");
        rule.profiles = 0x40000000;
        expect_kept(&rule, false, "no profile that is known");
}
END_TEST

/* Nothing of the item before it is taken for it. */
START_TEST(test_an_item_that_is_too_long) {
        const IpEndpoint listen = {ip_v4(0, 0, 0, 0), 9};
        const WireService service = {.remote = WIRE_REMOTE_ANY};
        const WireState state = {.mode = WIRE_MODE_NAT};
        FirewallSight s = FIREWALL_SIGHT_NULL;
        FirewallSeenRule rule = blocking_rule();
        char ports[128] = "90,";

        memset(ports + 3, '9', 100);
        rule.local_ports = ports;
        ck_assert_int_eq(firewall_sight_add(&s, &rule), 0);
        ck_assert_int_eq(firewall_block_whom(&s.blocks[0], &listen, &state, &service),
                         FIREWALL_NOBODY);
        firewall_sight_done(&s);
}
END_TEST

START_TEST(test_how_many_are_kept) {
        FirewallSight s = FIREWALL_SIGHT_NULL;
        const FirewallSeenRule rule = blocking_rule();

        for (int i = 0; i < FIREWALL_BLOCKS_MAX + 2; i++)
                ck_assert_int_eq(firewall_sight_add(&s, &rule), 0);
        ck_assert_uint_eq(s.n_blocks, FIREWALL_BLOCKS_MAX);
        firewall_sight_done(&s);
}
END_TEST

/* Two rules of others, and a value in each member. */
static void see(FirewallSight *s) {
        FirewallSeenRule rule = blocking_rule();

        *s = (FirewallSight){.known = true, .connected = WIRE_PROFILE_PRIVATE, .product = "P"};
        ck_assert_int_eq(firewall_sight_add(s, &rule), 0);
        rule.name = "Another one";
        rule.application = "C:\\wslbridge-relay.exe";
        rule.protocol = 256;
        ck_assert_int_eq(firewall_sight_add(s, &rule), 0);
}

static void replace(char **text) {
        free(*text);
        *text = firewall_text_copy("changed");
}

/* Change one thing of a block. Return: false when there is no @i-th one. */
static bool change_block(FirewallBlock *b, int i) {
        char **const texts[] = {&b->name, &b->ports, &b->local, &b->remote};
        bool *const flags[] = {&b->partly, &b->tcp, &b->udp, &b->portproxy, &b->relay};
        const int n_texts = sizeof(texts) / sizeof(texts[0]);
        const int n_flags = sizeof(flags) / sizeof(flags[0]);

        if (i < n_texts)
                replace(texts[i]);
        else if (i < n_texts + n_flags)
                *flags[i - n_texts] = !*flags[i - n_texts];
        else if (i == n_texts + n_flags)
                b->profiles ^= WIRE_PROFILE_PUBLIC;
        else
                return false;
        return true;
}

/* The same for the rest. */
static bool change_sight(FirewallSight *s, int i) {
        uint8_t *const profiles[] = {&s->connected, &s->off, &s->lets_in, &s->shut};
        const int n_profiles = sizeof(profiles) / sizeof(profiles[0]);
        const FirewallSeenRule rule = blocking_rule();

        if (i < n_profiles) {
                *profiles[i] ^= WIRE_PROFILE_PUBLIC;
                return true;
        }
        switch (i - n_profiles) {
        case 0:
                s->known = false;
                return true;
        case 1:
                s->overridden = 1;
                return true;
        case 2:
                strcpy(s->product, "Q");
                return true;
        case 3:
                s->n_unread = 1;
                return true;
        case 4: /* one block more */
                ck_assert_int_eq(firewall_sight_add(s, &rule), 0);
                return true;
        default:
                return false;
        }
}

static bool change(FirewallSight *s, int i) {
        enum { IN_FIRST = 100, IN_SECOND = 200 };

        return i >= IN_SECOND  ? change_block(&s->blocks[1], i - IN_SECOND)
               : i >= IN_FIRST ? change_block(&s->blocks[0], i - IN_FIRST)
                               : change_sight(s, i);
}

START_TEST(test_each_difference_counts) {
        FirewallSight seen, other;
        int n = 0;

        see(&seen);
        ck_assert_int_eq(firewall_sight_copy(&other, &seen), 0);
        ck_assert(firewall_sight_equal(&seen, &other));
        for (int part = 0; part < 3; part++) {
                for (int i = 100 * part; change(&other, i); i++, n++) {
                        ck_assert_msg(!firewall_sight_equal(&seen, &other), "%d", i);
                        ck_assert_msg(!firewall_sight_equal(&other, &seen), "%d", i);
                        firewall_sight_done(&other);
                        ck_assert_int_eq(firewall_sight_copy(&other, &seen), 0);
                }
        }
        ck_assert_int_eq(n, 9 + 2 * 10);
        firewall_sight_done(&other);
        firewall_sight_done(&seen);
        other = FIREWALL_SIGHT_NULL;
        ck_assert(firewall_sight_equal(&seen, &other));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("sight");
        TCase *tc = tcase_create("sight");

        tcase_add_test(tc, test_what_is_kept);
        tcase_add_test(tc, test_an_item_that_is_too_long);
        tcase_add_test(tc, test_how_many_are_kept);
        tcase_add_test(tc, test_each_difference_counts);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
