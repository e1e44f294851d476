/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Processes that tell this one of each new address: the agent, and others that do less and less of
 * what it does, down to the floor. Each has a network namespace of its own, so that they can be
 * measured in turn without waking each other.
 */

#include "protocol/session/session-helper.h"
#include "tests/bench/addr-trigger.h"

#include <sys/types.h>

/* A way of noticing an address and writing @size bytes to @fd for it. Return: only after an error,
 * which is negative. */
typedef int (*ReportFn)(int fd, size_t size);

typedef struct Reporter {
        char directory[64]; /* of the agent; "" for all others */
        pid_t pid;
        int fd; /* what it writes comes out here */
        AddrTrigger *trigger;
        HelperSession *session; /* of the agent; NULL for all others */
        Buffer in, out;
        size_t state_size; /* bytes for one address */
        IpAddr told;       /* the address in the agent's last STATE */
} Reporter;

#define REPORTER_NULL ((Reporter){.fd = -1})

/* The address of the interface is deleted and another one is added, as in a guest: a default route
 * stays. */
int reporter_start(Reporter *r, ReportFn fn, size_t size);

/* The agent with @n_services services. Afterwards state_size is known, and there is no address. */
int reporter_start_agent(Reporter *r, const char *agent, unsigned n_services);

/* Wait until one address, or its loss, has been told. @ret_usec: when the last byte was there, on
 * CLOCK_MONOTONIC. Return: 0, -ETIMEDOUT, or another negative errno. */
int reporter_wait(Reporter *r, double *ret_usec);

/* Throw away what has been told until now. Return: how many bytes, or negative errno. */
ssize_t reporter_drain(Reporter *r);

void reporter_done(Reporter *r);

double monotonic_usec(void);

/* What the agent does, from the floor upwards; each does what the one before does, and more. */
int report_floor(int fd, size_t size);  /* blocks in a read of the event, and writes */
int report_loop(int fd, size_t size);   /* waits in sd-event's loop */
int report_choice(int fd, size_t size); /* follows the addresses, chooses one: NetWatch */
