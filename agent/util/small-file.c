/* SPDX-License-Identifier: MIT */

/* Reading and replacing small text files; see small-file.h. */

#include "agent/util/small-file.h"

#include "agent/util/cleanup.h"
#include "agent/util/read-all.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int small_file_read(const char *path, size_t max, char **ret_text) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *text = malloc(max + 1);
        ssize_t n;

        if (!text)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        n = read_all(fd, text, max + 1);
        if (n < 0)
                return (int) n;
        if ((size_t) n > max)
                return -EFBIG;
        text[n] = '\0';
        if (strlen(text) < (size_t) n)
                return -EILSEQ;
        *ret_text = TAKE_PTR(text);
        return 0;
}

int small_file_replace(const char *path, const char *text) {
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
        _cleanup_free_ char *temporary = malloc(strlen(path) + sizeof(".new"));
        _cleanup_close_ int fd = -1;
        int r;

        if (!temporary)
                return -ENOMEM;
        (void) stpcpy(stpcpy(temporary, path), ".new");
        /* Root may write to a folder of the agent's. Whatever lies there under this name, also a
         * pipe or a link to another file, is not opened. */
        (void) unlink(temporary);
        fd = open(temporary, flags, 0644);
        if (fd < 0)
                return -errno;
        r = fchmod(fd, 0644) < 0 ? -errno : write_all(fd, text, strlen(text));
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}
