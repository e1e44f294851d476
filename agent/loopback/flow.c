/* SPDX-License-Identifier: MIT */

/* One direction of a connection; see flow.h. */

#include "agent/loopback/flow.h"

#include <assert.h>

FlowStep flow_step(const Flow *f) {
        if (f->waiting > 0)
                return FLOW_WRITE;
        if (!f->ended)
                return FLOW_READ;
        return f->closed ? FLOW_DONE : FLOW_CLOSE;
}

void flow_read(Flow *f, size_t n) {
        assert(flow_step(f) == FLOW_READ);
        f->waiting = n;
        f->ended = n == 0;
}

void flow_written(Flow *f, size_t n) {
        assert(n <= f->waiting);
        f->waiting -= n;
}

void flow_closed(Flow *f) {
        assert(flow_step(f) == FLOW_CLOSE);
        f->closed = true;
}
