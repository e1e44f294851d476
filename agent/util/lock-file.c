/* SPDX-License-Identifier: MIT */

/*
 * Takes and drops the lock on a file that comes and goes with its holder.
 */

#include "agent/util/lock-file.h"

#include "agent/util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each try that fails means that another holder has ended in that moment. */
#define LOCK_TRIES 16

bool lock_file_is(const char *path, int fd) {
        struct stat here, there;

        return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
               here.st_ino == there.st_ino;
}

/* The owner of the folder is the service's user, or was it: systemd gives the user that it makes
 * for the service the same number again, and then does not look at the files. */
static void give_to_owner_of_folder(const char *path, int fd) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *folder = slash > path ? strndup(path, (size_t) (slash - path)) : NULL;
        struct stat st;

        if (geteuid() == 0 && folder && stat(folder, &st) == 0)
                (void) !fchown(fd, st.st_uid, st.st_gid);
}

/* Only a file that we have made changes its owner: another one may be a link to anything. Return: a
 * descriptor, -EAGAIN to try again, or another negative errno. */
static int open_file(const char *path) {
        const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
        int fd = open(path, flags | O_CREAT | O_EXCL, 0600);

        if (fd >= 0)
                give_to_owner_of_folder(path, fd);
        else if (errno == EEXIST && (fd = open(path, flags)) < 0 && errno == ENOENT)
                return -EAGAIN;
        return fd < 0 ? -errno : fd;
}

/* Return: as lock_file_take(), or -EAGAIN to try again. */
static int try_take(const char *path, int *ret_fd, pid_t *ret_pid) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        _cleanup_close_ int fd = open_file(path);

        if (fd < 0)
                return fd;
        if (fcntl(fd, F_SETLK, &lock) < 0) {
                if (errno != EACCES && errno != EAGAIN)
                        return -errno;
                if (fcntl(fd, F_GETLK, &lock) < 0)
                        return -errno;
                if (lock.l_type == F_UNLCK)
                        return -EAGAIN;
                *ret_pid = lock.l_pid;
                return LOCK_FILE_E_HELD;
        }
        /* The holder before us removes the file when it ends. A lock on what it has removed keeps
         * nobody out. */
        if (!lock_file_is(path, fd))
                return -EAGAIN;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int lock_file_take(const char *path, int *ret_fd, pid_t *ret_pid) {
        int r = -EAGAIN;

        for (unsigned i = 0; i < LOCK_TRIES && r == -EAGAIN; i++)
                r = try_take(path, ret_fd, ret_pid);
        return r;
}

void lock_file_drop(const char *path, int *fd) {
        if (*fd >= 0 && lock_file_is(path, *fd))
                (void) unlink(path); /* before the lock goes: see try_take() */
        closep(fd);
        *fd = -1;
}
