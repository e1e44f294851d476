/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * NetDump: reads the kernel's tables over a blocking netlink socket of its own. Internal to
 * netwatch.c.
 */

#include "agent/network/snapshot.h"
#include "agent/util/cleanup.h"

typedef struct NetDump NetDump;

/* Return: 0 or negative errno. */
int netdump_new(NetDump **ret_dump);
NetDump *netdump_free(NetDump *d);
DEFINE_CLEANUP(NetDump *, netdump_free);

/**
 * netdump_read() - replace the contents of @s by the kernel's
 * @links: also read the links; otherwise those of @s are kept
 *
 * After a failure the socket is opened anew at the next call, so that no late answer is taken for
 * that of another question.
 *
 * Return: 0; negative errno, with @s unchanged (-EAGAIN when the tables changed while they were
 * read, again and again).
 */
int netdump_read(NetDump *d, bool links, Snapshot *s);
