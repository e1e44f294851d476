/* SPDX-License-Identifier: MIT */

/* Reads to the end; see read-all.h. */

#include "agent/util/read-all.h"

#include "agent/util/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

ssize_t read_all(int fd, void *data, size_t n) {
        size_t done = 0;

        while (done < n) {
                ssize_t r = read(fd, (char *) data + done, n - done);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                done += (size_t) r;
        }
        return (ssize_t) done;
}

ssize_t read_until(int fd, void *data, size_t n, uint64_t end) {
        size_t done = 0;

        while (true) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                uint64_t now = now_usec();
                char rest[256];
                ssize_t r;

                if (now >= end)
                        return -ETIME;
                if (poll(&p, 1, (int) ((end - now) / USEC_PER_MSEC) + 1) <= 0)
                        continue;
                r = done < n ? read(fd, (char *) data + done, n - done)
                             : read(fd, rest, sizeof(rest));
                if (r == 0 || (r < 0 && errno != EINTR))
                        return (ssize_t) done;
                if (r > 0 && done < n)
                        done += (size_t) r;
        }
}
