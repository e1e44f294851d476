/* SPDX-License-Identifier: MIT */

/*
 * Writing the status file. Readers see the old text or the new one, never a part of one.
 */

#include "agent/status/status.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* It is not flushed to disk: the directory is a tmpfs, and after a crash of the machine the file
 * would describe a run that is over. */
int status_write(const char *directory, const char *text) {
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (asprintf(&path, "%s/" STATUS_FILE, directory) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&temporary, "%s/." STATUS_FILE ".%d", directory, (int) getpid()) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0 && errno == ENOENT && mkdir(directory, 0755) == 0)
                fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        /* Everybody may read it, even with a narrow umask, because it holds no secret. */
        r = fchmod(fd, 0644) < 0 ? -errno : 0;
        if (r == 0)
                r = write_all(fd, text, strlen(text));
        if (r == 0)
                r = write_all(fd, "\n", 1);
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

void status_remove(const char *directory) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/" STATUS_FILE, directory) < 0) {
                path = NULL;
                return;
        }
        (void) unlink(path);
}
