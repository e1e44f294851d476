/* SPDX-License-Identifier: MIT */

/*
 * Changing the service files in /etc, atomically.
 */

#include "agent/ctl/client/service-files.h"

#include "agent/config/config.h"
#include "agent/ctl/client/service-request.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A hidden name beside @path; the agent does not read such files. NULL when out of memory. */
static char *temporary_name(const char *path) {
        const char *base = strrchr(path, '/') + 1;
        char *name;

        if (asprintf(&name, "%.*s.%s.%d", (int) (base - path), path, base, (int) getpid()) < 0)
                return NULL;
        return name;
}

static int make_folders(const char *path) {
        char folder[PATH_MAX];

        if (snprintf(folder, sizeof(folder), "%s", path) >= (int) sizeof(folder))
                return -ENAMETOOLONG;
        for (char *slash = folder; (slash = strchr(slash + 1, '/'));) {
                *slash = '\0';
                if (mkdir(folder, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return 0;
}

static int sync_folder(const char *path) {
        char folder[PATH_MAX];
        _cleanup_close_ int fd = -1;

        (void) snprintf(folder, sizeof(folder), "%s", path);
        *strrchr(folder, '/') = '\0';
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_temporary(const char *name, const char *data, size_t n, mode_t mode) {
        _cleanup_close_ int fd =
                open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, data, n);
        if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
                r = -errno;
        return r;
}

/* @data: NULL = a link to /dev/null. */
static int replace(const char *path, const char *data, size_t n, mode_t mode) {
        _cleanup_free_ char *temporary = temporary_name(path);
        int r;

        if (!temporary)
                return -ENOMEM;
        r = make_folders(path);
        if (r < 0)
                return r;
        (void) unlink(temporary); /* left by an earlier process with our number that was killed */
        if (data)
                r = write_temporary(temporary, data, n, mode);
        else if (symlink("/dev/null", temporary) < 0)
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r < 0 ? r : sync_folder(path);
}

int ctl_file_write(const char *path, const char *data, size_t n, mode_t mode) {
        return replace(path, data, n, mode);
}

int ctl_file_mask(const char *path) {
        return replace(path, NULL, 0, 0);
}

int ctl_file_remove(const char *path) {
        return unlink(path) < 0 ? -errno : sync_folder(path);
}

int ctl_file_kind(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_free_ char *data = NULL;
        struct stat st;
        ssize_t n;

        if (fd < 0) /* a link that leads nowhere is also a file of somebody */
                return errno != ENOENT        ? -errno
                       : lstat(path, &st) < 0 ? CTL_FILE_ABSENT
                                              : CTL_FILE_OTHER;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
                return CTL_FILE_MASK;
        if (!S_ISREG(st.st_mode))
                return CTL_FILE_OTHER;
        data = malloc(CONFIG_FILE_MAX + 1);
        if (!data)
                return -ENOMEM;
        n = read(fd, data, CONFIG_FILE_MAX + 1);
        if (n < 0)
                return -errno;
        if (n == 0)
                return CTL_FILE_MASK;
        return service_file_is_ours((const uint8_t *) data, (size_t) n) ? CTL_FILE_OURS
                                                                        : CTL_FILE_OTHER;
}

char *ctl_service_path(const char *root, unsigned prefix, const char *name) {
        char *path;

        if (asprintf(&path, "%s%s/%s/%s%s", root, config_prefixes[prefix], CONFIG_SERVICE_DIR, name,
                     CONFIG_DROPIN_SUFFIX) < 0)
                return NULL;
        return path;
}

unsigned ctl_service_below(const char *root, const char *name) {
        for (unsigned i = 1; config_prefixes[i]; i++) {
                _cleanup_free_ char *path = ctl_service_path(root, i, name);
                int kind = path ? ctl_file_kind(path) : CTL_FILE_ABSENT;

                if (kind == CTL_FILE_ABSENT)
                        continue;
                return kind == CTL_FILE_MASK ? 0 : i;
        }
        return 0;
}
