/* SPDX-License-Identifier: MIT */

/* What /etc/wsl.conf says about systemd and .wslconfig about the firewall, as WSL reads them; and
 * the names of containers' networks. */

#include "agent/ctl/doctor/containers.h"
#include "agent/ctl/doctor/wslconfig.h"

#include "tests/unit/agent/testing.h"

START_TEST(systemd_in_wsl_conf) {
        static const struct {
                const char *text;
                WslSystemd expected;
                unsigned line; /* at which WSL stops */
        } table[] = {
                {"", WSL_SYSTEMD_UNSET},
                {"[boot]\nsystemd=true\n", WSL_SYSTEMD_ON},
                {"[boot]\r\nsystemd = true\r\n", WSL_SYSTEMD_ON},
                {"[Boot]\n  SystemD\t=  True  # yes\n", WSL_SYSTEMD_ON},
                {"[boot]\nsystemd = \"true\"", WSL_SYSTEMD_ON},
                {"[boot]\nsystemd=1", WSL_SYSTEMD_ON},
                {"[boot] # start\ncommand = x\nsystemd=true", WSL_SYSTEMD_ON},
                {"[automount]\nenabled=false\n\n[boot]\nsystemd=true\n", WSL_SYSTEMD_ON},
                {"[boot]\nsystemd=false\n", WSL_SYSTEMD_OFF},
                {"[boot]\nsystemd=0\nsystemd=true\n", WSL_SYSTEMD_OFF}, /* the first counts */
                {"[boot]\n#systemd=true\n", WSL_SYSTEMD_UNSET},
                {"[boot]\nsystemdx=true\nmysystemd=true\n", WSL_SYSTEMD_UNSET},
                {"[boot]\nsystemd=yes\n", WSL_SYSTEMD_ODD},
                {"[boot]\nsystemd=\n", WSL_SYSTEMD_ODD},
                {"systemd=true\n[boot]\n", WSL_SYSTEMD_ODD},
                {"[wsl2]\nsystemd=true\n", WSL_SYSTEMD_ODD},
                {"[boot]\n[user]\nsystemd=true\n", WSL_SYSTEMD_ODD},
                /* A malformed line ends the reading, and so does Notepad's mark. */
                {"\xef\xbb\xbf[boot]\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 1},
                {"\xef\xbb\xbf\n[boot]\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 1},
                {"[boot\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 1},
                {"[ boot ]\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 1},
                {"[boot] x\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 1},
                {"# a\n\n; b\n[boot]\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 3},
                {"[boot]\nsystemd_x=1\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 2},
                {"[boot]\nsystemd\n", WSL_SYSTEMD_UNREAD, 2},
                {"[boot]\r\ncommand=echo \\$x\r\nsystemd=true\r\n", WSL_SYSTEMD_UNREAD, 2},
                {"[boot]\ncommand=\"x\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 2},
                {"[boot]\nsystemd=true\\", WSL_SYSTEMD_UNREAD, 2},
                {"[boot]\ncommand=a\\\nb\n;\nsystemd=true\n", WSL_SYSTEMD_UNREAD, 4},
                {"[boot]\ncommand=\"a # \\\" \\t\" # \"\nsystemd=true\n", WSL_SYSTEMD_ON},
                {"[boot]\r\ncommand=a\\\r\nsystemd=true\r\n",
                 WSL_SYSTEMD_ON}, /* it does not continue */
                {"[boot]\r[user]\rsystemd=true\r", WSL_SYSTEMD_ODD},
                {"[boot]\nsystemd=true\n; x\n", WSL_SYSTEMD_ON, 3},
                {"[boot]\nsystemd=false\n; x\nsystemd=true\n", WSL_SYSTEMD_OFF, 3},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unsigned line = 77;

                ck_assert_msg(wslconf_systemd(table[i].text, &line) == table[i].expected, "%s",
                              table[i].text);
                ck_assert_msg(line == table[i].line, "%s: %u", table[i].text, line);
        }
}
END_TEST

START_TEST(firewall_in_wslconfig) {
        static const struct {
                const char *text;
                bool off;
        } table[] = {
                {"", false},
                {"[wsl2]\nfirewall=false\n", true},
                {"[WSL2]\r\nFirewall = False # off\r\n", true},
                {"\xef\xbb\xbf[wsl2]\nfirewall=0", true},           /* Windows skips the mark */
                {"[wsl2]\nfirewall=true\nfirewall=false\n", false}, /* the first counts */
                {"[wsl2]\n# firewall=false\n", false},
                {"[general]\nfirewall=false\n", false},
                {"[wsl2]\n[gen eral]\nfirewall=false\n", false},
                {"[wsl2]\n[ general]\nfirewall=false\n", true}, /* that ends no section */
                {"[wsl2]\nfirewall=no\n", false},
                {"[experimental]\nfirewall=false\n", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                ck_assert_msg(wslconfig_firewall_off(table[i].text) == table[i].off, "%s",
                              table[i].text);
}
END_TEST

START_TEST(mirrored_in_wslconfig) {
        static const struct {
                const char *text;
                bool mirrored;
        } table[] = {
                {"", false},
                {"[wsl2]\nnetworkingMode=mirrored\n", true},
                {"[wsl2]\r\nNetworkingMode = \"Mirrored\" # new\r\n", true},
                {"[experimental]\nnetworkingMode=mirrored\n", true},
                {"[wsl2]\nnetworkingMode=nat\nnetworkingMode=mirrored\n", false},
                {"[general]\nnetworkingMode=mirrored\n", false},
                {"[wsl2]\nnetworkingMode=nat\n[experimental]\nnetworkingMode=mirrored\n", false},
                {"[experimental]\nnetworkingMode=mirrored\n[wsl2]\nnetworkingMode=nat\n", true},
                {"[wsl2]\nnetworkingMode=mirrored2\n", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                ck_assert_msg(wslconfig_mirrored(table[i].text) == table[i].mirrored, "%s",
                              table[i].text);
}
END_TEST

START_TEST(long_lines) {
        char text[2000] = "[boot]\nsystemd=true";
        unsigned line;

        memset(text + strlen(text), ' ', 1500);
        ck_assert_int_eq(wslconf_systemd(text, &line), WSL_SYSTEMD_ON);
}
END_TEST

START_TEST(networks_of_containers) {
        static const char *const theirs[] = {"docker0",  "br-0123456789ab", "cni0",
                                             "podman0",  "flannel.1",       "kube-ipvs0",
                                             "cali1234", "cilium_host"};
        static const char *const others[] = {"eth0",  "lo",   "br-lan", "br0",
                                             "wlan0", "tun0", "docker"};

        for (size_t i = 0; i < ELEMENTSOF(theirs); i++)
                ck_assert_msg(container_interface(theirs[i]), "%s", theirs[i]);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                ck_assert_msg(!container_interface(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(versions) {
        static const struct {
                const char *text;
                bool before;
        } table[] = {
                {"2.5.7.0\n", false}, {"2.5.6\n", true},     {"2.4.13.0\n", true},
                {"2.10.0.0", false},  {"1.99.99.0\n", true}, {"3.0.0\n", false},
                {"2.5\n", false},     {"", false},           {"Usage: 1.2.3\n", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                ck_assert_msg(wslconfig_is_before_idle(table[i].text) == table[i].before,
                              "case %zu", i);
}
END_TEST

int main(void) {
        Suite *s = suite_create("agent-ctl-doctor-wslconfig");
        TCase *c = tcase_create("core");

        tcase_add_test(c, systemd_in_wsl_conf);
        tcase_add_test(c, firewall_in_wslconfig);
        tcase_add_test(c, mirrored_in_wslconfig);
        tcase_add_test(c, long_lines);
        tcase_add_test(c, networks_of_containers);
        tcase_add_test(c, versions);
        suite_add_tcase(s, c);
        return suite_run(s);
}
