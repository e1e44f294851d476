/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The event loop: one thread on one I/O completion port. Overlapped operations and packets posted
 * by other threads (stop, registry notification) arrive as the same thing, a LoopOp.
 *
 * Time is QueryUnbiasedInterruptTime(): monotonic, and it stands still while the machine sleeps, so
 * that a guest has not been "silent" for the hours of a night. A wait on the port does not count
 * sleep either. Wine 8 has it, with a granularity of well under a millisecond.
 */

#include "windows-helper/win/win.h"

#include <stdint.h>

#define LOOP_NO_DEADLINE UINT64_MAX

typedef struct Loop Loop;
typedef struct LoopOp LoopOp;

/* @error: Win32 code, 0 for success. The operation may be started again, or freed, from within. */
typedef void (*LoopOpFn)(LoopOp *op, DWORD error, DWORD n_bytes);

struct LoopOp {
        OVERLAPPED overlapped; /* first, so that the completion leads back here */
        LoopOpFn fn;
        void *userdata;
};

/* Return: 0 or negative errno (logged). */
int loop_new(Loop **ret_loop);
Loop *loop_free(Loop *loop); /* takes NULL, returns NULL; nothing may be in flight */

/* Let operations of @handle (a SOCKET too) complete here. Return: 0 or negative errno (logged). */
int loop_attach(Loop *loop, HANDLE handle);

/* Clear what the last use left and give it to a call that starts an overlapped operation. */
OVERLAPPED *loop_op_prepare(LoopOp *op);

/* Run @op's function in the loop's thread; may be called by any thread. The loop never frees it. */
void loop_post(Loop *loop, LoopOp *op);

/* A way to the loop for a thread of ours that hangs in a call of Windows, and so may outlive the
 * loop. */
typedef struct LoopGate {
        SRWLOCK lock;
        Loop *loop; /* borrowed; NULL once it is closed */
} LoopGate;

#define LOOP_GATE(loop_) ((LoopGate){.lock = SRWLOCK_INIT, .loop = (loop_)})

void loop_gate_post(LoopGate *g, LoopOp *op); /* as loop_post(); nothing once it is closed */
void loop_gate_close(LoopGate *g);            /* afterwards no thread touches the loop */

/* A Windows event that runs a function in the loop's thread each time it is set. */
typedef struct LoopWait LoopWait;

/**
 * loop_wait_new() - wait for @event for as long as the object lives
 * @event: borrowed; auto-reset, or @fn would be called without end
 *
 * Return: 0 or negative errno (logged).
 */
int loop_wait_new(LoopWait **ret_wait, Loop *loop, HANDLE event, LoopOpFn fn, void *userdata);

/* Takes NULL, returns NULL. The loop may hold a packet of it: it must not turn afterwards. */
LoopWait *loop_wait_free(LoopWait *w);

/**
 * loop_turn() - wait for the first completion, then handle what is there
 * @deadline_usec: return no later, even if nothing happened
 *
 * Bounded, so that the caller's own work gets its turn under load.
 */
void loop_turn(Loop *loop, uint64_t deadline_usec);

uint64_t loop_now_usec(void);
