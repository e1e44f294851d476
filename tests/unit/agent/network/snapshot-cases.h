/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Recorded and made-up machines, and the right choice for each. Only test-snapshot.c includes this
 * file, and explains the notation.
 */

#include "agent/network/snapshot.h"

#define LO   "link 1 lo up loopback\naddr 1 127.0.0.1/8 host\naddr 1 ::1/128 host\n"
#define DNS  "addr 1 10.255.255.254/32\n" /* WSL's DNS tunnel: global by its scope, and on lo */
#define ETH0 "link 2 eth0 up vmbus\n"

#define WSL_NAT                                                                        \
        LO DNS ETH0 "addr 2 172.29.144.5/20\naddr 2 fe80::215:5dff:fe01:203/64 link\n" \
                    "route4 2 172.29.144.1 0\n"
#define DOCKER0 "link 3 docker0 up made\naddr 3 172.17.0.1/16\n"
#define TUN0    "link 5 tun0 up made tunnel\naddr 5 10.8.0.6/24\n"

typedef struct Case {
        const char *name;
        const char *interface;
        const char *machine;
        /* expected */
        const char *chosen;
        const char *v4, *v6; /* "address/prefix gateway", "" = none */
        ChoiceProblem problem;
        bool vmbus_preferred;
} Case;

static const Case cases[] = {
        /* Common machines */
        {"WSL in NAT mode", "", WSL_NAT, "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"WSL with Docker", "", WSL_NAT DOCKER0, "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"Docker's link comes first", "",
         LO "link 2 docker0 up made\naddr 2 172.17.0.1/16\nlink 3 eth0 up vmbus\n"
            "addr 3 172.29.144.5/20\nroute4 3 172.29.144.1 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"plain Hyper-V guest on the Default Switch, DHCP", "",
         LO ETH0 "addr 2 172.22.80.77/20\naddr 2 fe80::215:5dff:fe38:107/64 link\n"
                 "route4 2 172.22.80.1 100\n",
         "eth0", "172.22.80.77/20 172.22.80.1", ""},
        {"addresses that do not look like NAT at all", "",
         LO ETH0 "addr 2 192.168.137.9/24\nroute4 2 192.168.137.1 100\n", "eth0",
         "192.168.137.9/24 192.168.137.1", ""},
        {"no VMBus anywhere: the default route decides", "",
         LO "link 2 wb0 up\naddr 2 192.0.2.2/24\nroute4 2 192.0.2.1 0\n" DOCKER0, "wb0",
         "192.0.2.2/24 192.0.2.1", ""},
        {"Docker alone is not a way to the host", "", LO DOCKER0, "", "", "", CHOICE_NO_ROUTE},
        {"nothing but lo", "", LO DNS, "", "", "", CHOICE_NO_ROUTE},
        {"nothing at all", "", "", "", "", "", CHOICE_NO_ROUTE},

        /* VPNs */
        {"a VPN's tun took the default route", "",
         LO ETH0 "addr 2 172.29.144.5/20\nroute4 2 172.29.144.1 100\n" TUN0
                 "route4 5 10.8.0.1 50\n",
         "eth0", "172.29.144.5/20 172.29.144.1", "", CHOICE_OK, true},
        {"a VPN replaced the default route", "",
         LO ETH0 "addr 2 172.29.144.5/20\n" TUN0 "route4 5 direct 0\n", "eth0", "172.29.144.5/20",
         "", CHOICE_OK, true},
        {"a VPN, and the adapter's address is gone: no address rather than the VPN's", "",
         LO ETH0 TUN0 "route4 5 direct 0\n", "eth0", "", "", CHOICE_NO_ADDRESS, true},
        {"a VPN, and the adapter is down", "",
         LO "link 2 eth0 vmbus\naddr 2 172.29.144.5/20\n" TUN0 "route4 5 direct 0\n", "eth0", "",
         "", CHOICE_LINK_DOWN, true},
        {"a VPN with the worse metric changes nothing", "", WSL_NAT TUN0 "route4 5 10.8.0.1 50\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},

        /* Several routes and interfaces */
        {"two default routes: the lower metric", "",
         LO "link 2 wb0 up\naddr 2 192.0.2.2/24\nlink 3 wb1 up\naddr 3 198.51.100.2/24\n"
            "route4 2 192.0.2.1 200\nroute4 3 198.51.100.1 100\n",
         "wb1", "198.51.100.2/24 198.51.100.1", ""},
        {"two default routes on one interface: the gateway of the lower metric", "",
         LO ETH0 "addr 2 172.29.144.5/20\nroute4 2 172.29.144.9 1024\nroute4 2 172.29.144.1 100\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"the better route's link has no carrier", "",
         LO "link 2 wb0\naddr 2 192.0.2.2/24\nlink 3 wb1 up\naddr 3 198.51.100.2/24\n"
            "route4 2 192.0.2.1 100\nroute4 3 198.51.100.1 200\n",
         "wb1", "198.51.100.2/24 198.51.100.1", ""},
        {"two Hyper-V adapters, and the better route's has no carrier: nothing takes precedence",
         "",
         LO "link 2 eth0 vmbus\naddr 2 172.29.144.5/20\nroute4 2 172.29.144.1 10\n"
            "link 3 eth1 up vmbus\naddr 3 172.22.80.77/20\nroute4 3 172.22.80.1 100\n",
         "eth1", "172.22.80.77/20 172.22.80.1", ""},
        {"multipath default route: the lower index", "",
         LO "link 2 wb0 up\naddr 2 192.0.2.2/24\nlink 3 wb1 up\naddr 3 198.51.100.2/24\n"
            "route4 3 198.51.100.1 0\nroute4 2 192.0.2.1 0\n",
         "wb0", "192.0.2.2/24 192.0.2.1", ""},
        {"several Hyper-V adapters: the default route's", "",
         LO ETH0 "addr 2 10.1.0.2/24\nlink 3 eth1 up vmbus\naddr 3 172.22.80.77/20\n"
                 "route4 3 172.22.80.1 100\n",
         "eth1", "172.22.80.77/20 172.22.80.1", ""},
        {"several Hyper-V adapters, both with a default route: the lower metric", "",
         LO ETH0 "addr 2 192.168.1.20/24\nroute4 2 192.168.1.1 101\n"
                 "link 3 eth1 up vmbus\naddr 3 172.22.80.77/20\nroute4 3 172.22.80.1 100\n",
         "eth1", "172.22.80.77/20 172.22.80.1", ""},
        {"several Hyper-V adapters, no default route: one that has an address", "",
         LO ETH0 "link 3 eth1 up vmbus\naddr 3 10.1.0.2/24\n", "eth1", "10.1.0.2/24", ""},
        {"the default route's adapter has no address: the other one is left", "",
         LO ETH0 "route4 2 direct 0\nlink 3 eth1 up vmbus\naddr 3 10.1.0.2/24\n"
                 "route4 3 10.1.0.1 10\n",
         "eth1", "10.1.0.2/24 10.1.0.1", "", CHOICE_SECOND_BEST},
        {"a bridge over the Hyper-V adapter has its place", "",
         "link 2 eth0 up vmbus port-of 4\n" LO DOCKER0
         "link 4 br0 up made\naddr 4 172.22.80.77/20\nroute4 4 172.22.80.1 425\n",
         "br0", "172.22.80.77/20 172.22.80.1", ""},
        {"a bridge over something else has not", "",
         WSL_NAT "link 6 veth1 up made port-of 7\nlink 7 br0 up made\naddr 7 10.9.0.1/24\n"
                 "route4 7 10.9.0.254 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"multipath through two gateways of one interface: the first", "",
         LO ETH0 "addr 2 172.29.144.5/20\nroute4 2 172.29.144.1 0\nroute4 2 172.29.144.9 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"route of a link that is not in the snapshot", "", LO "route4 9 192.0.2.1 0\n", "", "", "",
         CHOICE_NO_ROUTE},

        /* Which address of the interface */
        {"secondary addresses are aliases", "",
         LO ETH0 "addr 2 172.29.144.99/20 secondary\naddr 2 172.29.144.5/20\n"
                 "route4 2 172.29.144.1 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"deprecated, tentative and failed ones are passed over", "",
         LO ETH0
         "addr 2 172.29.144.6/20 deprecated\naddr 2 172.29.144.7/20 tentative\n"
         "addr 2 172.29.144.8/20 dadfailed\naddr 2 172.29.144.5/20\nroute4 2 172.29.144.1 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"only a deprecated one", "",
         LO ETH0 "addr 2 172.29.144.6/20 deprecated\nroute4 2 172.29.144.1 0\n", "eth0",
         "172.29.144.6/20 172.29.144.1", "", CHOICE_DEPRECATED},
        {"only one that is still tentative", "",
         LO ETH0 "addr 2 172.29.144.6/20 tentative\nroute4 2 172.29.144.1 0\n", "eth0", "", "",
         CHOICE_NO_ADDRESS},
        {"a deprecated one, and its alias that is not", "",
         LO ETH0 "addr 2 172.29.144.6/20 deprecated\naddr 2 172.29.144.7/20 secondary\n"
                 "route4 2 172.29.144.1 0\n",
         "eth0", "172.29.144.7/20 172.29.144.1", "", CHOICE_ALIAS},
        {"only link-local and host scope", "",
         LO ETH0 "addr 2 169.254.3.4/16 link\naddr 2 10.0.0.3/24 host\nroute4 2 direct 0\n", "eth0",
         "", "", CHOICE_NO_ADDRESS},
        {"169.254 with global scope is not an address either", "",
         LO ETH0 "addr 2 169.254.3.4/16\nroute4 2 direct 0\n", "eth0", "", "", CHOICE_NO_ADDRESS},
        {"10.255.255.254 on the right interface", "",
         LO ETH0 "addr 2 10.255.255.254/32\nroute4 2 direct 0\n", "eth0", "", "",
         CHOICE_NO_ADDRESS},
        {"of two subnets the gateway's", "",
         LO ETH0 "addr 2 10.50.0.2/24\naddr 2 172.29.144.5/20\nroute4 2 172.29.144.1 0\n", "eth0",
         "172.29.144.5/20 172.29.144.1", ""},
        {"of two subnets without a gateway the first", "",
         LO ETH0 "addr 2 10.50.0.2/24\naddr 2 172.29.144.5/20\n", "eth0", "10.50.0.2/24", "",
         CHOICE_AMBIGUOUS},
        {"of two subnets with a direct route the first", "",
         ETH0 "addr 2 10.50.0.2/24\naddr 2 172.29.144.5/20\nroute4 2 direct 0\n" LO, "eth0",
         "10.50.0.2/24", "", CHOICE_AMBIGUOUS},
        {"an alias or an old address beside it leaves no doubt", "",
         LO ETH0 "addr 2 10.50.0.3/24 secondary\naddr 2 10.50.0.2/24\n"
                 "addr 2 172.29.144.5/20 deprecated\n",
         "eth0", "10.50.0.2/24", ""},
        {"two Hyper-V adapters without a route: the first that has an address", "",
         LO ETH0 "addr 2 10.50.0.2/24\nlink 3 eth1 up vmbus\naddr 3 172.29.144.5/20\n", "eth0",
         "10.50.0.2/24", "", CHOICE_AMBIGUOUS},
        {"the same with a choice", "eth1",
         LO ETH0 "addr 2 10.50.0.2/24\nlink 3 eth1 up vmbus\naddr 3 172.29.144.5/20\n", "eth1",
         "172.29.144.5/20", ""},

        /* On-link with the gateway? */
        {"static address outside of the switch's subnet", "",
         LO ETH0 "addr 2 192.168.50.10/24\nroute4 2 172.29.144.1 0\n", "eth0",
         "192.168.50.10/24 172.29.144.1", "", CHOICE_OFF_LINK},
        {"a deprecated address at the gateway, and one that the switch would drop", "",
         LO ETH0 "addr 2 172.29.144.5/20 deprecated\naddr 2 192.168.50.10/24\n"
                 "route4 2 172.29.144.1 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", "", CHOICE_DEPRECATED},
        {"/32 with an on-link route to the gateway", "",
         LO ETH0 "addr 2 172.29.144.5/32\nroute4 2 172.29.144.1 0\n", "eth0",
         "172.29.144.5/32 172.29.144.1", ""},
        {"on-link default route without a gateway", "",
         LO ETH0 "addr 2 172.29.144.5/20\nroute4 2 direct 0\n", "eth0", "172.29.144.5/20", ""},
        {"IPv4 default route by an IPv6 neighbour", "",
         LO ETH0 "addr 2 172.29.144.5/20\nroute4 2 fe80::1 0\n", "eth0", "172.29.144.5/20", ""},

        /* Links */
        {"link down", "", LO "link 2 eth0 vmbus\naddr 2 172.29.144.5/20\n", "eth0", "", "",
         CHOICE_LINK_DOWN},
        {"carrier lost, routes still there", "",
         LO "link 2 wb0\naddr 2 192.0.2.2/24\nroute4 2 192.0.2.1 0\n", "wb0", "", "",
         CHOICE_LINK_DOWN},
        {"Hyper-V adapter without any route", "", LO ETH0 "addr 2 172.29.144.5/20\n" DOCKER0,
         "eth0", "172.29.144.5/20", ""},

        /* A preference is no condition */
        {"the route is in another table (netplan's routing-policy)", "",
         LO "link 2 wb0 up\naddr 2 192.0.2.2/24\nroute4 2 192.0.2.1 0 other-table\n" DOCKER0, "wb0",
         "192.0.2.2/24 192.0.2.1", "", CHOICE_OTHER_TABLE},
        {"the same on the Hyper-V adapter, which needs no route", "",
         LO ETH0 "addr 2 172.29.144.5/20\nroute4 2 172.29.144.1 0 other-table\n", "eth0",
         "172.29.144.5/20 172.29.144.1", ""},
        {"the main table goes before a better metric in another", "",
         LO "link 2 wb0 up\naddr 2 192.0.2.2/24\nroute4 2 192.0.2.1 500\nroute4 2 192.0.2.9 1 "
            "other-table\n",
         "wb0", "192.0.2.2/24 192.0.2.1", ""},
        {"a VPN's own table beside netplan's", "",
         LO "link 2 wb0 up\naddr 2 192.0.2.2/24\nroute4 2 192.0.2.1 9 other-table\n" TUN0
            "route4 5 direct 0 other-table\n",
         "wb0", "192.0.2.2/24 192.0.2.1", "", CHOICE_OTHER_TABLE, true},
        {"the route leaves by an adapter without the mark, and the one with it has no address", "",
         LO ETH0 "link 3 eth1 up\naddr 3 192.0.2.2/24\nroute4 3 192.0.2.1 0\n", "eth1",
         "192.0.2.2/24 192.0.2.1", "", CHOICE_SECOND_BEST},
        {"the same, and the one with the mark is down", "",
         LO "link 2 eth0 vmbus\naddr 2 172.29.144.5/20\nlink 3 eth1 up\naddr 3 192.0.2.2/24\n"
            "route4 3 192.0.2.1 0\n",
         "eth1", "192.0.2.2/24 192.0.2.1", "", CHOICE_SECOND_BEST},
        {"what is left is off-link: that is said", "",
         LO ETH0 "link 3 eth1 up\naddr 3 198.51.100.2/24\nroute4 3 192.0.2.1 0\n", "eth1",
         "198.51.100.2/24 192.0.2.1", "", CHOICE_OFF_LINK},
        {"a bridge of containers is not what is left", "", LO ETH0 DOCKER0, "eth0", "", "",
         CHOICE_NO_ADDRESS},
        {"no route and no mark: the only adapter that software has not made", "",
         LO "link 2 eth0 up\naddr 2 192.0.2.2/24\n" DOCKER0, "eth0", "192.0.2.2/24", ""},
        {"two of them", "",
         LO "link 2 eth0 up\naddr 2 192.0.2.2/24\nlink 4 eth1 up\naddr 4 198.51.100.2/24\n", "eth0",
         "192.0.2.2/24", "", CHOICE_AMBIGUOUS},
        {"a VPN took the default route, and no adapter has the mark", "",
         LO "link 2 eth0 up\naddr 2 192.0.2.2/24\n" TUN0 "route4 5 direct 0\n", "eth0",
         "192.0.2.2/24", "", CHOICE_OK, true},

        /* IPv6 */
        {"both families", "",
         LO ETH0 "addr 2 172.29.144.5/20\naddr 2 2001:db8::5/64\naddr 2 fe80::5/64 link\n"
                 "route4 2 172.29.144.1 0\nroute6 2 fe80::1 1024\n",
         "eth0", "172.29.144.5/20 172.29.144.1", "2001:db8::5/64 fe80::1"},
        {"IPv6 only", "",
         LO "link 2 wb0 up\naddr 2 2001:db8::5/64\naddr 2 fe80::5/64 link\n"
            "route6 2 fe80::1 1024\n" DOCKER0,
         "wb0", "", "2001:db8::5/64 fe80::1"},
        {"IPv6 only, on a bridge over an adapter without the mark", "",
         LO "link 2 eth0 up port-of 4\nlink 4 br0 up made\naddr 4 2001:db8::5/64\n"
            "route6 4 fe80::1 1024\n",
         "br0", "", "2001:db8::5/64 fe80::1"},
        {"temporary IPv6 addresses change by themselves", "",
         LO ETH0
         "addr 2 2001:db8::aaaa/64 temporary\naddr 2 2001:db8::5/64\nroute6 2 fe80::1 1024\n",
         "eth0", "", "2001:db8::5/64 fe80::1"},
        {"only a temporary IPv6 address", "",
         LO ETH0 "addr 2 2001:db8::aaaa/64 temporary\nroute6 2 fe80::1 1024\n", "eth0", "",
         "2001:db8::aaaa/64 fe80::1", CHOICE_ALIAS},
        {"a temporary or deprecated IPv6 address beside an IPv4 one is not published", "",
         LO ETH0 "addr 2 172.29.144.5/20\naddr 2 2001:db8::aaaa/64 temporary\n"
                 "addr 2 2001:db8::5/64 deprecated\nroute4 2 172.29.144.1 0\n",
         "eth0", "172.29.144.5/20 172.29.144.1", ""},
        {"IPv6 still tentative", "",
         LO ETH0 "addr 2 2001:db8::5/64 tentative\nroute6 2 fe80::1 1024\n", "eth0", "", "",
         CHOICE_NO_ADDRESS},
        {"an IPv6 default route elsewhere does not win over the IPv4 one", "",
         LO "link 2 wb0 up\naddr 2 2001:db8::5/64\nroute6 2 fe80::1 1\n"
            "link 3 wb1 up\naddr 3 198.51.100.2/24\nroute4 3 198.51.100.1 900\n",
         "wb1", "198.51.100.2/24 198.51.100.1", ""},

        /* interface = */
        {"override", "docker0", WSL_NAT DOCKER0, "docker0", "172.17.0.1/16", ""},
        {"override of the VMBus preference", "tun0", WSL_NAT TUN0 "route4 5 10.8.0.1 50\n", "tun0",
         "10.8.0.6/24 10.8.0.1", ""},
        {"override names what is chosen anyway", "eth0",
         LO ETH0 "addr 2 172.29.144.5/20\n" TUN0 "route4 5 direct 0\n", "eth0", "172.29.144.5/20",
         ""},
        {"override that does not exist", "eth7", WSL_NAT, "", "", "", CHOICE_NO_INTERFACE},
        {"override that is a prefix of a name", "eth", WSL_NAT, "", "", "", CHOICE_NO_INTERFACE},
        {"override of one letter", "w", WSL_NAT "link 8 w up\naddr 8 10.4.0.1/24\n", "w",
         "10.4.0.1/24", ""},
        {"override that is down", "wb1", WSL_NAT "link 8 wb1\naddr 8 10.4.0.1/24\n", "wb1", "", "",
         CHOICE_LINK_DOWN},
        {"override without an address", "wb1", WSL_NAT "link 8 wb1 up\n", "wb1", "", "",
         CHOICE_NO_ADDRESS},
        {"an address, of two without a gateway", "172.29.144.5",
         LO ETH0 "addr 2 10.50.0.2/24\naddr 2 172.29.144.5/20\n", "eth0", "172.29.144.5/20", ""},
        {"an address that is an alias, or deprecated: it was asked for", "172.29.144.6",
         LO ETH0 "addr 2 172.29.144.5/20\naddr 2 172.29.144.6/20 secondary deprecated\n"
                 "route4 2 172.29.144.1 0\n",
         "eth0", "172.29.144.6/20 172.29.144.1", ""},
        {"an IPv6 address", "2001:db8::5",
         LO ETH0 "addr 2 172.29.144.5/20\naddr 2 2001:db8::5/64\nroute4 2 172.29.144.1 0\n", "eth0",
         "", "2001:db8::5/64"},
        {"an address outside of the switch's subnet", "10.50.0.2",
         LO ETH0 "addr 2 10.50.0.2/24\nroute4 2 172.29.144.1 0\n", "eth0",
         "10.50.0.2/24 172.29.144.1", "", CHOICE_OFF_LINK},
        {"an address that the guest does not have", "172.29.144.9", WSL_NAT, "", "", "",
         CHOICE_NO_INTERFACE},
        {"an address of an interface that is down", "10.4.0.1",
         WSL_NAT "link 8 wb1\naddr 8 10.4.0.1/24\n", "wb1", "", "", CHOICE_LINK_DOWN},
        {"an address of an interface that has come after the dump of the interfaces", "10.4.0.1",
         WSL_NAT "addr 9 10.4.0.1/24\n", "", "", "", CHOICE_NO_INTERFACE},
        {"an address of lo", "10.255.255.254", WSL_NAT, "", "", "", CHOICE_NO_INTERFACE},
        {"override lo", "lo", WSL_NAT "addr 1 10.4.0.1/24\n", "lo", "", "", CHOICE_NO_ADDRESS},
};
