/* SPDX-License-Identifier: MIT */

/*
 * A guest of plain Hyper-V on an external switch: the host tells it where it is, and forwards
 * nothing. test-modes.c goes from there to every networking mode, and back. And what the log says
 * about a guest's address.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <stdio.h>
#include <string.h>

#define ON_EXTERNAL_SWITCH "unknown 192.168.1.7 via 192.168.1.1"

static World w;
static FakeAgent *ubuntu;

/* @guests_only: of the first adapter, 172.20.0.1. The second one is in the host's local network. */
static void set_network(bool guests_only, uint8_t host_lan) {
        Hostnet net = {.n_addresses = 2,
                       .addresses = {{ip_v4(172, 20, 0, 1), 20, guests_only, "vEthernet (WSL)"},
                                     {ip_v4(192, 168, 1, host_lan), 24, false, "Ethernet"}}};

        controller_set_hostnet(w.controller, &net);
        world_run(&w);
}

static void begin(void) {
        world_init(&w);
        w.host.listeners = true;
        world_start(&w);
        set_network(true, 20);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
}

static void end(void) {
        world_done(&w);
}

/* The host's network decides, and it may change under a guest that has changed nothing. The guest
 * is told unasked, also when it has no service. */
START_TEST(test_the_place_changes) {
        unsigned n;

        begin();
        agent_ask(ubuntu, "unknown 172.20.0.9 via 172.20.0.3", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_UNCLEAR);
        set_network(false, 20); /* now a network card is behind the first adapter */
        agent_expect(ubuntu, "web active direct");
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_OUTSIDE);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
        ck_assert_uint_eq(w.host.firewall.n, 0);
        ck_assert_ptr_nonnull(strstr(w.log, "other machines are on its network"));
        set_network(true, 20);
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_UNCLEAR);
        agent_ask(ubuntu, ON_EXTERNAL_SWITCH, "");
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_OUTSIDE);
        n = ubuntu->n_results;
        set_network(true, 1); /* the host is the gateway, so the guest cannot be outside */
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_UNCLEAR);
        ck_assert_uint_eq(ubuntu->n_results, n + 1);
        set_network(true, 1);
        ck_assert_uint_eq(ubuntu->n_results, n + 1);
        end();
}
END_TEST

/* The guest lets its gateway in as the host, so the host must know that it is. */
START_TEST(test_the_gateway_is_the_host) {
        static const struct {
                const char *guest;
                WirePlace place;
        } cases[] = {
                {"unknown 172.20.0.9 via 172.20.0.1", WIRE_PLACE_USUAL},
                {"unknown 172.20.0.9 via 172.20.0.3", WIRE_PLACE_UNCLEAR}, /* another VM */
                {"unknown 10.7.7.7 via 10.8.0.1", WIRE_PLACE_UNCLEAR},     /* refused */
                {"unknown 172.20.0.1 via 172.20.0.1", WIRE_PLACE_UNCLEAR},
                {"unknown 172.20.0.9", WIRE_PLACE_USUAL}, /* lets nobody in */
                {"unknown", WIRE_PLACE_USUAL},
                {"nat 172.20.0.9 via 172.20.0.3", WIRE_PLACE_USUAL}, /* WSL's own network */
        };

        begin();
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                agent_ask(ubuntu, cases[i].guest, "web=0.0.0.0:80");
                ck_assert_msg(ubuntu->result.place == cases[i].place, "%s: place %u",
                              cases[i].guest, ubuntu->result.place);
        }
        end();
}
END_TEST

/* Who does not say that it may be on such a network is refused there, as ever: nothing is forwarded
 * to what may be another machine. */
START_TEST(test_nobody_else_is_outside) {
        begin();
        agent_ask(ubuntu, "nat 192.168.1.7 via 192.168.1.1", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web invalid guest-address");
        ubuntu->version_max = 1;
        agent_connect(ubuntu);
        agent_ask(ubuntu, ON_EXTERNAL_SWITCH, "web=0.0.0.0:80");
        agent_expect(ubuntu, "web invalid guest-address");
        world_expect_rules(&w, "");
        end();
}
END_TEST

/* The host has restarted, and the guest resumes with its old lease: it is not shown as reached. The
 * log says what the guest is told. */
START_TEST(test_a_stale_address) {
        begin();
        agent_ask(ubuntu, "unknown 172.29.16.9 via 172.29.16.1", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web invalid guest-address");
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_UNCLEAR);
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "where others reach it anyway"));
        ck_assert_ptr_nonnull(strstr(w.log, "nothing is forwarded to it: it is on no network of"));
        agent_ask(ubuntu, "unknown 172.20.0.9 via 172.20.0.1", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(ubuntu->result.place, WIRE_PLACE_USUAL);
        end();
}
END_TEST

/* Nothing of ours is between a client and the guest, so nobody can write the header that the
 * service waits for. All else works as it is. */
START_TEST(test_options_outside) {
        begin();
        agent_ask(ubuntu, ON_EXTERNAL_SWITCH,
                  "dns=0.0.0.0:53+udp ssh=0.0.0.0:2222>22 web=0.0.0.0:80+proxy-v2");
        agent_expect(ubuntu, "dns active direct; ssh active direct; web refused no-relay");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 1), "192.168.1.7, port 22"));
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 2), "guest at its own address, so"));
        end();
}
END_TEST

static char lines[WORLD_TEXT_MAX]; /* about addresses, with level and event */

static void log_addresses(MemoryHost *m, LogLevel level, EventId event, const char *text) {
        size_t n = strlen(lines);

        if (event != EVENT_ADDRESS && event != EVENT_NO_ADDRESS && event != EVENT_OFF_LINK)
                return;
        (void) snprintf(lines + n, sizeof(lines) - n, "%s%s%s\n",
                        level == LOG_LEVEL_WARNING ? "warning " : "",
                        event == EVENT_NO_ADDRESS ? "none "
                        : event == EVENT_OFF_LINK ? "off "
                                                  : "",
                        text);
}

static void begin_log(void) {
        begin();
        w.host.log = log_addresses;
        lines[0] = '\0';
}

#define lines_are(text)                        \
        do {                                   \
                ck_assert_str_eq(lines, text); \
                lines[0] = '\0';               \
        } while (0)

/* The address is told when something about it has changed, and not for each STATE. */
START_TEST(test_the_address_in_the_log) {
        static const struct {
                const char *address, *services, *line;
        } asks[] = {
                {"172.20.0.2", "web=0.0.0.0:80", "172.20.0.2 (networking mode nat), services: 1"},
                {"172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22", NULL},
                {"172.20.0.3", "ssh=0.0.0.0:22 web=0.0.0.0:80",
                 "172.20.0.3 (networking mode nat), services: 2"},
                {"fd00::2", "web=0.0.0.0:80", "fd00::2 (networking mode nat), services: 1"},
                {"127.0.0.1", "web=0.0.0.0:80",
                 "127.0.0.1 (networking mode nat), services: 1; nothing is forwarded to it: it is "
                 "a "
                 "loopback address"},
                {"127.0.0.1", "", NULL},
                {"", "", "none (networking mode nat), services: 0"},
                {"mirrored", "", "172.20.0.2 (networking mode mirrored), services: 0"},
                {"virtioproxy", "", "172.20.0.2 (networking mode virtioproxy), services: 0"},
                {"unknown 172.20.0.2 via 172.20.0.3", "",
                 "172.20.0.2 (networking mode unknown), services: 0"},
        };

        begin_log();
        controller_set_hostnet(w.controller, &(Hostnet){.unchecked = true});
        for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
                char line[WORLD_TEXT_MAX] = "";

                if (asks[i].line)
                        (void) snprintf(
                                line, sizeof(line), "%s'Ubuntu' (a0000000): guest address is %s\n",
                                asks[i].line[0] == '1' && asks[i].line[1] == '2' ? "warning off "
                                : asks[i].line[0] == 'n'                         ? "warning none "
                                                                                 : "",
                                asks[i].line);
                agent_ask(ubuntu, asks[i].address, asks[i].services);
                lines_are(line);
        }
        end();
}
END_TEST

/* The host's network changes under a guest that says nothing new. */
START_TEST(test_the_place_in_the_log) {
        begin_log();
        agent_ask(ubuntu, "unknown 172.20.0.9 via 172.20.0.3", "");
        lines[0] = '\0';
        set_network(true, 20);
        lines_are("");
        set_network(false, 20); /* a network card is behind it now */
        lines_are("'Ubuntu' (a0000000): guest address is 172.20.0.9 (networking mode unknown), "
                  "services: 0; nothing is forwarded to it, because other machines are on its "
                  "network and reach it themselves\n");
        controller_set_hostnet(w.controller, &(Hostnet){.n_addresses = 0});
        world_run(&w);
        ck_assert_msg(strncmp(lines, "warning off ", 12) == 0, "%s", lines);
        end();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("switches");
        TCase *tc = tcase_create("switches");

        tcase_add_test(tc, test_the_place_changes);
        tcase_add_test(tc, test_the_gateway_is_the_host);
        tcase_add_test(tc, test_nobody_else_is_outside);
        tcase_add_test(tc, test_a_stale_address);
        tcase_add_test(tc, test_options_outside);
        tcase_add_test(tc, test_the_address_in_the_log);
        tcase_add_test(tc, test_the_place_in_the_log);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
