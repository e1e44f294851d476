/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * NetWatch: tells when the guest's links, addresses or routes may have changed, with a fresh
 * Snapshot. Events are a hint, a dump is the truth: see the purpose block in netwatch.c.
 */

#include "agent/network/snapshot.h"
#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

/*
 * Leading edge at once, then at most one dump per window (design, section 3). Every dump that
 * answers an event is followed by one more a window later, event or not, because the kernel tells
 * of a change before it has finished it (the routes of a removed address go after the message, and
 * without one of their own). So a leading snapshot is always confirmed by a trailing one.
 */
#define NETWATCH_WINDOW_USEC    (50 * USEC_PER_MSEC)
#define NETWATCH_RETRY_MAX_USEC (2 * USEC_PER_SEC) /* longest wait after a failed dump */

/* So many failed dumps in a row, about 50 s, end the event loop: the address that was told last may
 * be another guest's by now, and a process that ends says goodbye to the helper. */
#define NETWATCH_FAILURES_MAX 30

typedef struct NetWatch NetWatch;

/* Counters since start, for status.json, tests and benchmarks. */
typedef struct NetWatchStats {
        uint64_t events; /* messages read */
        uint64_t dumps;  /* dumps made, failed ones not counted */
        uint64_t lost;   /* episodes in which the kernel dropped events */
        uint64_t failed; /* dumps that failed and are retried */
} NetWatchStats;

/**
 * NetWatchFn - called with every fresh snapshot, changed or not
 * @snapshot: borrowed, valid during the call only
 * @event_usec: CLOCK_MONOTONIC of the first event that this dump answers; of the last answered one
 *     when it only confirms; of the call for netwatch_refresh()
 * @trailing: this dump ends a throttle window (false: leading edge; another dump follows)
 *
 * Must not free the watch.
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

/* Dump now and call the callback (first snapshot, reload, reconnect, resume). Return: 0, what the
 * callback returned, or the error of the last of NETWATCH_FAILURES_MAX dumps; one that failed
 * before is retried by itself and is no error. */
int netwatch_refresh(NetWatch *w);

void netwatch_stats(const NetWatch *w, NetWatchStats *ret_stats);
