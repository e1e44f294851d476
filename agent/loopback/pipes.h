/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Pipes that bytes are spliced through. A connection has one only while bytes wait in it, so an
 * idle connection has none. A few empty ones are kept, because making one costs more than moving a
 * small message.
 */

#include <stddef.h>

#define PIPES_KEPT 16

typedef struct Pipe {
        int in, out; /* to write to, to read from; -1: none */
} Pipe;

#define PIPE_NULL ((Pipe){-1, -1})

typedef struct Pipes {
        Pipe kept[PIPES_KEPT];
        size_t n_kept;
} Pipes;

/* Give @pipe, which must be PIPE_NULL, an empty pipe. Return: 0 or negative errno. */
int pipes_take(Pipes *p, Pipe *pipe);

/* Take an empty pipe back. @pipe becomes PIPE_NULL, which it may be. */
void pipes_give(Pipes *p, Pipe *pipe);

/* Close a pipe that may have bytes in it. */
void pipes_drop(Pipe *pipe);

/* Close those that are kept. */
void pipes_done(Pipes *p);
