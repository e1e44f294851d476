/* SPDX-License-Identifier: MIT */

/* Calls a function in a child process; see apart.h. */

#include "agent/ctl/client/apart.h"

#include "agent/util/cleanup.h"
#include "agent/util/reap.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

static _Noreturn void answer_apart(ApartFn fn, const void *question, int fd, void *answer,
                                   size_t size) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int i = STDIN_FILENO; i <= STDERR_FILENO && null >= 0; i++)
                (void) dup2(null, i);
        fn(question, answer);
        _exit(write_all(fd, answer, size) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Return: 0, -ETIME, or -ECHILD when the other end is closed too early. */
static int collect(int fd, uint64_t end, char *answer, size_t size) {
        size_t n = 0;

        while (n < size) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                uint64_t now = now_usec();
                ssize_t k;

                if (now >= end)
                        return -ETIME;
                if (poll(&p, 1, (int) ((end - now) / USEC_PER_MSEC) + 1) <= 0)
                        continue;
                k = read(fd, answer + n, size - n);
                if (k == 0 || (k < 0 && errno != EINTR))
                        return -ECHILD;
                if (k > 0)
                        n += (size_t) k;
        }
        return 0;
}

int apart_run(ApartFn fn, const void *question, void *ret_answer, size_t size) {
        const uint64_t end = now_usec() + APART_LIMIT_MSEC * USEC_PER_MSEC;
        _cleanup_close_ int ours = -1, theirs = -1;
        int r, fds[2];
        pid_t pid;

        memset(ret_answer, 0, size);
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                answer_apart(fn, question, theirs, ret_answer, size);
        closep(&theirs);
        theirs = -1;
        r = collect(ours, end, ret_answer, size);
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                memset(ret_answer, 0, size);
        }
        (void) reap_within(pid, REAP_KILLED_USEC, NULL);
        return r;
}
