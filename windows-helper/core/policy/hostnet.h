/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's own addresses, and the decision whether to forward to an address that a guest claims.
 * The host forwards only to a neighbour on a virtual switch that it shares with guests alone. So a
 * guest can never make the host forward to a third machine or to the host itself (facts 6.2.4 and
 * 8.2.1).
 */

#include "protocol/wire/wire.h"

/* Addresses of the host. More are left out and logged by windows-helper/host/hostnet-read.c. */
#define HOSTNET_ADDRESSES_MAX 256
#define HOSTNET_NAME_MAX      128

typedef struct HostnetAddress {
        IpAddr addr;
        uint8_t prefix;
        bool virtual_switch; /* a vEthernet adapter (fact 6.1.1) behind which are only guests */
        char adapter[HOSTNET_NAME_MAX + 1];
} HostnetAddress;

typedef struct Hostnet {
        HostnetAddress addresses[HOSTNET_ADDRESSES_MAX];
        size_t n_addresses;
        bool has_nat;   /* HKLM\…\Lxss\NatNetwork exists */
        WirePrefix nat; /* guests of WSL have addresses in it */
        bool unchecked; /* the test host has no tables: judge the address alone */
} Hostnet;

/* True when both have the same addresses in the same order, and the same NAT network. */
bool hostnet_equal(const Hostnet *a, const Hostnet *b);

/* The host's address that is @address, or NULL. */
const HostnetAddress *hostnet_own(const Hostnet *h, const IpAddr *address);

/* Whether it is of an adapter of WSL, by its name (fact 6.1.1). */
bool hostnet_is_of_wsl(const HostnetAddress *a);

/* Whether @address is in a subnet of the host: of a virtual switch, or of any adapter. */
bool hostnet_has_neighbour(const Hostnet *h, const IpAddr *address, bool virtual_only);

typedef enum HostnetVerdict {
        HOSTNET_REFUSED,
        HOSTNET_BEHIND,  /* the guest is behind the host, which may forward to the address */
        HOSTNET_OUTSIDE, /* the guest is on a network of other machines, as on an external switch:
                            they reach it themselves, and the host must not forward to it */
} HostnetVerdict;

/* What else is known of the guest that has the address. */
typedef struct HostnetGuest {
        bool wsl; /* it is in a VM of WSL, so NatNetwork applies to it (if that exists, for IPv4) */
        bool may_be_outside; /* nobody but the host can tell which network it is on: it may be one
                                of other machines, and the guest's agent knows what that means */
} HostnetGuest;

/**
 * hostnet_judge() - decide whether the host may forward to an address
 * @a: as the guest claims it, with its default gateway; family NONE when it reported none
 *
 * Refuses what ip_guest_problem() names, an address of the host, the guest's gateway, an address
 * outside the subnets of all virtual switches or also in one of another adapter, the network or
 * broadcast address of such a subnet, and a guest of WSL that is neither in NatNetwork nor
 * on an adapter of WSL.
 *
 * An address outside of the virtual switches is that of a guest on a network of other machines if
 * the host is on that network, too, and if the guest's gateway is not the host. Nothing is
 * forwarded there, so a guest gains nothing if it lies.
 *
 * Return: the verdict. When it is HOSTNET_REFUSED, @ret_why has a phrase for people ("is an address
 * of the host itself (Ethernet); …").
 */
HostnetVerdict hostnet_judge(const Hostnet *h, const WireAddress *a, const HostnetGuest *guest,
                             char ret_why[WIRE_TEXT_MAX + 1]);
