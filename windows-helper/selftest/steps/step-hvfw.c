/* SPDX-License-Identifier: MIT */

/*
 * Step 10: the Hyper-V firewall, and whether the host gets through it to the guest.
 */

#include "windows-helper/core/firewall/firewall.h"
#include "windows-helper/core/rules/rule.h"
#include "windows-helper/host/hyperv-firewall.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/forward.h"
#include "windows-helper/selftest/tools/wmi.h"

#define GUEST_CLOSED_PORT 9 /* discard: hardly anything listens there */
#define GUEST_CONNECT_MS  4000

/* The way of a client in the local network: to this host's address there, and through a forwarding
 * to the guest. A closed port ends the connection at once. One behind a firewall that is shut
 * leaves it open. */
static void hvfw_forward(Step *s, const IpAddr *guest) {
        const IpAddr any = {IP_FAMILY_V4, {0}};
        const IpEndpoint to = {*guest, GUEST_CLOSED_PORT};
        IpEndpoint from = {any, tcp_free_port()};
        char name[RULE_TEXT_MAX], data[RULE_TEXT_MAX];
        SOCKET client = INVALID_SOCKET;
        uint64_t began;
        IpAddr lan;
        uint32_t pid;
        DWORD error;
        bool ended;

        if (!forward_can_be(s, "guest.forward"))
                return;
        if (!step_lan_address(&lan) || from.port == 0) {
                step_skip(s, "guest.forward", "connect",
                          "this machine has no address in a network");
                return;
        }
        rule_endpoint_format(&from, name);
        rule_endpoint_format(&to, data);
        if (!forward_put(s, name, data))
                return;
        if (forward_wait(s, &any, from.port, 0, GUEST_CONNECT_MS, &pid)) {
                began = step_clock();
                error = tcp_connect(&lan, &lan, from.port, GUEST_CONNECT_MS, &client);
                ended = error == 0 && tcp_is_cut(client, GUEST_CONNECT_MS);
                step_line(
                        s, "guest.forward", "connect", error ? error : !ended, began,
                        "from the host's address in its network, through a forwarding to a closed "
                        "port of the guest, which ends it: %s",
                        ended ? "yes" : "no");
        }
        tcp_close(&client);
        forward_take(s, name, data);
}

/* A closed port answers that it is closed, which is as good as a connection: the packets get
 * through. */
static void hvfw_connect(Step *s) {
        uint64_t began = step_clock();
        SOCKET socket;
        IpAddr guest;
        DWORD error;
        Vm vm;

        if (!step_find_vm(s, "guest.connect", &vm))
                return;
        if (!step_guest_address(&guest)) {
                step_skip(s, "guest.connect", "connect",
                          "no address of a guest of mode nat is known to this user");
                return;
        }
        error = tcp_connect(NULL, &guest, GUEST_CLOSED_PORT, GUEST_CONNECT_MS, &socket);
        tcp_close(&socket);
        step_line(s, "guest.connect", "connect", error == WSAECONNREFUSED ? 0 : error, began,
                  "to the guest's address; a closed port that says so counts as reached");
        hvfw_forward(s, &guest);
}

/* The first rule of ours that is in force: whether it has the keyword LocalSubnet is not known
 * (fact 5.2.9). */
static bool hvfw_show_remote(void *userdata, WmiSeen *object) {
        char name[FIREWALL_NAME_MAX], remote[SELFTEST_TEXT_MAX + 1];
        uint64_t began = step_clock();
        IpEndpoint listen;

        wmi_text(object, L"ElementName", name, sizeof(name));
        if (firewall_rule_parse_name(name, &listen) < 0)
                return true;
        wmi_text(object, L"RemoteAddresses", remote, sizeof(remote));
        step_line(userdata, "hvfw.remote", "IWbemClassObject::Get", 0, began,
                  "remote addresses of a rule of wslbridge: %s", remote);
        return false;
}

/* The rules of a service that is active in mode mirrored, as its helper has made them. Without one
 * there is nothing to see. */
static void hvfw_carried(Step *s) {
        const WmiQuestion rules = {L"MSFT_NetFirewallHyperVRule", HYPERV_STORE, hvfw_show_remote,
                                   s};
        uint64_t began = step_clock();
        HypervSight sight;
        HRESULT hr;
        size_t n;

        hyperv_firewall_read(&sight);
        if (sight.n_rules == 0) {
                step_skip(s, "hvfw.carried", "IWbemServices::ExecQuery",
                          "no rule of wslbridge is listed in the Hyper-V firewall");
                return;
        }
        step_line(s, "hvfw.carried", "IWbemServices::ExecQuery", sight.n_no_force > 0, began,
                  "rules of wslbridge that are listed: %zu, not enforced: %zu (%u)", sight.n_rules,
                  sight.n_no_force, (unsigned) sight.status);
        began = step_clock();
        hr = wmi_ask(&rules, &n);
        if (FAILED(hr))
                step_line(s, "hvfw.remote", "IWbemServices::ExecQuery", (DWORD) hr, began,
                          "the rules cannot be listed again");
}

void step_hyperv_firewall(Step *s) {
        static const wchar_t *const creator[] = {L"FriendlyName", NULL};
        static const wchar_t *const profile[] = {L"Profile", L"Enabled", L"DefaultInboundAction",
                                                 L"AllowLocalFirewallRules", NULL};
        static const wchar_t *const setting[] = {L"Name",
                                                 L"Enabled",
                                                 L"LoopbackEnabled",
                                                 L"DefaultInboundAction",
                                                 L"AllowHostPolicyMerge",
                                                 NULL};
        static const wchar_t *const rule[] = {L"Direction",         L"Action",       L"Enabled",
                                              L"EnforcementStatus", L"PortStatuses", NULL};

        wmi_list(s, "hvfw.creators", L"MSFT_NetFirewallHyperVVMCreator", creator);
        wmi_list(s, "hvfw.profiles", L"MSFT_NetFirewallHyperVProfile", profile);
        wmi_list(s, "hvfw.settings", L"MSFT_NetFirewallHyperVVMSetting", setting);
        wmi_list(s, "hvfw.rules", L"MSFT_NetFirewallHyperVRule", rule);
        hvfw_carried(s);
        if (step_options(s)->pass == SELFTEST_USER)
                hvfw_connect(s);
}
