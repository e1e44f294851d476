/* SPDX-License-Identifier: MIT */

/* What the results of active services say about who gets in: each service for itself, and of its
 * endpoints the worst. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <stdio.h>
#include <string.h>

static World w;
static FakeAgent *ubuntu;

static void setup(void) {
        world_init(&w);
        w.options.policy.widest_remote = WIRE_REMOTE_ANY;
        w.options.policy.allowed_profiles = WIRE_PROFILE_ALL;
        w.host.listeners = true;
        world_start(&w);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
}

static void teardown(void) {
        world_done(&w);
}

#define expect_text(service, part) \
        ck_assert_msg(strstr(agent_text(ubuntu, service), part), "%s", agent_text(ubuntu, service))

static void see(const FirewallSight *sight) {
        controller_set_firewall_sight(w.controller, sight);
        world_run(&w);
}

/* The state stays active; reason and text say for whom. A change of the network is a new answer. */
START_TEST(test_active_says_for_whom) {
        const FirewallSight private = {.known = true, .connected = WIRE_PROFILE_PRIVATE};
        const FirewallSight public = {.known = true, .connected = WIRE_PROFILE_PUBLIC};
        const FirewallSight off = {
                .known = true, .connected = WIRE_PROFILE_PUBLIC, .off = WIRE_PROFILE_PUBLIC};
        const FirewallSight unknown = FIREWALL_SIGHT_NULL;

        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222+none db=127.0.0.1:5432");
        agent_expect(ubuntu, "web active; ssh active; db active");
        expect_text(0, "");
        controller_set_firewall_sight(w.controller, &private);
        world_run(&w);
        agent_expect(ubuntu, "web active; ssh active; db active");
        expect_text(0, "open to the local subnet on the host's private network");
        controller_set_firewall_sight(w.controller, &public);
        world_run(&w);
        agent_expect(ubuntu, "web active unreachable; ssh active; db active");
        expect_text(0, "no other machine can connect now");
        controller_set_firewall_sight(w.controller, &off);
        world_run(&w);
        agent_expect(ubuntu, "web active firewall-off; ssh active firewall-off; db active");
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        controller_set_firewall_sight(w.controller, &public);
        world_run(&w);
        agent_expect(ubuntu, "web active unreachable");
        ck_assert_str_eq(agent_text(ubuntu, 0),
                         "direct: the guest has the host's addresses; no other machine can connect "
                         "now: the host's network is public, the service opens private; make that "
                         "network private in Windows, or set firewall = private, public, if the "
                         "policy allows it");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222+none db=127.0.0.1:5432");
        controller_set_firewall_sight(w.controller, &unknown);
        world_run(&w);
        agent_expect(ubuntu, "web active; ssh active; db active");
        expect_text(0, "");
}
END_TEST

/* Services with neighbours that differ from them in one thing: for which networks they are, for
 * whom, or where they listen. */
START_TEST(test_each_service_for_itself) {
        const FirewallSight sight = {.known = true, .connected = WIRE_PROFILE_PUBLIC};
        static const char *const texts[] = {
                "opens nothing in Windows Firewall",
                "no other machine can connect now",
                "open to the local subnet on",
                "open to everybody on",
                "open to the local subnet on",
                "",
                "open to everybody on",
                "no other machine can connect now",
                "",
                "no other machine can connect now",
        };

        agent_ask(ubuntu, "172.20.0.2",
                  "a=0.0.0.0:79+none b=0.0.0.0:80 c=0.0.0.0:81+public d=0.0.0.0:82+public+any "
                  "e=0.0.0.0:83+public f=127.0.0.1:84+public g=192.168.1.2:85+public+any "
                  "h=192.168.1.2:86 i=127.0.0.1:87 j=0.0.0.0:88");
        see(&sight);
        for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                ck_assert_msg(strncmp(agent_text(ubuntu, i), texts[i], strlen(texts[i])) == 0 &&
                                      (texts[i][0] || !agent_text(ubuntu, i)[0]),
                              "service %u: %s", i, agent_text(ubuntu, i));
                ck_assert_uint_eq(ubuntu->result.services[i].reason,
                                  texts[i][0] == 'n' ? WIRE_REASON_UNREACHABLE : WIRE_REASON_NONE);
        }
}
END_TEST

/* A rule that blocks one port of three, or all. The first of these is told, whichever it is; and it
 * is not told of another service. */
START_TEST(test_the_worst_endpoint) {
        static char ports[][8] = {"80", "81", "82", "80-82"};
        static const char *const modes[] = {"172.20.0.2", "mirrored"};
        FirewallBlock block = {.name = (char[]){"No way"},
                               .ports = ports[_i % 4],
                               .local = (char[]){"*"},
                               .remote = (char[]){"*"},
                               .profiles = WIRE_PROFILE_ALL,
                               .tcp = true,
                               .portproxy = true,
                               .relay = true};
        const FirewallSight sight = {
                .known = true, .connected = WIRE_PROFILE_PRIVATE, .blocks = &block, .n_blocks = 1};
        char says[64];

        agent_ask(ubuntu, modes[_i / 4], "web=0.0.0.0:80-82 ssh=0.0.0.0:90");
        see(&sight);
        (void) snprintf(says, sizeof(says), "no other machine can connect to port %.2s now",
                        block.ports);
        agent_expect(ubuntu, _i / 4 ? "web active unreachable; ssh active direct"
                                    : "web active unreachable; ssh active");
        expect_text(0, says);
        expect_text(1, "open to the local subnet on the host's private network");
}
END_TEST

/* One endpoint is the loopback, about which nothing has to be said. */
START_TEST(test_the_loopback_says_nothing) {
        const FirewallSight sight = {.known = true, .connected = WIRE_PROFILE_PRIVATE};

        agent_ask(ubuntu, "172.20.0.2",
                  "a=127.0.0.1:80,192.168.1.2:80 b=0.0.0.0:81,127.0.0.1:82 c=127.0.0.1:83");
        see(&sight);
        agent_expect(ubuntu, "a active; b active; c active");
        expect_text(0, "open to the local subnet on the host's private network");
        expect_text(1, "open to the local subnet on the host's private network");
        ck_assert_str_eq(agent_text(ubuntu, 2), "");
}
END_TEST

/* Why it is direct comes first, and all of that if there is room. */
START_TEST(test_direct_and_for_whom) {
        static const char whole[] = "direct: the guest has the host's addresses, and the Hyper-V "
                                    "firewall decides, too; open to the local subnet on the host's "
                                    "private network";
        const FirewallSight private = {.known = true, .connected = WIRE_PROFILE_PRIVATE};
        const FirewallSight filtered = {
                .known = true, .connected = WIRE_PROFILE_PRIVATE, .product = "X"};

        see(&private);
        agent_ask(ubuntu, "mirrored",
                  "web=0.0.0.0:80-81 ssh=127.0.0.1:90 mix=127.0.0.1:91,192.168.1.2:91");
        agent_expect(ubuntu, "web active direct; ssh active direct; mix active direct");
        ck_assert_str_eq(agent_text(ubuntu, 0), whole);
        ck_assert_ptr_null(strchr(agent_text(ubuntu, 1), ';'));
        ck_assert_str_eq(agent_text(ubuntu, 2), whole);
        see(&filtered);
        agent_expect(ubuntu, "web active firewall; ssh active direct; mix active firewall");
        expect_text(0, "decides, too; open to the local subnet on the host's private network; X");
}
END_TEST

/* A forwarding that may be in the way is more important than who gets in, unless nobody does. It is
 * not why the service is direct. */
START_TEST(test_a_name_in_the_way) {
        static const char *const modes[] = {"172.20.0.2", "mirrored"};
        const FirewallSight private = {.known = true, .connected = WIRE_PROFILE_PRIVATE};
        const FirewallSight public = {.known = true, .connected = WIRE_PROFILE_PUBLIC};

        world_foreign(&w, "v4tov4 localhost/80", "172.20.0.9/80");
        agent_ask(ubuntu, modes[_i], "web=0.0.0.0:80");
        see(&private);
        agent_expect(ubuntu, "web active foreign-rule");
        ck_assert_ptr_null(strstr(agent_text(ubuntu, 0), "open to"));
        see(&public);
        agent_expect(ubuntu, "web active unreachable");
        ck_assert_ptr_eq(strstr(agent_text(ubuntu, 0), "no other machine"), agent_text(ubuntu, 0));
}
END_TEST

/* Another state says why nobody is served. */
START_TEST(test_only_active_services) {
        const FirewallSight public = {.known = true, .connected = WIRE_PROFILE_PUBLIC};

        see(&public);
        w.host.taken_port = 81;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80-81 ssh=0.0.0.0:90");
        world_wait(&w, 4000);
        agent_expect(ubuntu, "web conflict port-in-use; ssh active unreachable");
        expect_text(0, "0.0.0.0:81: in use by");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("for-whom");
        TCase *tc = tcase_create("for-whom");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_active_says_for_whom);
        tcase_add_test(tc, test_each_service_for_itself);
        tcase_add_loop_test(tc, test_the_worst_endpoint, 0, 8);
        tcase_add_test(tc, test_the_loopback_says_nothing);
        tcase_add_test(tc, test_direct_and_for_whom);
        tcase_add_loop_test(tc, test_a_name_in_the_way, 0, 2);
        tcase_add_test(tc, test_only_active_services);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
