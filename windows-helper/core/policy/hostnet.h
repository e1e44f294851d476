/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's own addresses, and the decision whether to forward to an address that a guest claims.
 * The host forwards only to a neighbour on one of its virtual switches. So a guest can never make
 * the host forward to a third machine or to the host itself (fact 6.2.4).
 */

#include "protocol/wire/wire.h"

/* Addresses of the host. More are left out and logged by windows-helper/host/hostnet-read.c. */
#define HOSTNET_ADDRESSES_MAX 256
#define HOSTNET_NAME_MAX      128

typedef struct HostnetAddress {
        IpAddr addr;
        uint8_t prefix;
        bool virtual_switch; /* the interface is a vEthernet adapter (fact 6.1.1) */
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

/* Whether @address is in a subnet of the host: of a virtual switch, or of any adapter. */
bool hostnet_has_neighbour(const Hostnet *h, const IpAddr *address, bool virtual_only);

/**
 * hostnet_judge() - decide whether the host may forward to @address
 * @gateway: the guest's default gateway; family NONE when it reported none
 * @wsl: the guest is in a VM of WSL, so NatNetwork applies to it (if that exists, for IPv4)
 *
 * Refuses what ip_guest_problem() names, an address of the host, the guest's gateway, an address
 * outside the subnets of all vEthernet adapters, the network or broadcast address of such a subnet,
 * and a guest of WSL outside of NatNetwork.
 *
 * Return: true; or false with a phrase for people in @ret_why ("is an address of the host itself
 * (Ethernet); …").
 */
bool hostnet_judge(const Hostnet *h, const IpAddr *address, const IpAddr *gateway, bool wsl,
                   char ret_why[WIRE_TEXT_MAX + 1]);
