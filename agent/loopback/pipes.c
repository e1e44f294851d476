/* SPDX-License-Identifier: MIT */

/* Empty pipes, kept for the next use; see pipes.h. */

#include "agent/loopback/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int pipes_take(Pipes *p, Pipe *pipe) {
        int fds[2];

        if (p->n_kept > 0) {
                *pipe = p->kept[--p->n_kept];
                return 0;
        }
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        *pipe = (Pipe){.in = fds[1], .out = fds[0]};
        return 0;
}

void pipes_drop(Pipe *pipe) {
        if (pipe->in >= 0) {
                (void) close(pipe->in);
                (void) close(pipe->out);
        }
        *pipe = PIPE_NULL;
}

void pipes_give(Pipes *p, Pipe *pipe) {
        if (pipe->in < 0)
                return;
        if (p->n_kept == PIPES_KEPT) {
                pipes_drop(pipe);
                return;
        }
        p->kept[p->n_kept++] = *pipe;
        *pipe = PIPE_NULL;
}

void pipes_done(Pipes *p) {
        while (p->n_kept > 0)
                pipes_drop(&p->kept[--p->n_kept]);
}
