/* SPDX-License-Identifier: MIT */
#pragma once

/* A network namespace for the calling process, which goes with it, and a veth pair to play with. */

#define WATCHED "wb0" /* up, without an address; its peer is up, too */
#define PEER    "wb1"

/**
 * namespace_enter() - move into a new network namespace and make the veth pair
 *
 * Where we are not root, this makes a user namespace in which we are. IPv6 is off in the new
 * namespace, because the kernel's own link-local addresses would make events at any time. Commands
 * that fail print the reason on stderr.
 *
 * Return: 0 or negative errno.
 */
int namespace_enter(void);

/* Exit with code 77 (skipped) when this machine does not allow that. */
void namespace_require(void);
