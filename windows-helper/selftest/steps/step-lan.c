/* SPDX-License-Identifier: MIT */

/*
 * Step 15: the way of a browser in the local network, as far as this machine can go it: from its
 * own address in that network to a port that is forwarded.
 */

#include "windows-helper/core/firewall/reach.h"
#include "windows-helper/host/firewall-sight.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/forward.h"

#define LAN_LISTENS_MS 5000
#define LAN_CONNECT_MS 3000

static void lan_connect(Step *s, const IpAddr *address, uint16_t port, SOCKET listener) {
        SOCKET client = INVALID_SOCKET, server = INVALID_SOCKET;
        uint64_t began = step_clock();
        DWORD error = tcp_connect(address, address, port, LAN_CONNECT_MS, &client);
        bool works;

        if (error == 0)
                server = tcp_accept(listener, LAN_CONNECT_MS);
        works = tcp_exchange(client, server);
        step_line(s, "lan.forward", "connect", error ? error : !works, began,
                  "from and to the host's address in its network, through a forwarding: %s",
                  works ? "a byte gets through both ways" : "nothing gets through");
        tcp_close(&client);
        tcp_close(&server);
}

static void lan_firewall(Step *s) {
        FirewallSight sight = FIREWALL_SIGHT_NULL, before = FIREWALL_SIGHT_NULL;
        char networks[FIREWALL_PROFILES_TEXT_MAX];
        uint64_t began = step_clock();

        if (firewall_sight_read_settings(&before, &sight) == 0 && sight.known) {
                firewall_profiles_text(sight.connected, networks);
                step_line(s, "lan.networks", "INetFwPolicy2", 0, began,
                          "connected networks: %s; firewall off 0x%x, shut 0x%x, lets in 0x%x%s",
                          networks, sight.off, sight.shut, sight.lets_in,
                          sight.overridden ? ", local rules are ignored" : "");
        } else {
                step_skip(s, "lan.networks", "INetFwPolicy2", "Windows does not say");
        }
        firewall_sight_done(&sight);
}

void step_lan(Step *s) {
        const IpAddr any = {IP_FAMILY_V4, {0}}, loopback = ip_v4(127, 0, 0, 1);
        uint16_t port = tcp_free_port(), target = 0;
        SOCKET listener = INVALID_SOCKET;
        IpAddr address;
        uint32_t pid;

        lan_firewall(s);
        if (!forward_can_be(s, "lan.forward"))
                return;
        if (!step_lan_address(&address)) {
                step_skip(s, "lan.forward", "connect", "this machine has no address in a network");
                return;
        }
        if (tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &listener, &target) == 0 &&
            forward_add(s, &any, port, target)) {
                if (forward_wait(s, &any, port, 0, LAN_LISTENS_MS, &pid))
                        lan_connect(s, &address, port, listener);
                forward_remove(s, &any, port, target);
        }
        tcp_close(&listener);
}
