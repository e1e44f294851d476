/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's own addresses, and whether an address that a guest calls its own may be forwarded to:
 * only a neighbour on a virtual switch of this host. A guest can never make the host forward to a
 * third machine, nor to itself (fact 0.9).
 */

#include "protocol/wire/wire.h"

#define HOSTNET_ADDRESSES_MAX 256 /* of the host; more are cut, with EVENT_PROBLEM by the shell */
#define HOSTNET_NAME_MAX      128

typedef struct HostnetAddress {
        IpAddr addr;
        uint8_t prefix;
        bool virtual_switch; /* the interface is a vEthernet adapter (fact 6.1) */
        char adapter[HOSTNET_NAME_MAX + 1];
} HostnetAddress;

typedef struct Hostnet {
        HostnetAddress addresses[HOSTNET_ADDRESSES_MAX];
        size_t n_addresses;
        bool has_nat;   /* HKLM\…\Lxss\NatNetwork is there */
        WirePrefix nat; /* guests of WSL are inside */
        bool unchecked; /* there are no tables to look at (the test host): judge the address alone
                         */
} Hostnet;

/* The same, in the same order. */
bool hostnet_equal(const Hostnet *a, const Hostnet *b);

/* The host's address that is @address, or NULL. */
const HostnetAddress *hostnet_own(const Hostnet *h, const IpAddr *address);

/* Is @address a neighbour on some network of the host, virtual switches or all? */
bool hostnet_has_neighbour(const Hostnet *h, const IpAddr *address, bool virtual_only);

/**
 * hostnet_judge() - may the host forward to @address?
 * @wsl: the guest is in a VM of WSL, so NatNetwork applies to it (when there is one, IPv4)
 * @gateway: the guest's default gateway, family NONE when it told none
 *
 * Refused: what ip_guest_problem() names; an address of the host; the guest's gateway; what is not
 * on-link with an address of a vEthernet adapter, or is that subnet's network or broadcast address;
 * a guest of WSL outside NatNetwork.
 *
 * Return: true; or false with a phrase for people in @ret_why ("is an address of the host itself
 * (Ethernet): …").
 */
bool hostnet_judge(const Hostnet *h, const IpAddr *address, const IpAddr *gateway, bool wsl,
                   char ret_why[WIRE_TEXT_MAX + 1]);
