/* SPDX-License-Identifier: MIT */

/* Writing a whole buffer, however many calls it takes; see write-all.h. */

#include "agent/util/write-all.h"

#include <errno.h>
#include <unistd.h>

int write_all(int fd, const char *data, size_t n) {
        while (n > 0) {
                ssize_t k = write(fd, data, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                data += k;
                n -= (size_t) k;
        }
        return 0;
}
