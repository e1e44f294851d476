/* SPDX-License-Identifier: MIT */

/*
 * Addresses that several steps need: of the guest, and of this host in its network.
 */

#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/udp.h"

#include <stdlib.h>

bool step_guest_address(IpAddr *ret_address) {
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

bool step_lan_address(IpAddr *ret_address) {
        Hostnet *hostnet = calloc(1, sizeof(*hostnet));
        bool found = false;

        if (hostnet && hostnet_read(hostnet) == 0) {
                for (size_t i = 0; i < hostnet->n_addresses && !found; i++) {
                        const HostnetAddress *a = &hostnet->addresses[i];

                        found = a->addr.family == IP_FAMILY_V4 && !a->virtual_switch &&
                                !ip_guest_problem(&a->addr);
                        *ret_address = a->addr;
                }
        }
        free(hostnet);
        return found;
}

/* An address that is still being checked, or that another machine has, too, cannot be bound. */
static bool step_can_use(const IpAddr *address) {
        SOCKET s;

        if (address->family != IP_FAMILY_V4 || ip_guest_problem(address) ||
            udp_open(address, &s) != 0)
                return false;
        (void) closesocket(s);
        return true;
}

bool step_two_addresses(IpAddr ret_addresses[2]) {
        Hostnet *hostnet = calloc(1, sizeof(*hostnet));
        size_t n = 0;

        if (hostnet && hostnet_read(hostnet) == 0) {
                for (size_t i = 0; i < hostnet->n_addresses && n < 2; i++)
                        if (step_can_use(&hostnet->addresses[i].addr))
                                ret_addresses[n++] = hostnet->addresses[i].addr;
        }
        free(hostnet);
        if (n == 2)
                return true;
        ret_addresses[0] = ip_v4(127, 0, 0, 1);
        ret_addresses[1] = ip_v4(127, 0, 0, 2);
        return false;
}
