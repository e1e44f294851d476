/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A network namespace with one veth pair, and a NetWatch that notes what is reported to it. Check
 * runs each test in a process of its own, so each test has a namespace of its own, which goes with
 * the process.
 */

#include "agent/network/netwatch.h"
#include "tests/bench/addr-trigger.h"
#include "tests/netns/namespace.h"

#include <check.h>

#define CALLS_MAX 64

typedef struct Call { /* one call of the NetWatchFn */
        bool trailing;
        uint64_t event_usec;
        Choice choice;
        size_t n_links, n_addresses, n_routes;
        uint64_t n_dumps; /* made until then */
} Call;

typedef struct Watch {
        sd_event *event;
        NetWatch *netwatch;
        AddrTrigger *trigger;
        const char *interface; /* for snapshot_choose() */
        Call calls[CALLS_MAX]; /* the first ones */
        Call last;             /* the latest one */
        unsigned n_calls;
        int result; /* what the callback returns */
} Watch;

extern const IpAddr address_a, address_b; /* 192.0.2.10 and 192.0.2.20 */

/* Run a shell command, which must succeed. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Open the watch with @receive_buffer, and make the first dump. */
void watch_start(Watch *w, unsigned receive_buffer);

/* The same with the usual state of a guest: address A and a default route. */
void watch_start_with_route(Watch *w);
void watch_stop(Watch *w);

/* Forget what was noted so far. */
void watch_forget(Watch *w);

/* Handle events until there have been none for three windows. */
void watch_settle(Watch *w);

/* Handle events until @n calls are noted. */
void watch_calls(Watch *w, unsigned n);

/* Handle events until the watch has dumped @n times since its start. */
void watch_dumps(Watch *w, uint64_t n);

NetWatchStats watch_stats(const Watch *w);

/* The chosen IPv4 address, or its gateway, as text. */
void assert_address(const Call *call, const char *expected);
void assert_gateway(const Call *call, const char *expected);

/* Give each test of @tcase its namespace, run them, and return main()'s exit code. */
int run_suite(const char *name, TCase *tcase);
