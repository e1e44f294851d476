/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The state of one TCP connection through the relay: two pipes, one for each direction, which are
 * independent of each other, so that both can be full and neither waits for the other.
 *
 *   pipe:   CLOSED ──connected──> MOVING <──readable── WAITING
 *                                  │ │ └─────empty──────^
 *                                  │ └──held──> HOLDING ──sent──> MOVING
 *                                  └────end────────────────────> ENDED
 *
 * A pipe that waits holds no bytes. One that holds bytes reads none, so its sender is slowed down
 * by its own window. When one direction ends, the other goes on. Any failure resets both ends.
 *
 * Pure: the owner has the sockets and does what it is told.
 */

typedef enum FlowState {
        FLOW_CONNECTING, /* the client is there, the guest has not answered yet */
        FLOW_OPEN,
        FLOW_FINISHED, /* both directions have ended */
        FLOW_RESET,
        _FLOW_STATE_END,
} FlowState;

typedef enum PipeState {
        PIPE_CLOSED,  /* not connected yet */
        PIPE_MOVING,  /* bytes are being moved, now */
        PIPE_WAITING, /* for bytes, or for the end */
        PIPE_HOLDING, /* for room at the receiver */
        PIPE_ENDED,   /* the receiver has been told that no more will come */
        _PIPE_STATE_END,
} PipeState;

typedef enum FlowSide {
        FLOW_TO_GUEST,
        FLOW_TO_CLIENT,
        _FLOW_SIDE_END,
} FlowSide;

typedef enum FlowInput {
        FLOW_CONNECTED, /* of the connection; the side does not matter */
        FLOW_FAILED,    /* a reset, a time-out, an error, or the guest has moved */
        FLOW_READABLE,  /* of a side: what was waited for is there */
        FLOW_EMPTY,     /* all that was there has been moved, or it is the turn of others */
        FLOW_HELD,      /* the receiver takes no more, and some bytes are left */
        FLOW_SENT,      /* it has taken them */
        FLOW_END,       /* the sender has ended its direction */
        _FLOW_INPUT_END,
} FlowInput;

typedef enum FlowAction {
        FLOW_DO_NOTHING,
        FLOW_DO_MOVE,   /* move bytes of the side until one of the last four inputs; after
                           CONNECTED for both sides */
        FLOW_DO_WAIT,   /* wait for bytes of the side */
        FLOW_DO_SEND,   /* send the bytes that are held */
        FLOW_DO_END,    /* tell the receiver of the side that no more will come */
        FLOW_DO_FINISH, /* that, and then both sockets may be closed */
        FLOW_DO_RESET,  /* reset both ends */
        _FLOW_ACTION_END,
} FlowAction;

typedef struct Flow {
        FlowState state;
        PipeState pipes[_FLOW_SIDE_END];
} Flow;

#define FLOW_NULL ((Flow){0})

/* Take an input. One that cannot come in this state is a mistake of ours and resets the connection,
 * except when it is over: then inputs that were on their way do nothing. */
FlowAction flow_step(Flow *f, FlowSide side, FlowInput input);
