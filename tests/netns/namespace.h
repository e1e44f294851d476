/* SPDX-License-Identifier: MIT */
#pragma once

/* A network namespace for the calling process, gone with it, and a veth pair to play with. */

#define WATCHED "wb0" /* up, without an address; its peer is up, too */
#define PEER    "wb1"

/**
 * namespace_enter() - move into a new network namespace and make the veth pair
 *
 * As root of a user namespace where we are not root already. IPv6 is off in it: the kernel's own
 * link-local addresses would make events at any time. Commands that fail have said why on stderr.
 *
 * Return: 0 or negative errno.
 */
int namespace_enter(void);

/* Exit with code 77 (skipped) when this machine does not let us do that. */
void namespace_require(void);
