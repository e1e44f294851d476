/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * AddrTrigger: adds and deletes addresses of one interface over a netlink socket, without the
 * start of a program in between, for tests and benchmarks of the address watch. The kernel has sent
 * its events when a call returns.
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
 * Return: 0; -EEXIST when it is there already; other negative errno. */
int addr_trigger_add(AddrTrigger *t, const IpAddr *addr, uint8_t prefix);

/* Return: 0; -EADDRNOTAVAIL when it is not there; other negative errno. */
int addr_trigger_delete(AddrTrigger *t, const IpAddr *addr, uint8_t prefix);

/**
 * addr_trigger_storm() - @n changes one after the other
 * @base: an IPv4 address; the last byte of those used is 1 to 250
 *
 * Adds and deletes in turns and ends with exactly one of the used addresses in place, the one in
 * @ret_last. Before it none of them may be there; @n is odd (an add comes first and last).
 *
 * Return: 0 or negative errno.
 */
int addr_trigger_storm(AddrTrigger *t, const IpAddr *base, uint8_t prefix, unsigned n,
                       IpAddr *ret_last);
