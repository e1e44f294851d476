/* SPDX-License-Identifier: MIT */

/*
 * Claim: for a server on 127.0.0.1 the doctor names what carries connections there, with a command
 * that changes nothing else; and where they are to be carried, it says what is in the way.
 */

#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

/* The command is named only if it would leave the rest of the service as it is. */
START_TEST(loopback) {
        WireListen wire_listens[] = {
                {.addr = ip_v4(0, 0, 0, 0), .port = 8080, .count = 1, .connect_port = 80}};
        WireService wire[] = {
                {.profiles = WIRE_PROFILE_DOMAIN | WIRE_PROFILE_PRIVATE, .n_listens = 1}};
        ConfigService known[] = {{.name = "web", .enabled = true}};

        config.services = known;
        config.n_services = 1;
        config.wire = (WireState){
                .services = wire, .listens = wire_listens, .n_services = 1, .n_listens = 1};
        services[0].enabled = false;
        port_map_start(&ports, &(IpAddr){0});
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(127, 0, 0, 1), .port = 80});
        expect("port-loopback:web");
        ck_assert(first_says("port 80", "add 'connect = loopback' to /etc/x.ini; if"));
        ck_assert(first_says("port 80", "sudo wslbridgectl expose 8080:80 --name=web --loopback"));
        services[1].protocol = "udp";
        udp_ports = ports;
        expect("port-loopback:web");
        ck_assert(first_says("port 80", "expose 8080:80/udp --name=web --loopback"));
        wire[0].remote = WIRE_REMOTE_ANY;
        expect("port-loopback:web");
        ck_assert(first_says("port 80", "add 'connect = loopback' to /etc/x.ini."));
        ck_assert(!first_says("port 80", "expose"));
        set_mode("mirrored");
        expect("port-loopback:web networking-mode");
        ck_assert(!first_says("port 80", "loopback"));
}
END_TEST

START_TEST(carried) {
        services[0].enabled = false;
        services[1].connect = "loopback";
        services[1].loopback = "carried";
        expect("port-silent:web"); /* the socket at the guest's address is our own */
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(127, 0, 0, 1), .port = 80});
        expect("");
        services[1].loopback = "not-running";
        services[1].loopback_text = "it does not run";
        expect("loopback:web");
        ck_assert(first_says("it does not run", "systemctl status wslbridge-loopback.path"));
        ck_assert(findings_are_bad(&findings));
        port_map_start(&ports, &(IpAddr){0});
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(0, 0, 0, 0), .port = 80});
        services[1].loopback = "direct";
        services[1].loopback_port = 80;
        services[1].loopback_text = "another program has port 80";
        expect("loopback:web"); /* it listens for itself */
        ck_assert(first_says("port 80", "take 'connect = loopback' out of /etc/x.ini"));
        ck_assert(!findings_are_bad(&findings));
}
END_TEST

/* Each state of the two units has words and a command of its own. */
START_TEST(units) {
        static const struct {
                const char *path, *service, *seen, *advice;
        } table[] = {
                {"", "", "does not run", "systemctl status wslbridge-loopback.path"},
                {"ActiveState=active\n", "ActiveState=inactive\n", "does not run",
                 "systemctl status wslbridge-loopback.path"},
                {"LoadState=masked\n", "ActiveState=failed\n", "wslbridge-loopback.path is masked",
                 "systemctl unmask wslbridge-loopback.path"},
                {"LoadState=not-found\n", "", "wslbridge-loopback.path is not installed",
                 "Install"},
                {"LoadState=bad-setting\n", "", "has files", "systemctl status wslbridge"},
                {"ActiveState=inactive\n", "", "is stopped",
                 "systemctl restart wslbridge-loopback.path"},
                {"ActiveState=failed\nResult=resources\n", "", "systemd lacked memory",
                 "reset-failed wslbridge-loopback.path"},
                {"ActiveState=active\n", "LoadState=masked\n",
                 "wslbridge-loopback.service is masked",
                 "systemctl unmask wslbridge-loopback.service"},
                {"ActiveState=active\n", "ActiveState=failed\nResult=exit-code\nExecMainStatus=2\n",
                 "it ended with exit status 2", "reset-failed wslbridge-loopback.service"},
                {"ActiveState=active\n",
                 "ActiveState=activating\nSubState=auto-restart\nResult=core-dump\n"
                 "ExecMainStatus=11\nNRestarts=4\n",
                 "crashed with signal 11; restarts so far: 4", "journalctl -xeu"},
                {"ActiveState=active\n", "ActiveState=activating\nSubState=start\n", "is starting",
                 "in a few seconds"},
                {"ActiveState=active\n",
                 "ActiveState=inactive\nResult=success\nConditionResult=no\n"
                 "ConditionTimestampMonotonic=1\n",
                 "a condition", "names the condition"},
        };

        services[0].enabled = false;
        services[1].connect = "loopback";
        services[1].loopback = "not-running";
        services[1].loopback_text = "it does not run";
        port_map_add(&ports, &(GuestListener){.addr = ip_v4(127, 0, 0, 1), .port = 80});
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unit_parse(table[i].path, &evidence.loopback_path);
                unit_parse(table[i].service, &evidence.loopback);
                expect("loopback:web");
                ck_assert_msg(first_says(table[i].seen, table[i].advice), "case %zu: %s: %s", i,
                              buffer_text(&findings.items[0].seen),
                              buffer_text(&findings.items[0].advice));
        }
}
END_TEST

int main(void) {
        Suite *s = suite_create("loopback-checks");
        TCase *c = tcase_create("loopback-checks");

        tcase_add_checked_fixture(c, healthy_guest_setup, healthy_guest_teardown);
        tcase_add_test(c, loopback);
        tcase_add_test(c, carried);
        tcase_add_test(c, units);
        suite_add_tcase(s, c);
        return suite_run(s);
}
