/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Command: a small program that is executed for the few bytes it prints, watched by the event loop.
 * It never makes the loop wait: one that takes too long or says too much is killed, with what it
 * has started, and reaped whenever the kernel is done with it.
 */

#include "agent/util/cleanup.h"

#include <stddef.h>
#include <systemd/sd-event.h>

#define COMMAND_OUTPUT_MAX 512 /* bytes on standard output; more is no answer */

typedef struct Command Command;

typedef enum CommandOutcome {
        COMMAND_OK,     /* exit status 0 */
        COMMAND_FAILED, /* any other, or a signal; or its output could not be read */
        COMMAND_SLOW,   /* killed at the limit */
        COMMAND_CHATTY, /* killed: more output than COMMAND_OUTPUT_MAX */
        _COMMAND_OUTCOME_END,
} CommandOutcome;

/* Called once. @output is borrowed, and not terminated. The command is to be freed, here or later.
 * Return: 0, or negative errno to end the event loop. */
typedef int (*CommandFn)(Command *c, CommandOutcome outcome, const char *output, size_t n,
                         void *userdata);

/**
 * command_start() - execute a program
 * @event: borrowed, must outlive the command; SIGCHLD has to be blocked in the process
 * @argv: its first element is the absolute path; nothing is looked up and no shell is involved
 * @limit_usec: the program is killed after so long
 *
 * The program gets the C locale, a PATH of /usr/bin and /bin and no other variable; an empty
 * standard input, no standard error, no other descriptor, a process group of its own.
 *
 * Return: 0; negative errno when it could not be started, and then nothing will be called.
 */
int command_start(Command **ret_command, sd_event *event, const char *const argv[],
                  uint64_t limit_usec, CommandFn fn, void *userdata);
Command *command_free(Command *c); /* kills it when it still runs */
DEFINE_CLEANUP(Command *, command_free);
