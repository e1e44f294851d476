/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which call of a program fails: the half of the shim that decides. calls.c has the calls, and
 * answers.c those with which the kernel's answers are read.
 *
 * A place is a call with the whole way that led to it: the name of the function and the return
 * addresses on the stack. Each run of the program fails one place that no run before it has failed,
 * so the walk is over when a run has failed nothing. Where a place is passed several times, up to
 * FAULT_REPEAT of them count.
 *
 *      FAULT_PROGRAM  the program that is meant; in all others the shim does nothing
 *      FAULT_LOG      a file to which "calls N, new places N" and "failed KEY NAME KIND" are added,
 *                     the latter with the stack
 *      FAULT_SEEN     a file with the keys of the places that have failed, which grows
 *      FAULT_SHARE    "K/N": only the places whose key leaves the rest K when divided by N
 *      FAULT_KEY      only this place (hexadecimal)
 *      FAULT_REPEAT   default 1
 *      FAULT_LIFE     a number for what the program goes through this time: the same event is
 *                     another place in another life
 *      FAULT_CALLS    only these functions, with spaces between their names
 */

#include <stdbool.h>
#include <stddef.h>

typedef enum FaultKind {
        FAULT_NONE,
        FAULT_ERROR = 1,     /* the call fails and does nothing */
        FAULT_INTERRUPT = 2, /* a signal came first: EINTR */
        FAULT_SHORT = 4,     /* only a part is read or written */

        /* What the kernel may answer over netlink, in place of what it has answered: */
        FAULT_REFUSED = 8, /* NLMSG_ERROR */
        FAULT_TORN = 16,   /* NLM_F_DUMP_INTR: things changed during the dump */
        FAULT_CUT = 32,    /* MSG_TRUNC: the message is longer than the buffer */
        FAULT_ENDED = 64,  /* NLMSG_DONE with an error: the dump is over, and not whole */
        FAULT_EMPTY = 128, /* NLMSG_DONE at once, without an error */

        FAULT_LOST = 256, /* IN_Q_OVERFLOW in place of events of inotify, which had no room */
        FAULT_LAST = FAULT_LOST,

        FAULT_EACH = 512, /* no kind: the call brings events, so each time is a place of its own */
} FaultKind;

/* @name: of the function; @kinds: which kinds make sense for this call, as bits. Return: what this
 * call must do. errno stays as it is. */
FaultKind fault_now(const char *name, unsigned kinds);

/* The same for a call that moves *@n bytes from or to @fd, and fails with @error. Return: -1 with
 * errno, or 0 to go on with *@n bytes. */
int fault_moved(const char *name, int fd, size_t *n, int error);

bool fault_is_netlink(int fd);

/* The function of this name that the program would have called without the shim. It aborts when
 * there is none. */
void *fault_real(const char *name);
