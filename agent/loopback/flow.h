/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Flow: one direction of a connection, as a state: what has been read and not written yet, and
 * whether the end was read and passed on. Pure: pair.c moves the bytes and says what happened.
 *
 * Bytes are read only when none are waiting, so a receiver that is slow stops its sender.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct Flow {
        size_t waiting; /* bytes that were read and not written yet */
        bool ended;     /* the sender has no more bytes */
        bool closed;    /* … and the receiver knows it */
} Flow;

typedef enum FlowStep {
        FLOW_READ,  /* read from the sender */
        FLOW_WRITE, /* write to the receiver */
        FLOW_CLOSE, /* tell the receiver that it was all */
        FLOW_DONE,  /* nothing is left to do */
} FlowStep;

/* What has to be done next. */
FlowStep flow_step(const Flow *f);

/* FLOW_READ gave @n bytes; 0: the sender has no more. */
void flow_read(Flow *f, size_t n);

/* FLOW_WRITE took @n bytes of those that are waiting. */
void flow_written(Flow *f, size_t n);

/* FLOW_CLOSE was done. */
void flow_closed(Flow *f);
