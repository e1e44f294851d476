/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The event loop: one thread on one I/O completion port. Overlapped operations and packets that
 * other threads post (a stop, a registry notification) arrive in the same form, a LoopOp.
 *
 * Time comes from QueryUnbiasedInterruptTime(). It is monotonic and stands still while the machine
 * sleeps, so a guest does not count as silent after a night's sleep. A wait on the port does not
 * count sleep either (fact 9.3.5). Wine 8 has this clock with a granularity well below a
 * millisecond.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdint.h>

#define LOOP_NO_DEADLINE UINT64_MAX

typedef struct Loop Loop;
typedef struct LoopOp LoopOp;

/* @error: a Win32 code, 0 for success. The function may start the operation again, or free it. */
typedef void (*LoopOpFn)(LoopOp *op, DWORD error, DWORD n_bytes);

struct LoopOp {
        OVERLAPPED overlapped; /* the first member: a completion has only its address */
        LoopOpFn fn;
        void *userdata;

        /* private */
        LoopOp *next_late;
        bool late; /* it could not be posted yet */
};

/* Return: 0 or negative errno (logged). */
int loop_new(Loop **ret_loop);
Loop *loop_free(Loop *loop); /* takes NULL, returns NULL; no operation may be in flight */

/* Make operations of @handle (or of a SOCKET) complete in this loop. Return: 0 or negative errno
 * (logged). */
int loop_attach(Loop *loop, HANDLE handle);

/* Clear the OVERLAPPED of @op after its last use, for a call that starts an operation. Return: a
 * pointer to it. */
OVERLAPPED *loop_op_prepare(LoopOp *op);

/* Run @op's function in the loop's thread. Any thread may call this. The loop never frees @op. When
 * Windows has no memory for it, the loop tries again at its next turns. */
void loop_post(Loop *loop, LoopOp *op);

/* Access to the loop for a thread that may hang in a call of Windows and so outlive the loop. */
typedef struct LoopGate {
        SRWLOCK lock;
        Loop *loop; /* borrowed; NULL once it is closed */
} LoopGate;

#define LOOP_GATE(loop_) ((LoopGate){.lock = SRWLOCK_INIT, .loop = (loop_)})

void loop_gate_post(LoopGate *g, LoopOp *op); /* as loop_post(); does nothing once it is closed */
void loop_gate_close(LoopGate *g);            /* afterwards no thread uses the loop through @g */

/* A wait for a Windows event: each time the event is set, a function runs in the loop's thread. */
typedef struct LoopWait LoopWait;

/**
 * loop_wait_new() - wait for @event for as long as the object lives
 * @event: borrowed; it must reset itself, or @fn would be called without end
 *
 * Return: 0 or negative errno (logged).
 */
int loop_wait_new(LoopWait **ret_wait, Loop *loop, HANDLE event, LoopOpFn fn, void *userdata);

/* Takes NULL, returns NULL. The loop may still hold a packet of it, so it must not turn again. */
LoopWait *loop_wait_free(LoopWait *w);

/**
 * loop_turn() - wait for a completion, then handle all that have arrived
 * @deadline_usec: return at this time at the latest, even if nothing happened
 *
 * One turn handles a bounded number of completions, so that the caller's own work is not delayed
 * under load.
 */
void loop_turn(Loop *loop, uint64_t deadline_usec);

/* The same for one completion, without asking in vain whether there is another one: in Wine that
 * gives the processor away (fact 10.1.19). */
void loop_step(Loop *loop, uint64_t deadline_usec);

uint64_t loop_now_usec(void); /* the loop's clock, see above */

/* A clock that counts the time in sleep and hibernation as well, in steps of some 16 ms. Only its
 * distance from the other clock means anything. */
uint64_t loop_biased_usec(void);
