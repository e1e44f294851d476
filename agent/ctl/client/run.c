/* SPDX-License-Identifier: MIT */

/*
 * Running a program and collecting its output.
 */

#include "agent/ctl/client/run.h"

#include "agent/util/cleanup.h"
#include "agent/util/reap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
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

/* Read until the other end is closed. Return: 0 or -ETIME. */
static int collect(int fd, uint64_t end, char *text, size_t size) {
        size_t n = 0;

        while (true) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                uint64_t now = now_usec();
                char rest[256];
                ssize_t k;

                text[n] = '\0';
                if (now >= end)
                        return -ETIME;
                if (poll(&p, 1, (int) ((end - now) / USEC_PER_MSEC) + 1) <= 0)
                        continue;
                k = n < size - 1 ? read(fd, text + n, size - 1 - n) : read(fd, rest, sizeof(rest));
                if (k == 0 || (k < 0 && errno != EINTR))
                        return 0;
                if (k > 0 && n < size - 1)
                        n += (size_t) k;
        }
}

static uint64_t time_left(uint64_t end) {
        uint64_t now = now_usec();

        return now < end ? end - now : 0;
}

int ctl_run(const char *const argv[], char *ret_output, size_t size) {
        uint64_t end = now_usec() + CTL_RUN_LIMIT_MSEC * USEC_PER_MSEC;
        int fds[2], status, r;
        pid_t pid = 0;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        r = start(argv, fds[1], &pid);
        (void) close(fds[1]);
        if (r == 0) {
                assert(pid > 0); /* 0 would mean all of our own group */
                r = collect(fds[0], end, ret_output, size);
                if (r == 0)
                        r = reap_within(pid, time_left(end), &status);
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
