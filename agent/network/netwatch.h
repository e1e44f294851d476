/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * NetWatch: calls back with a fresh Snapshot when the guest's links, addresses or routes may have
 * changed. Events are a hint, a dump is the truth; netwatch.c explains why. Only a new address is
 * reported before the dump that shows it, and again after it.
 */

#include "agent/network/snapshot.h"
#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

/* How long a window of the throttle is; throttle.h explains it. */
#define NETWATCH_WINDOW_USEC    (50 * USEC_PER_MSEC)
#define NETWATCH_RETRY_MAX_USEC (2 * USEC_PER_SEC) /* longest wait after a failed dump */

/* This many failed dumps in a row, about 50 s, end the event loop. By then another guest may have
 * the address that was reported last, and a process that ends says goodbye to the helper. */
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
 * @event_usec: CLOCK_MONOTONIC of the first event that this dump answers; of the last one answered
 *     when the dump only confirms; of the call for netwatch_refresh()
 * @trailing: this dump ends a window of the throttle, or comes alone; otherwise another one follows
 *
 * Must not free the watch.
 *
 * Return: 0; 1 for one more dump at the end of a window, because what this one shows is too new to
 * be believed; or negative errno to end the event loop.
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

/* Dump now and call the callback (first snapshot, reload, reconnect, resume). Return: 0, the error
 * that the callback returned, or the error of the last of NETWATCH_FAILURES_MAX dumps. A dump that
 * failed before that is repeated later, and is not an error. */
int netwatch_refresh(NetWatch *w);

/* Copy the counters. */
void netwatch_stats(const NetWatch *w, NetWatchStats *ret_stats);
