/* SPDX-License-Identifier: MIT */

/*
 * Who listens on the host at the port of a guest that is reached directly: a program of Windows,
 * which is in the way; or nobody, where WSL has to.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/ports/verify.h"

#include <string.h>

#define NOBODY                                                                               \
        "direct: WSL does not listen for the guest yet, which it does when a program there " \
        "listens on "

static World w;
static FakeAgent *ubuntu;

static void setup(void) {
        world_init(&w);
        w.host.listeners = true;
        world_start(&w);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
}

static void teardown(void) {
        world_done(&w);
}

/* WSL listens there for a program in the guest. */
static void listen_on(const char *address, uint16_t port) {
        w.host.wsl = (IpEndpoint){.port = port};
        ck_assert_int_eq(ip_parse(address, &w.host.wsl.addr), 0);
}

START_TEST(test_program_of_windows) {
        w.host.taken_port = 80;
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict port-in-use");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "python.exe"));
        world_expect_open(&w, ""); /* the port is not opened for that program */
        w.host.taken_port = 0;
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active direct");
        w.host.taken_port = 80;
        w.host.taken_by = "dllhost.exe"; /* WSL's own: in one mode it listens for the guest */
        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active direct");
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict port-in-use");
}
END_TEST

/* The state says so, the port stays open in the firewall, and somebody looks again and again. When
 * WSL listens at last, nobody has to look any more. */
START_TEST(test_nobody_listens) {
        uint64_t looks;

        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active not-listening");
        ck_assert_str_eq(agent_text(ubuntu, 0), NOBODY "0.0.0.0:80");
        world_expect_open(&w, "80");
        looks = w.host.calls[MEMORY_LISTENING_READ];
        world_wait(&w, 10 * VERIFY_SILENT_USEC / 1000);
        ck_assert_uint_ge(w.host.calls[MEMORY_LISTENING_READ], looks + 9);
        ck_assert_uint_le(w.host.calls[MEMORY_LISTENING_READ], looks + 11);
        ck_assert_uint_eq(ubuntu->n_results, 1); /* nothing new is told */
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], 0);
        listen_on("0.0.0.0", 80);
        world_wait(&w, VERIFY_SILENT_USEC / 1000 + 100);
        agent_expect(ubuntu, "web active direct");
        ck_assert_str_eq(agent_text(ubuntu, 0), "direct: WSL listens on this host for the guest");
        looks = w.host.calls[MEMORY_LISTENING_READ];
        world_wait(&w, 60000);
        ck_assert_uint_eq(w.host.calls[MEMORY_LISTENING_READ], looks);
}
END_TEST

/* A socket of IPv6 may take IPv4 as well, and one address is better than none. 127.0.0.1 is where
 * WSL listens for a program of the guest that listens there. */
START_TEST(test_who_counts) {
        static const struct {
                const char *asked, *listens;
                bool counts;
        } cases[] = {
                {"web=0.0.0.0:80", "0.0.0.0", true},
                {"web=0.0.0.0:80", "192.168.1.20", true},
                {"web=0.0.0.0:80", "::", true},
                {"web=0.0.0.0:80", "127.0.0.1", false},
                {"web=0.0.0.0:80", "::1", false},
                {"web=0.0.0.0:80", "fd00::1", false},
                {"web=[::]:80", "::", true},
                {"web=[::]:80", "fd00::1", true},
                {"web=[::]:80", "::1", false},
                {"web=[::]:80", "0.0.0.0", false}, /* so an older WSL listens for IPv4 only */
                {"web=127.0.0.1:80", "127.0.0.1", true},
                {"web=192.168.1.20:80", "192.168.1.20", true},
                {"web=192.168.1.20:80", "192.168.1.21", false},
                {"web=0.0.0.0:80+udp", "0.0.0.0", false},
                {"web=0.0.0.0:81", "0.0.0.0", false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                listen_on(cases[i].listens, 80);
                agent_ask(ubuntu, "virtioproxy", cases[i].asked);
                ck_assert_msg(strcmp(agent_results_text(ubuntu),
                                     cases[i].counts ? "web active direct"
                                                     : "web active not-listening") == 0,
                              "%s beside %s: %s", cases[i].asked, cases[i].listens,
                              agent_results_text(ubuntu));
                agent_ask(ubuntu, "virtioproxy", "");
        }
        listen_on("0.0.0.0", 80);
        w.host.wsl.udp = true;
        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80+udp tcp=0.0.0.0:80");
        agent_expect(ubuntu, "web active direct; tcp active not-listening");
}
END_TEST

/* Of several ports the first one is named. */
START_TEST(test_some_listen) {
        listen_on("0.0.0.0", 80);
        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80,0.0.0.0:8000-8002 ssh=0.0.0.0:22");
        agent_expect(ubuntu, "web active not-listening; ssh active not-listening");
        ck_assert_str_eq(agent_text(ubuntu, 0), NOBODY "0.0.0.0:8000");
        ck_assert_str_eq(agent_text(ubuntu, 1), NOBODY "0.0.0.0:22");
}
END_TEST

/* What was seen is not forgotten for an answer that needs no look, and not taken for that of a
 * forwarder in another mode. */
START_TEST(test_other_answers) {
        FakeAgent *debian = &w.agents[1];
        uint64_t looks;

        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80");
        agent_connect(debian);
        agent_ask(debian, "172.20.0.3", "ssh=0.0.0.0:22");
        agent_expect(debian, "ssh active");
        w.host.look_usec = 100000; /* now nobody waits for a look */
        world_wait(&w, VERIFY_SILENT_USEC / 1000 + 1000);
        looks = w.host.calls[MEMORY_LISTENING_READ];
        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80+none");
        ck_assert_uint_eq(w.host.calls[MEMORY_LISTENING_READ], looks);
        agent_expect(ubuntu, "web active not-listening");
        ck_assert_str_eq(agent_text(ubuntu, 0), NOBODY "0.0.0.0:80");
        w.host.look_usec = 0;
        w.host.iphlpsvc_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web pending not-listening");
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 3000);
        agent_expect(ubuntu, "web active");
        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active not-listening");
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80"); /* nobody can see who listens there */
        agent_expect(ubuntu, "web active direct");
}
END_TEST

/* Beside for whom the port is open there is room for the advice in any case. */
START_TEST(test_with_the_firewall) {
        const FirewallSight private = {.known = true, .connected = WIRE_PROFILE_PRIVATE};
        const FirewallSight off = {
                .known = true, .connected = WIRE_PROFILE_PRIVATE, .off = WIRE_PROFILE_PRIVATE};
        const FirewallSight another = {
                .known = true, .connected = WIRE_PROFILE_PRIVATE, .product = "A firewall"};
        const FirewallSight public = {.known = true, .connected = WIRE_PROFILE_PUBLIC};

        agent_ask(ubuntu, "virtioproxy", "web=0.0.0.0:80");
        controller_set_firewall_sight(w.controller, &private);
        world_run(&w);
        agent_expect(ubuntu, "web active not-listening");
        ck_assert_str_eq(agent_text(ubuntu, 0),
                         NOBODY "0.0.0.0:80; open to the local subnet on the host's private "
                                "network");
        /* Another firewall, or none, makes no difference while nobody listens. */
        controller_set_firewall_sight(w.controller, &another);
        world_run(&w);
        agent_expect(ubuntu, "web active not-listening");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), NOBODY "0.0.0.0:80; "));
        controller_set_firewall_sight(w.controller, &off);
        world_run(&w);
        agent_expect(ubuntu, "web active not-listening");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), NOBODY "0.0.0.0:80; "));
        controller_set_firewall_sight(w.controller, &public);
        world_run(&w);
        agent_expect(ubuntu, "web active unreachable");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0),
                                     "direct: WSL does not listen for the guest yet; no other"));
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "if the policy allows it"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("direct-ports");
        TCase *tc = tcase_create("direct-ports");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_program_of_windows);
        tcase_add_test(tc, test_nobody_listens);
        tcase_add_test(tc, test_who_counts);
        tcase_add_test(tc, test_some_listen);
        tcase_add_test(tc, test_other_answers);
        tcase_add_test(tc, test_with_the_firewall);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
