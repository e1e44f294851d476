/* SPDX-License-Identifier: MIT */

/*
 * Running a program and collecting its output.
 */

#include "agent/ctl/client/run.h"

#include "agent/util/cleanup.h"
#include "agent/util/read-all.h"
#include "agent/util/reap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

static int start(const char *const argv[], int output, pid_t *ret_pid) {
        posix_spawn_file_actions_t actions;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY,
                                                     0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0) /* the cast is safe: posix_spawnp() does not change the words */
                r = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *) argv, environ);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static uint64_t time_left(uint64_t end) {
        uint64_t now = now_usec();

        return now < end ? end - now : 0;
}

int ctl_run(const char *const argv[], char *ret_output, size_t size) {
        uint64_t end = now_usec() + CTL_RUN_LIMIT_MSEC * USEC_PER_MSEC;
        int fds[2], status, r;
        pid_t pid = 0;
        ssize_t n;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        r = start(argv, fds[1], &pid);
        (void) close(fds[1]);
        if (r == 0) {
                assert(pid > 0); /* 0 would mean all of our own group */
                n = read_until(fds[0], ret_output, size - 1, end);
                ret_output[n > 0 ? n : 0] = '\0';
                r = n < 0 ? (int) n : reap_within(pid, time_left(end), &status);
                if (r == 0) {
                        r = WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
                } else if (r == -ETIME) {
                        (void) kill(pid, SIGKILL);
                        (void) reap_within(pid, REAP_KILLED_USEC, NULL);
                }
        }
        (void) close(fds[0]);
        return r;
}
