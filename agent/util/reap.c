/* SPDX-License-Identifier: MIT */

/* Reaps a child process within a limit; see reap.h. */

#include "agent/util/reap.h"

#include "agent/util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

#define PAUSE_FIRST_USEC 500
#define PAUSE_MAX_USEC   20000

int reap_within(pid_t pid, uint64_t limit_usec, int *ret_status) {
        const uint64_t end = now_usec() + limit_usec;
        long pause = PAUSE_FIRST_USEC;
        int status;

        while (true) {
                pid_t r = waitpid(pid, &status, WNOHANG);

                if (r == pid) {
                        if (ret_status)
                                *ret_status = status;
                        return 0;
                }
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (now_usec() >= end)
                        return -ETIME;
                (void) nanosleep(&(struct timespec){.tv_nsec = pause * 1000}, NULL);
                pause = 2 * pause < PAUSE_MAX_USEC ? 2 * pause : PAUSE_MAX_USEC;
        }
}
