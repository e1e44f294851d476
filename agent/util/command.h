/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Command: runs a small program for the few bytes that it prints, under the event loop. The loop
 * never waits for it. A program that takes too long or prints too much is killed, and is reaped
 * when the kernel is done with it. However it ends, what it has started and left behind is killed,
 * too.
 */

#include "agent/util/cleanup.h"

#include <stddef.h>
#include <systemd/sd-event.h>

#define COMMAND_OUTPUT_MAX 512 /* bytes on standard output; more than this is not an answer */

typedef struct Command Command;

typedef enum CommandOutcome {
        COMMAND_OK,     /* exit status 0 */
        COMMAND_FAILED, /* any other, or a signal; or its output could not be read */
        COMMAND_SLOW,   /* killed after @limit_usec */
        COMMAND_CHATTY, /* killed: more output than COMMAND_OUTPUT_MAX */
        _COMMAND_OUTCOME_END,
} CommandOutcome;

/* Called once. @output is borrowed, and not terminated by a NUL. The command must be freed, in this
 * call or later. Return: 0, or negative errno to end the event loop. */
typedef int (*CommandFn)(Command *c, CommandOutcome outcome, const char *output, size_t n,
                         void *userdata);

/**
 * command_start() - execute a program
 * @event: borrowed, must outlive the command; SIGCHLD has to be blocked in the process
 * @argv: begins with an absolute path; there is no look-up in $PATH and no shell
 * @limit_usec: the program is killed after this time
 *
 * The program gets the C locale, a PATH of /usr/bin and /bin, and no other variable; an empty
 * standard input, no standard error and no other descriptor; and a process group of its own.
 *
 * Return: 0; or negative errno when it could not be started, and then @fn is not called.
 */
int command_start(Command **ret_command, sd_event *event, const char *const argv[],
                  uint64_t limit_usec, CommandFn fn, void *userdata);
Command *command_free(Command *c); /* kills the program and its children if it still runs */
DEFINE_CLEANUP(Command *, command_free);
