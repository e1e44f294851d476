/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * NetDump: reads the kernel's tables over a blocking netlink socket of its own, and addresses from
 * messages. Only netwatch.c uses it.
 */

#include "agent/network/snapshot.h"
#include "agent/util/cleanup.h"

#include <linux/netlink.h>

typedef struct NetDump NetDump;

/* Return: 0 or negative errno. */
int netdump_new(NetDump **ret_dump);
NetDump *netdump_free(NetDump *d);
DEFINE_CLEANUP(NetDump *, netdump_free);

/**
 * netdump_read() - replace the contents of @s by the kernel's
 * @links: also read the links; otherwise those in @s are kept
 *
 * After a failure the next call opens a new socket, so that a late answer is never taken for the
 * answer to another question.
 *
 * Return: 0; negative errno, with @s unchanged (-EAGAIN when the tables changed while they were
 * read, again and again).
 */
int netdump_read(NetDump *d, bool links, Snapshot *s);

/* The address that a message of the type RTM_NEWADDR tells of, as in a dump. Return: false, with
 * @ret unchanged or unfinished, when it is none of ours. */
bool netdump_address(struct nlmsghdr *hdr, SnapshotAddress *ret);
