/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * AddrTrigger adds and deletes addresses of one interface over a netlink socket, without starting a
 * program, for tests and benchmarks of the address watch. When a call returns, the kernel has sent
 * its events.
 */

#include "common/ip.h"

#include "agent/util/cleanup.h"

typedef struct AddrTrigger AddrTrigger;

/* For the interface @name of the caller's network namespace. Return: 0 or negative errno. */
int addr_trigger_new(AddrTrigger **ret_trigger, const char *name);
AddrTrigger *addr_trigger_free(AddrTrigger *t);
DEFINE_CLEANUP(AddrTrigger *, addr_trigger_free);

/* IPv6 addresses skip duplicate address detection, so that they are usable at once.
 *
 * Return: 0; -EEXIST when the address exists already; other negative errno. */
int addr_trigger_add(AddrTrigger *t, const IpAddr *addr, uint8_t prefix);

/* Return: 0; -EADDRNOTAVAIL when the address does not exist; other negative errno. */
int addr_trigger_delete(AddrTrigger *t, const IpAddr *addr, uint8_t prefix);

/**
 * addr_trigger_storm() - make @n changes one after the other
 * @base: an IPv4 address; the addresses that are used have 1 to 250 as their last byte
 *
 * Adds and deletes addresses in turns. At the end exactly one of them exists, which is *@ret_last.
 * None of them may exist before, and @n must be odd, because an add comes first and last.
 *
 * Return: 0 or negative errno.
 */
int addr_trigger_storm(AddrTrigger *t, const IpAddr *base, uint8_t prefix, unsigned n,
                       IpAddr *ret_last);
