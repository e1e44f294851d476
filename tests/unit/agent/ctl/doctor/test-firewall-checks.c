/* SPDX-License-Identifier: MIT */

/*
 * Claim: a firewall in the guest is one hint for all services that are active and served. It has
 * the command for each port that is needed, in the words of that firewall.
 */

#include "agent/ctl/doctor/firewall-checks.h"
#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

static void run_firewalld(const char *active) {
        char output[128];

        (void) snprintf(output, sizeof(output), "LoadState=loaded\nActiveState=%s\n", active);
        unit_parse(output, &evidence.firewalld);
}

START_TEST(ufw_conf) {
        static const struct {
                const char *text;
                bool on;
        } table[] = {
                {"", false},
                {"ENABLED=yes", true},
                {"# ENABLED=yes\nENABLED=no\n", false},
                {"# /etc/ufw/ufw.conf\n\n# …\nENABLED=yes\nLOGLEVEL=low\n", true},
                {"LOGLEVEL=low\r\nENABLED=YES\r\n", true},
                {"ENABLED=\"yes\"\n", true},
                {"ENABLED='no'\n", false},
                {"ENABLED=yes\nENABLED=no\n", false},
                {"ENABLED=", false},
                {"NOT_ENABLED=yes\n", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                ck_assert_msg(firewall_ufw_is_on(table[i].text) == table[i].on, "%s",
                              table[i].text);
}
END_TEST

START_TEST(firewalld) {
        run_firewalld("inactive");
        expect("");
        run_firewalld("active");
        expect("guest-firewall");
        ck_assert(!findings_are_bad(&findings));
        ck_assert(first_says("firewalld. What it lets in cannot be seen from here",
                             "\n  sudo firewall-cmd --permanent --add-port=80/tcp\n"
                             "  sudo firewall-cmd --reload"));
        ck_assert(first_says("need these ports: 80/tcp", "If it does not let connections in"));
}
END_TEST

START_TEST(ufw) {
        ReportListen range[] = {{.listen = "0.0.0.0:90-92", .count = 3, .connect_port = 80},
                                {.listen = "0.0.0.0:95", .count = 1, .connect_port = 95}};

        evidence.ufw = true;
        expect("guest-firewall");
        ck_assert(first_says("guest: ufw.", "\n  sudo ufw allow 80/tcp"));
        for (uint16_t port = 80; port < 96; port++)
                port_map_add(&udp_ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0), .port = port});
        services[1].protocol = "udp";
        services[1].listens = range;
        services[1].n_listens = 2;
        expect("guest-firewall");
        ck_assert(first_says("80/tcp, 80-82/udp, 95/udp",
                             "\n  sudo ufw allow 80/tcp\n  sudo ufw allow 80:82/udp\n"
                             "  sudo ufw allow 95/udp"));
        evidence.ufw = false;
        run_firewalld("active");
        expect("guest-firewall");
        ck_assert(first_says("", " --permanent --add-port=80-82/udp\n"));
}
END_TEST

START_TEST(only_services_that_could_work) {
        evidence.ufw = true;
        services[0].state = "blocked";
        services[0].reason = "iphlpsvc";
        services[1].enabled = false;
        expect("service-blocked:ssh"); /* another cause comes first */
        services[1].enabled = true;
        listens[0].connect_port = 81;
        expect("service-blocked:ssh port-silent:ssh port-silent:web");
        ports.known = false; /* whether a program listens is not known */
        expect("service-blocked:ssh guest-firewall");
        set_mode("none");
        services[0].state = services[1].state = "withdrawn";
        expect("networking-mode");
}
END_TEST

START_TEST(many_ports) {
        ReportListen many[14];

        for (size_t i = 0; i < ELEMENTSOF(many); i++) {
                many[i] = (ReportListen){"", 1, 8000 + (unsigned) i};
                port_map_add(&ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0),
                                                      .port = (uint16_t) many[i].connect_port});
        }
        services[0].listens = services[1].listens = many;
        services[0].n_listens = 14;
        services[1].n_listens = 1; /* one that the other has, too */
        evidence.ufw = true;
        expect("guest-firewall");
        ck_assert(first_says("8011/tcp and 2 more", "allow 8011/tcp"));
}
END_TEST

int main(void) {
        Suite *s = suite_create("firewall-checks");
        TCase *c = tcase_create("firewall-checks");

        tcase_add_checked_fixture(c, healthy_guest_setup, healthy_guest_teardown);
        tcase_add_test(c, ufw_conf);
        tcase_add_test(c, firewalld);
        tcase_add_test(c, ufw);
        tcase_add_test(c, only_services_that_could_work);
        tcase_add_test(c, many_ports);
        suite_add_tcase(s, c);
        return suite_run(s);
}
