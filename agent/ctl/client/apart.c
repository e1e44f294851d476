/* SPDX-License-Identifier: MIT */

/* Calls a function in a child process; see apart.h. */

#include "agent/ctl/client/apart.h"

#include "agent/util/cleanup.h"
#include "agent/util/read-all.h"
#include "agent/util/reap.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
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

int apart_run(ApartFn fn, const void *question, void *ret_answer, size_t size) {
        const uint64_t end = now_usec() + APART_LIMIT_MSEC * USEC_PER_MSEC;
        _cleanup_close_ int ours = -1, theirs = -1;
        int r, fds[2];
        pid_t pid;
        ssize_t n;

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
        n = read_until(ours, ret_answer, size, end);
        r = n < 0 ? (int) n : (size_t) n < size ? -ECHILD : 0;
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                memset(ret_answer, 0, size);
        }
        (void) reap_within(pid, REAP_KILLED_USEC, NULL);
        return r;
}
