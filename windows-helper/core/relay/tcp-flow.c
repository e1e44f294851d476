/* SPDX-License-Identifier: MIT */

/*
 * The steps of a connection.
 */

#include "windows-helper/core/relay/tcp-flow.h"

#include <stdbool.h>

static FlowAction flow_reset(Flow *f) {
        f->state = FLOW_RESET;
        return FLOW_DO_RESET;
}

static FlowAction flow_connected(Flow *f) {
        if (f->state != FLOW_CONNECTING)
                return flow_reset(f);
        f->state = FLOW_OPEN;
        f->pipes[FLOW_TO_GUEST] = f->pipes[FLOW_TO_CLIENT] = PIPE_MOVING;
        return FLOW_DO_MOVE;
}

static FlowAction flow_pipe(Flow *f, PipeState *pipe, PipeState from, PipeState to,
                            FlowAction action) {
        if (*pipe != from)
                return flow_reset(f);
        *pipe = to;
        return action;
}

static FlowAction flow_end(Flow *f, FlowSide side) {
        bool last = f->pipes[!side] == PIPE_ENDED;

        if (f->pipes[side] != PIPE_MOVING)
                return flow_reset(f);
        f->pipes[side] = PIPE_ENDED;
        if (last)
                f->state = FLOW_FINISHED;
        return last ? FLOW_DO_FINISH : FLOW_DO_END;
}

FlowAction flow_step(Flow *f, FlowSide side, FlowInput input) {
        PipeState *pipe = &f->pipes[side];

        if (f->state == FLOW_FINISHED || f->state == FLOW_RESET)
                return FLOW_DO_NOTHING;
        switch (input) {
        case FLOW_CONNECTED:
                return flow_connected(f);
        case FLOW_READABLE:
                return flow_pipe(f, pipe, PIPE_WAITING, PIPE_MOVING, FLOW_DO_MOVE);
        case FLOW_EMPTY:
                return flow_pipe(f, pipe, PIPE_MOVING, PIPE_WAITING, FLOW_DO_WAIT);
        case FLOW_HELD:
                return flow_pipe(f, pipe, PIPE_MOVING, PIPE_HOLDING, FLOW_DO_SEND);
        case FLOW_SENT:
                return flow_pipe(f, pipe, PIPE_HOLDING, PIPE_MOVING, FLOW_DO_MOVE);
        case FLOW_END:
                return flow_end(f, side);
        case FLOW_FAILED:
        case _FLOW_INPUT_END:
                break;
        }
        return flow_reset(f);
}
