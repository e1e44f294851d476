/* SPDX-License-Identifier: MIT */

/*
 * Every networking mode of a guest and every kind of virtual switch, and every change to another.
 * Then the host must look as if there had been nothing else before: values, ledger and firewall.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define N(a)   (sizeof(a) / sizeof((a)[0]))
#define UBUNTU "a0000000000000000000000000000000/Ubuntu"
#define DIRECT "0.0.0.0/80 " UBUNTU "|web|-|direct\n"

static World w;
static FakeAgent *ubuntu, *debian;

/* Guests are behind the first adapter. The second one is in the host's local network. */
static void start(void) {
        Hostnet net = {.n_addresses = 2,
                       .addresses = {{ip_v4(172, 20, 0, 1), 20, true, "vEthernet (WSL)"},
                                     {ip_v4(192, 168, 1, 20), 24, false, "Ethernet"}}};

        world_start(&w);
        controller_set_hostnet(w.controller, &net);
        world_run(&w);
}

static void begin(void) {
        world_init(&w);
        w.host.listeners = w.options.means.relay = true;
        w.host.wsl.addr = ip_v4(0, 0, 0, 0);
        start();
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
        agent_connect(ubuntu);
}

/* One "0.0.0.0:80 web" a line, of the rules that are asked for. */
static const char *firewall_text(void) {
        static char text[WORLD_TEXT_MAX];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < w.host.firewall.n; i++) {
                char listen[IP_ENDPOINT_TEXT_MAX];

                ip_endpoint_format(&w.host.firewall.items[i].listen, listen);
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s %s\n", listen,
                                       w.host.firewall.items[i].service);
        }
        return text;
}

#define FORWARDED                                              \
        "web active", "", "v4tov4 0.0.0.0/80 172.20.0.2/80\n", \
                "0.0.0.0/80 " UBUNTU "|web|172.20.0.2/80|172.20.0.2/80\n", "0.0.0.0:80 web\n"

static const struct {
        const char *mode, *result, *says, *rules, *ledger, *firewall;
        WirePlace place;
} modes[] = {
        {"172.20.0.2", FORWARDED},
        {"unknown 172.20.0.2 via 172.20.0.1", FORWARDED},
        {"mirrored", "web active direct", "addresses, and the Hyper-V firewall decides, too", "",
         DIRECT, "0.0.0.0:80 web\n"},
        {"virtioproxy", "web active direct", "direct: WSL listens on this host", "", DIRECT,
         "0.0.0.0:80 web\n"},
        {"bridged", "web active direct",
         "direct: other machines reach it at the guest's own address, 172.20.0.2, port 80", "", "",
         ""},
        {"unknown 192.168.1.7 via 192.168.1.1", "web active direct",
         "direct: other machines reach it at the guest's own address, 192.168.1.7, port 80", "", "",
         "", WIRE_PLACE_OUTSIDE},
        /* of a network card that only the switch uses, or stale */
        {"unknown 10.7.7.7 via 10.7.0.1", "web invalid guest-address",
         "10.7.7.7: it is on no network of this host. Either it is stale", "", "", "",
         WIRE_PLACE_UNCLEAR},
        {"none", "web withdrawn networking-mode", "no network", "", "", ""},
        {"", "web withdrawn no-address", "no address", "", "", ""},
        {"127.0.0.1", "web invalid guest-address", "loopback", "", "", ""},
};

/* In the mode in which WSL listens for the guest, it does. */
static void ask(size_t mode, const char *services) {
        w.host.wsl.port = strcmp(modes[mode].mode, "virtioproxy") == 0 ? 80 : 0;
        agent_ask(ubuntu, modes[mode].mode, services);
}

static void expect_mode(size_t i, const char *from) {
        ck_assert_msg(strcmp(agent_results_text(ubuntu), modes[i].result) == 0 &&
                              strstr(agent_text(ubuntu, 0), modes[i].says),
                      "from '%s' to '%s': %s (%s)", from, modes[i].mode, agent_results_text(ubuntu),
                      agent_text(ubuntu, 0));
        ck_assert_msg(ubuntu->result.place == modes[i].place, "from '%s' to '%s': place %u", from,
                      modes[i].mode, ubuntu->result.place);
        ck_assert_msg(strcmp(world_rules(&w), modes[i].rules) == 0, "from '%s' to '%s': %s", from,
                      modes[i].mode, world_rules(&w));
        ck_assert_msg(strcmp(world_ledger(&w), modes[i].ledger) == 0, "from '%s' to '%s': %s", from,
                      modes[i].mode, world_ledger(&w));
        ck_assert_msg(strcmp(firewall_text(), modes[i].firewall) == 0, "from '%s' to '%s': %s",
                      from, modes[i].mode, firewall_text());
}

START_TEST(test_each_mode) {
        begin();
        ask(_i, "web=0.0.0.0:80");
        expect_mode((size_t) _i, "the start");
        world_done(&w);
}
END_TEST

/* What happens between the two modes, beside the change itself. */
typedef enum Between {
        BETWEEN_NOTHING,
        BETWEEN_RECONNECT, /* the agent comes back with the new mode: WSL was restarted */
        BETWEEN_KILL,      /* the helper is killed and comes back */
        BETWEEN_OTHER,     /* another port was asked for in the old mode, and another service */
        BETWEEN_RESTORED,  /* somebody puts the value of the forwarding back at once */
        _BETWEEN_END,
} Between;

static void pass(Between between, size_t from) {
        switch (between) {
        case BETWEEN_NOTHING:
                ask(from, "web=0.0.0.0:80");
                expect_mode(from, "the start");
                break;
        case BETWEEN_RECONNECT:
                ask(from, "web=0.0.0.0:80");
                agent_vanish(ubuntu);
                world_wait(&w, 1000);
                agent_connect(ubuntu);
                break;
        case BETWEEN_KILL:
                ask(from, "web=0.0.0.0:80");
                world_kill(&w);
                start();
                agent_connect(ubuntu);
                break;
        case BETWEEN_OTHER:
                ask(from, "web=0.0.0.0:80 old=0.0.0.0:81,[::]:82");
                break;
        case BETWEEN_RESTORED:
                ask(from, "web=0.0.0.0:80");
                if (*modes[from].rules)
                        world_foreign(&w, "v4tov4 0.0.0.0/80", "172.20.0.2/80");
                break;
        case _BETWEEN_END:
                break;
        }
}

START_TEST(test_every_change) {
        size_t from = (size_t) _i / N(modes), to = (size_t) _i % N(modes);

        for (int between = 0; between < _BETWEEN_END; between++) {
                begin();
                pass((Between) between, from);
                ask(to, "web=0.0.0.0:80");
                world_wait(&w, 3000);
                expect_mode(to, modes[from].mode);
                /* Killed now, the next helper finds the same. */
                world_kill(&w);
                start();
                agent_connect(ubuntu);
                ask(to, "web=0.0.0.0:80");
                world_wait(&w, 3000);
                expect_mode(to, modes[from].mode);
                ask(to, "");
                world_wait(&w, 3000);
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
                ck_assert_str_eq(firewall_text(), "");
                world_done(&w);
        }
}
END_TEST

/* The value is deleted, and iphlpsvc told, before the endpoint counts as the guest's. */
START_TEST(test_the_old_mode_goes_first) {
        uint64_t activations;

        begin();
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        activations = w.host.calls[MEMORY_ACTIVATE];
        w.host.iphlpsvc_slow = true;
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations + 1);
        world_expect_rules(&w, "");
        agent_expect(ubuntu, "web active direct");
        world_done(&w);
}
END_TEST

/* A service that does not work in one of the modes does not keep what it had in another. */
START_TEST(test_what_only_a_forwarder_can_do) {
        static const char asked[] = "ssh=0.0.0.0:2222>22 web=0.0.0.0:80 mail=0.0.0.0:25+proxy-v2";
        static const char *const direct[] = {"mirrored", "virtioproxy"};

        for (size_t i = 0; i < N(direct); i++) {
                begin();
                agent_ask(ubuntu, "172.20.0.2", asked);
                agent_expect(ubuntu, "ssh active; web active; mail active");
                w.host.wsl.port = i == 1 ? 80 : 0;
                agent_ask(ubuntu, direct[i], asked);
                agent_expect(ubuntu,
                             "ssh invalid connect-port; web active direct; mail refused no-relay");
                ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "2222 cannot lead to port 22"));
                ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), direct[i]));
                ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 2), direct[i]));
                world_expect_rules(&w, "");
                ck_assert_str_eq(firewall_text(), "0.0.0.0:80 web\n");
                w.host.wsl.port = 0;
                agent_ask(ubuntu, "bridged", asked);
                agent_expect(ubuntu, "ssh active direct; web active direct; mail refused no-relay");
                agent_ask(ubuntu, "172.20.0.2", asked);
                agent_expect(ubuntu, "ssh active; web active; mail active");
                world_done(&w);
        }
}
END_TEST

START_TEST(test_policy_holds_in_each_mode) {
        begin();
        agent_ask(ubuntu, "mirrored", "smb=0.0.0.0:445 web=0.0.0.0:80");
        agent_expect(ubuntu, "smb refused policy-port; web active direct");
        agent_ask(ubuntu, "virtioproxy", "smb=0.0.0.0:445 web=0.0.0.0:80+public");
        agent_expect(ubuntu, "smb refused policy-port; web refused policy-profile");
        world_expect_ledger(&w, "");
        ck_assert_str_eq(firewall_text(), "");
        world_done(&w);
}
END_TEST

START_TEST(test_first_come_first_served_without_values) {
        begin();
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_connect(debian);
        agent_ask(debian, "mirrored", "www=0.0.0.0:80");
        agent_expect(debian, "www conflict other-agent");
        world_expect_ledger(&w, DIRECT);
        agent_ask(ubuntu, "mirrored", "");
        agent_expect(debian, "www active direct");
        ck_assert_str_eq(firewall_text(), "0.0.0.0:80 www\n");
        world_done(&w);
}
END_TEST

START_TEST(test_foreign_value) {
        begin();
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.1.1.1/80");
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        ck_assert_str_eq(firewall_text(), "");
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL);
        agent_expect(ubuntu, "web active direct");
        /* It comes while the guest has the port: that is its user's affair, and is told. */
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.1.1.1/80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.1.1.1/80\n");
        world_expect_ledger(&w, "");
        /* An administrator gives it to us, and it goes: in this mode nothing takes its place. */
        ck_assert_int_eq(text_map_set(&w.host.adoptions, "v4tov4 0.0.0.0/80", "10.1.1.1/80"), 0);
        controller_adoptions_changed(w.controller);
        world_run(&w);
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active direct");
        world_expect_rules(&w, "");
        world_expect_ledger(&w, DIRECT);
        ck_assert_uint_eq(w.host.adoptions.n, 0);
        world_done(&w);
}
END_TEST

/* iphlpsvc does not matter where nothing is forwarded, and the firewall does. */
START_TEST(test_what_is_in_the_way) {
        begin();
        w.host.fault = NULL;
        agent_connect(debian);
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        controller_set_firewall_problem(w.controller, "the firewall is broken", NULL);
        world_run(&w);
        agent_expect(ubuntu, "web blocked firewall");
        agent_ask(ubuntu, "bridged", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active direct");
        world_done(&w);
}
END_TEST

static int no_iphlpsvc(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? -ENOENT : 0;
}

START_TEST(test_without_iphlpsvc) {
        begin();
        w.host.fault = no_iphlpsvc;
        agent_connect(debian);
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:81");
        agent_expect(debian, "www blocked iphlpsvc");
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active direct");
        agent_ask(ubuntu, "bridged", "web=0.0.0.0:80");
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active direct");
        world_done(&w);
}
END_TEST

/* The rule stays open while an agent restarts, and while the helper does. */
START_TEST(test_grace) {
        begin();
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_leave(ubuntu);
        world_wait(&w, 1000);
        ck_assert_str_eq(firewall_text(), "0.0.0.0:80 web\n");
        world_wait(&w, 6000);
        ck_assert_str_eq(firewall_text(), "");
        world_expect_ledger(&w, "");

        agent_connect(ubuntu);
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        world_kill(&w);
        world_start(&w);
        world_run(&w);
        ck_assert_uint_eq(w.host.firewall.n, 1); /* with profiles 0: left as it is */
        world_expect_ledger(&w, DIRECT);
        agent_connect(debian);
        agent_ask(debian, "mirrored", "www=0.0.0.0:80");
        agent_expect(debian, "www conflict other-agent");
        world_wait(&w, 120000);
        agent_connect(debian);
        agent_ask(debian, "mirrored", "www=0.0.0.0:80");
        agent_expect(debian, "www active direct");
        world_done(&w);
}
END_TEST

/* An agent of version 1 never had a port opened in these modes, and an update of the helper alone
 * does not change that. */
START_TEST(test_version_1) {
        static const char *const direct[] = {"mirrored", "virtioproxy", "bridged"};

        for (size_t i = 0; i < N(direct); i++) {
                begin();
                ubuntu->version_max = 1;
                agent_connect(ubuntu);
                agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                agent_expect(ubuntu, "web active");
                agent_ask(ubuntu, direct[i], "web=0.0.0.0:80");
                agent_expect(ubuntu, "web withdrawn networking-mode");
                ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "update the agent"));
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
                ck_assert_str_eq(firewall_text(), "");
                /* It is updated, and comes back. */
                ubuntu->version_max = 2;
                w.host.wsl.port = i == 1 ? 80 : 0;
                agent_connect(ubuntu);
                agent_ask(ubuntu, direct[i], "web=0.0.0.0:80");
                agent_expect(ubuntu, "web active direct");
                world_done(&w);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("modes");
        TCase *tc = tcase_create("modes");

        tcase_add_loop_test(tc, test_each_mode, 0, (int) N(modes));
        tcase_add_loop_test(tc, test_every_change, 0, (int) (N(modes) * N(modes)));
        tcase_add_test(tc, test_the_old_mode_goes_first);
        tcase_add_test(tc, test_what_only_a_forwarder_can_do);
        tcase_add_test(tc, test_policy_holds_in_each_mode);
        tcase_add_test(tc, test_first_come_first_served_without_values);
        tcase_add_test(tc, test_foreign_value);
        tcase_add_test(tc, test_what_is_in_the_way);
        tcase_add_test(tc, test_without_iphlpsvc);
        tcase_add_test(tc, test_grace);
        tcase_add_test(tc, test_version_1);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
