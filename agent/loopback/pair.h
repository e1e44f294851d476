/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Pair: a connection of the host and the one to this guest's server that carries it. The end of a
 * direction is passed on as its end, and a reset as a reset. Urgent data goes on in its place, as
 * ordinary data.
 */

#include "agent/loopback/shared.h"

typedef struct Pair Pair;
typedef struct PairList {
        Pair *first;
        unsigned n;
} PairList;

/* A pair has ended, and has freed itself. */
typedef void (*PairEndFn)(void *userdata);

/**
 * pair_new() - carry an accepted connection to @port of 127.0.0.1 or, if refused there, of ::1
 * @shared: borrowed, must outlive the pair
 * @list: has the pair until it ends; borrowed
 * @fd: taken over, also after a failure; then the connection was reset
 *
 * Return: 0 or negative errno.
 */
int pair_new(Shared *shared, PairList *list, const LoopbackPort *port, int fd, PairEndFn on_end,
             void *userdata);

/* Reset all connections of the list, without calling anybody. */
void pair_list_done(PairList *list);
