/* SPDX-License-Identifier: MIT */
#pragma once

/* Processes that do not end when they are killed, as one that waits for a drive of Windows. */

#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool deaf;      /* kill() does nothing, and says that it has worked */
static pid_t deaf_pid; /* for which it was called then */

int kill(pid_t pid, int number) {
        if (!deaf)
                return (int) syscall(SYS_kill, pid, number);
        deaf_pid = pid;
        return 0;
}

/* End what was not killed. */
static inline void deaf_end(void) {
        deaf = false;
        (void) kill(deaf_pid, SIGKILL);
        (void) waitpid(deaf_pid < 0 ? -deaf_pid : deaf_pid, NULL, 0);
}
