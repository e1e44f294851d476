/* SPDX-License-Identifier: MIT */

/*
 * One rule of Windows Firewall: what is put into it, in which order, and how it is read back. The
 * rule is one of fake-firewall.c. Each case prints a line.
 */

#include "tests/windows/firewall-cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FakeRule *fake_rule;

/* Write @r to a rule that was just made. */
static void written(const FirewallRule *r) {
        fake_firewall_reset();
        fake_rule = fake_rule_new();
        check("all is written", SUCCEEDED(firewall_rule_write(&fake_rule->rule, r)));
}

static void test_order(void) {
        written(&wanted);
        check("the protocol before the ports, enabled last",
              strcmp(fake_firewall.record,
                     "Name Description Protocol LocalPorts LocalAddresses RemoteAddresses "
                     "Direction Action Profiles Grouping Enabled ") == 0);
        check("texts", wcscmp(fake_rule->texts[NAME], L"wslbridge 0.0.0.0:2222") == 0 &&
                               wcscmp(fake_rule->texts[PORTS], L"2222") == 0 &&
                               wcscmp(fake_rule->texts[LOCAL], L"*") == 0 &&
                               wcscmp(fake_rule->texts[REMOTE], L"10.0.0.0/8,fd00::/8") == 0 &&
                               wcscmp(fake_rule->texts[GROUPING], L"wslbridge") == 0 &&
                               wcscmp(fake_rule->texts[ABOUT],
                                      L"Opened for service 'ssh' of a guest, by wslbridge") == 0);
        check("numbers", fake_rule->protocol == 6 && fake_rule->profiles == 3 &&
                                 fake_rule->direction == NET_FW_RULE_DIR_IN &&
                                 fake_rule->action == NET_FW_ACTION_ALLOW &&
                                 fake_rule->enabled == VARIANT_TRUE);
}

/* True when the recorder is read as @r, with @service. */
static bool reads_as(const FirewallRule *r, const char *service) {
        FirewallRule seen;
        bool same;

        if (firewall_rule_read(&fake_rule->rule, &seen) < 0)
                return false;
        same = ip_endpoint_compare(&seen.listen, &r->listen) == 0 && !seen.refused &&
               seen.profiles == r->profiles && strcmp(seen.remote, r->remote) == 0 &&
               strcmp(seen.service, service) == 0;
        free(seen.remote);
        return same;
}

static void test_read_back(void) {
        FirewallRule one = wanted, seen;

        written(&wanted);
        check("read as it was written", reads_as(&wanted, "ssh"));
        (void) wcscpy(fake_rule->texts[REMOTE], L"fd00::/8,10.0.0.0/255.0.0.0");
        check("the remote scope in the form that Windows returns", reads_as(&wanted, "ssh"));
        fake_rule->enabled = VARIANT_FALSE;
        check("disabled: to be written again", reads_as(&wanted, ""));
        written(&wanted);
        (void) wcscpy(fake_rule->texts[PORTS], L"2223");
        check("another port: to be written again", reads_as(&wanted, ""));
        written(&wanted);
        fake_rule->action = NET_FW_ACTION_BLOCK;
        check("blocking: to be written again", reads_as(&wanted, ""));
        written(&wanted);
        fake_rule->profiles = 0x7fffffff; /* NET_FW_PROFILE2_ALL */
        one.profiles = WIRE_PROFILE_ALL;
        check("all profiles, as Windows may store them", reads_as(&one, "ssh"));
        fake_rule->profiles = 0x7ffffffe;
        one.profiles = 6;
        check("profiles that we do not write: to be written again", reads_as(&one, ""));

        one = wanted;
        one.listen.addr = ip_v4(192, 168, 1, 2);
        written(&one);
        (void) wcscat(fake_rule->texts[LOCAL], L"/255.255.255.255");
        check("an address with its mask", reads_as(&one, "ssh"));
        (void) wcscpy(fake_rule->texts[LOCAL], L"192.168.1.3");
        check("another address: to be written again", reads_as(&one, ""));
        (void) wcscpy(fake_rule->texts[GROUPING], L"Wslbridge");
        check("another group's is not ours",
              firewall_rule_read(&fake_rule->rule, &seen) == -ENOENT);
        written(&one);
        (void) wcscpy(fake_rule->texts[NAME], L"wslbridge 192.168.1.2:02222");
        check("a name that we do not make", firewall_rule_read(&fake_rule->rule, &seen) == -ENOENT);
}

/* Windows returns a single address as a range (fact 5.1.18). */
static void test_one_address_of_ipv6(void) {
        FirewallRule one = wanted;

        one.listen.addr = (IpAddr){IP_FAMILY_V6, {0xfd, [15] = 5}};
        one.remote = (char *) (uintptr_t) "fd00::7/128";
        written(&one);
        (void) wcscpy(fake_rule->texts[LOCAL], L"fd00::5-fd00::5");
        (void) wcscpy(fake_rule->texts[REMOTE], L"fd00::7-fd00::7");
        check("one address of IPv6 on each side", reads_as(&one, "ssh"));
        (void) wcscpy(fake_rule->texts[LOCAL], L"fd00::5-fd00::6");
        check("a real range: to be written again", reads_as(&one, ""));
}

/* A rule for UDP differs in the name and the protocol alone. */
static void test_udp(void) {
        FirewallRule udp = wanted;

        udp.listen.udp = true;
        written(&udp);
        check("a rule for UDP",
              fake_rule->protocol == 17 &&
                      wcscmp(fake_rule->texts[NAME], L"wslbridge 0.0.0.0:2222/udp") == 0 &&
                      wcscmp(fake_rule->texts[PORTS], L"2222") == 0);
        check("UDP is read as it was written", reads_as(&udp, "ssh"));
        fake_rule->protocol = 6;
        check("TCP in its place: to be written again", reads_as(&udp, ""));
        check("and it is", SUCCEEDED(firewall_rule_update(&fake_rule->rule, &udp)) &&
                                   fake_rule->protocol == 17 && reads_as(&udp, "ssh"));
        written(&wanted);
        fake_rule->protocol = 17;
        check("UDP in the place of TCP: to be written again", reads_as(&wanted, ""));
}

int main(void) {
        test_order();
        test_read_back();
        test_one_address_of_ipv6();
        test_udp();
        printf("%d failed\n", n_failed);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
