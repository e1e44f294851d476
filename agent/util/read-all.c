/* SPDX-License-Identifier: MIT */

/* Reads to the end; see read-all.h. */

#include "agent/util/read-all.h"

#include <errno.h>
#include <unistd.h>

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
