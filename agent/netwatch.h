/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * NetWatch: tells when the guest's links, addresses or routes may have changed, with a fresh
 * Snapshot. Events are a hint, a dump is the truth: see the purpose block in netwatch.c.
 */

#include "agent/snapshot.h"
#include "agent/util.h"

#include <systemd/sd-event.h>

/* Leading edge at once, then at most one dump per window (design, section 3). */
#define NETWATCH_WINDOW_USEC (50 * USEC_PER_MSEC)

typedef struct NetWatch NetWatch;

/* Counters since start, for status.json, tests and benchmarks. */
typedef struct NetWatchStats {
        uint64_t events;  /* datagrams read */
        uint64_t dumps;   /* full dumps made */
        uint64_t lost;    /* episodes in which the kernel dropped events */
        uint64_t failed;  /* dumps that failed and are retried */
} NetWatchStats;

/**
 * NetWatchFn - called with every fresh snapshot, changed or not
 * @event_usec: CLOCK_MONOTONIC of the first event that this dump answers
 * @trailing: this dump ends a throttle window (false: leading edge; more may follow)
 *
 * Return: 0, or negative errno to end the event loop.
 */
typedef int (*NetWatchFn)(NetWatch *w, const Snapshot *snapshot, uint64_t event_usec, bool trailing,
                          void *userdata);

/**
 * netwatch_new() - open the sockets and join the groups
 * @event: borrowed, must outlive the watch
 * @receive_buffer: bytes for SO_RCVBUF of the event socket, 0 for the default of 1 MiB
 *
 * Does not dump yet: call netwatch_refresh() once for the first snapshot.
 *
 * Return: 0 or negative errno.
 */
int netwatch_new(NetWatch **ret_watch, sd_event *event, unsigned receive_buffer, NetWatchFn fn,
                 void *userdata);
NetWatch *netwatch_free(NetWatch *w);
DEFINE_CLEANUP(NetWatch *, netwatch_free);

/* Dump now and call the callback (first snapshot, reload, reconnect, resume). Return: 0 or what the
 * callback returned; a failed dump is retried by itself and is no error. */
int netwatch_refresh(NetWatch *w);

void netwatch_stats(const NetWatch *w, NetWatchStats *ret_stats);
