/* SPDX-License-Identifier: MIT */

/*
 * Step 10: the Hyper-V firewall, and whether the host gets through it to the guest.
 */

#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/tcp.h"
#include "windows-helper/selftest/tools/wmi.h"

#include <stdlib.h>

#define GUEST_CLOSED_PORT 9 /* discard: hardly anything listens there */
#define GUEST_CONNECT_MS  4000

/* WSL notes the guest's address in mode nat, and does not take it back (fact 6.1.2). */
static bool hvfw_guest(IpAddr *ret_address) {
        Hostnet *hostnet = calloc(1, sizeof(*hostnet));
        wchar_t text[IP_TEXT_MAX] = L"";
        DWORD size = sizeof(text);
        bool is = false;

        if (RegGetValueW(HKEY_CURRENT_USER, HOSTNET_LXSS_PATH, L"NatIpAddress", RRF_RT_REG_SZ, NULL,
                         text, &size) == ERROR_SUCCESS &&
            ip_parse(WIN_UTF8(text), ret_address) == 0 && ret_address->family == IP_FAMILY_V4 &&
            hostnet && hostnet_read(hostnet) == 0)
                is = hostnet_has_neighbour(hostnet, ret_address, /* virtual_only= */ true);
        free(hostnet);
        return is;
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
        if (!hvfw_guest(&guest)) {
                step_skip(s, "guest.connect", "connect",
                          "no address of a guest of mode nat is known to this user");
                return;
        }
        error = tcp_connect(NULL, &guest, GUEST_CLOSED_PORT, GUEST_CONNECT_MS, &socket);
        tcp_close(&socket);
        step_line(s, "guest.connect", "connect", error == WSAECONNREFUSED ? 0 : error, began,
                  "to the guest's address; a closed port that says so counts as reached");
}

void step_hyperv_firewall(Step *s) {
        static const wchar_t *const creator[] = {L"FriendlyName", NULL};
        static const wchar_t *const profile[] = {L"Profile", L"Enabled", L"DefaultInboundAction",
                                                 L"AllowHostPolicyMerge", NULL};
        static const wchar_t *const setting[] = {L"Name", L"Enabled", L"LoopbackEnabled",
                                                 L"DefaultInboundAction", NULL};

        wmi_list(s, "hvfw.creators", L"MSFT_NetFirewallHyperVVMCreator", creator);
        wmi_list(s, "hvfw.profiles", L"MSFT_NetFirewallHyperVProfile", profile);
        wmi_list(s, "hvfw.settings", L"MSFT_NetFirewallHyperVVMSetting", setting);
        if (step_options(s)->pass == SELFTEST_USER)
                hvfw_connect(s);
}
