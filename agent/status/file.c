/* SPDX-License-Identifier: MIT */

/* Writes and removes status.json, and locks its folder for the one agent that may; see file.h. */

#include "agent/status/file.h"

#include "agent/util/lock-file.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int join(const char *directory, const char *name, char **ret_path) {
        if (asprintf(ret_path, "%s/%s", directory, name) < 0) {
                *ret_path = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* All users may look into a folder that we make, because they may read the file in it. */
static bool make_folder(const char *path) {
        return mkdir(path, 0755) == 0 && chmod(path, 0755) == 0;
}

static int take_lock(StatusFile *f, const char *path, pid_t *ret_pid) {
        int r;

        (void) make_folder(f->directory); /* the open below shows whether it is there */
        r = lock_file_take(path, &f->lock_fd, ret_pid);
        f->locked = f->locked || r == 0;
        return r;
}

int status_file_lock(StatusFile *f, const char *directory, pid_t *ret_pid) {
        _cleanup_free_ char *path = NULL;
        int r;

        *f = STATUS_FILE_NULL;
        f->directory = directory;
        r = join(directory, STATUS_LOCK_FILE, &path);
        return r < 0 ? r : take_lock(f, path, ret_pid);
}

/* systemd removes the folder of a service that ends, with our lock, if we are there beside it. The
 * next one then has a lock of its own, and the folder. */
static int keep_lock(StatusFile *f) {
        _cleanup_free_ char *path = NULL;
        pid_t pid;
        int r;

        if (!f->locked)
                return 0;
        r = join(f->directory, STATUS_LOCK_FILE, &path);
        if (r < 0 || (f->lock_fd >= 0 && lock_file_is(path, f->lock_fd)))
                return r;
        closep(&f->lock_fd);
        f->lock_fd = -1;
        r = take_lock(f, path, &pid);
        return r == LOCK_FILE_E_HELD ? -EBUSY : r;
}

static int write_file(const char *path, const char *text, struct stat *ret_stat) {
        const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
        _cleanup_close_ int fd = open(path, flags, 0644);
        int r;

        if (fd < 0)
                return -errno;
        /* Everybody may read it, even with a narrow umask, because it holds no secret. */
        r = fchmod(fd, 0644) < 0 || fstat(fd, ret_stat) < 0 ? -errno : 0;
        if (r == 0)
                r = write_all(fd, text, strlen(text));
        if (r == 0)
                r = write_all(fd, "\n", 1);
        return r;
}

/* It is not flushed to disk: the folder is a tmpfs, and after a crash of the machine the file would
 * describe a run that is over. */
int status_file_write(StatusFile *f, const char *text) {
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        char name[64];
        struct stat st = {0};
        int r;

        (void) snprintf(name, sizeof(name), ".%s.%d", STATUS_FILE, (int) getpid());
        r = join(f->directory, STATUS_FILE, &path);
        if (r == 0)
                r = join(f->directory, name, &temporary);
        if (r == 0)
                r = keep_lock(f);
        if (r < 0)
                return r;
        r = write_file(temporary, text, &st);
        if (r == -ENOENT && make_folder(f->directory))
                r = write_file(temporary, text, &st);
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0) {
                if (r != -ELOOP) /* then it is not ours */
                        (void) unlink(temporary);
                return r;
        }
        f->written = true;
        f->device = st.st_dev;
        f->inode = st.st_ino;
        return 0;
}

static void remove_written(const StatusFile *f) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (!f->written || join(f->directory, STATUS_FILE, &path) < 0)
                return;
        if (lstat(path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode)
                (void) unlink(path);
}

void status_file_done(StatusFile *f) {
        _cleanup_free_ char *path = NULL;

        remove_written(f);
        if (f->lock_fd >= 0 && join(f->directory, STATUS_LOCK_FILE, &path) == 0)
                lock_file_drop(path, &f->lock_fd);
        closep(&f->lock_fd);
        *f = STATUS_FILE_NULL;
}
