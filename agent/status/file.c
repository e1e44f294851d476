/* SPDX-License-Identifier: MIT */

/* Writes and removes status.json, and locks its folder for the one agent that may; see file.h. */

#include "agent/status/file.h"

#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each try that fails means that another agent has ended in that moment. */
#define LOCK_TRIES 16

static int join(const char *directory, const char *name, char **ret_path) {
        if (asprintf(ret_path, "%s/%s", directory, name) < 0) {
                *ret_path = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* Whether @path is still the file behind @fd. */
static bool is_file_of(const char *path, int fd) {
        struct stat here, there;

        return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
               here.st_ino == there.st_ino;
}

/* Return: 0, STATUS_FILE_E_HELD, -EAGAIN to try again, or another negative errno. */
static int try_lock(const char *path, int *ret_fd, pid_t *ret_pid) {
        const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_close_ int fd = open(path, flags, 0600);

        if (fd < 0)
                return -errno;
        if (fcntl(fd, F_SETLK, &lock) < 0) {
                if (errno != EACCES && errno != EAGAIN)
                        return -errno;
                if (fcntl(fd, F_GETLK, &lock) < 0)
                        return -errno;
                if (lock.l_type == F_UNLCK)
                        return -EAGAIN;
                *ret_pid = lock.l_pid;
                return STATUS_FILE_E_HELD;
        }
        /* The holder before us removes the file when it ends. A lock on what it has removed keeps
         * nobody out. */
        if (!is_file_of(path, fd))
                return -EAGAIN;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* All users may look into a folder that we make, because they may read the file in it. */
static bool make_folder(const char *path) {
        return mkdir(path, 0755) == 0 && chmod(path, 0755) == 0;
}

static int take_lock(StatusFile *f, const char *path, pid_t *ret_pid) {
        int r = -EAGAIN;

        (void) make_folder(f->directory); /* the open below shows whether it is there */
        for (unsigned i = 0; i < LOCK_TRIES && r == -EAGAIN; i++)
                r = try_lock(path, &f->lock_fd, ret_pid);
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
        if (r < 0 || (f->lock_fd >= 0 && is_file_of(path, f->lock_fd)))
                return r;
        closep(&f->lock_fd);
        f->lock_fd = -1;
        r = take_lock(f, path, &pid);
        return r == STATUS_FILE_E_HELD ? -EBUSY : r;
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
        if (f->lock_fd >= 0 && join(f->directory, STATUS_LOCK_FILE, &path) == 0 &&
            is_file_of(path, f->lock_fd))
                (void) unlink(path); /* before the lock goes: see try_lock() */
        closep(&f->lock_fd);
        *f = STATUS_FILE_NULL;
}
