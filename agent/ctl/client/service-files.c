/* SPDX-License-Identifier: MIT */

/*
 * Changing the service files in /etc, atomically.
 */

#include "agent/ctl/client/service-files.h"

#include "agent/config/config.h"
#include "agent/ctl/client/service-request.h"
#include "agent/ctl/show/ctl-error.h"
#include "agent/util/read-all.h"
#include "agent/util/write-all.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Only root can open it, so that nobody else can keep root waiting. */
#define LOCK_SERVICES   "/run/wslbridge/services.lock"
#define LOCK_PAIRING    "/run/wslbridge/pairing.lock"
#define LOCK_PAUSE_NSEC (20 * 1000 * 1000)

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
                if (mkdir(folder, 0755) == 0) {
                        if (chmod(folder, 0755) < 0) /* whatever the umask is */
                                return -errno;
                } else if (errno != EEXIST) {
                        return -errno;
                }
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

typedef struct FileOwner {
        mode_t mode;
        bool known; /* of an existing file, whose owner the new one gets */
        uid_t uid;
        gid_t gid;
} FileOwner;

static int write_temporary(const char *name, const char *data, size_t n, const FileOwner *owner) {
        _cleanup_close_ int fd =
                open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, data, n);
        if (r == 0 && owner->known && fchown(fd, owner->uid, owner->gid) < 0)
                r = -errno;
        if (r == 0 && (fchmod(fd, owner->mode) < 0 || fsync(fd) < 0))
                r = -errno;
        return r;
}

/* @data: the bytes, or without @owner where a link leads. @ret_placed_usec: since when others see
 * the file, which can be long before it is on the disk; may be NULL. */
static int replace(const char *path, const char *data, size_t n, const FileOwner *owner,
                   uint64_t *ret_placed_usec) {
        _cleanup_free_ char *temporary = temporary_name(path);
        uint64_t placed_usec;
        int r;

        if (!temporary)
                return -ENOMEM;
        r = make_folders(path);
        if (r < 0)
                return r;
        (void) unlink(temporary); /* left by an earlier process with our number that was killed */
        if (owner)
                r = write_temporary(temporary, data, n, owner);
        else if (symlink(data, temporary) < 0)
                r = -errno;
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        placed_usec = now_usec();
        if (r < 0)
                (void) unlink(temporary);
        else
                r = sync_folder(path);
        if (r == 0 && ret_placed_usec)
                *ret_placed_usec = placed_usec;
        return r;
}

int ctl_file_write(const char *path, const char *data, size_t n, mode_t mode) {
        return replace(path, data, n, &(FileOwner){.mode = mode}, NULL);
}

static bool is_folder_safe(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
               (st.st_uid == 0 || st.st_uid == geteuid()) &&
               (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX));
}

/* Where the link @path leads, if that can be changed by root and this user only: through folders of
 * theirs, and no other link. Anybody else could turn it to another place while we write, and get a
 * file of a name and an owner of their choice there. */
static bool follow_link(const char *path, char ret_target[PATH_MAX], struct stat *ret_stat) {
        char folder[PATH_MAX], base[PATH_MAX], link[PATH_MAX];
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        int length;

        (void) snprintf(folder, sizeof(folder), "%s", path);
        *strrchr(folder, '/') = '\0';
        if (n < 0 || !realpath(folder, base))
                return false;
        link[n] = '\0';
        length = snprintf(ret_target, PATH_MAX, "%s%s%s", link[0] == '/' ? "" : base,
                          link[0] == '/' ? "" : "/", link);
        if (length < 0 || length >= PATH_MAX)
                return false;
        for (char *slash = ret_target; (slash = strchr(slash + 1, '/'));) {
                bool safe;

                *slash = '\0';
                safe = is_folder_safe(ret_target);
                *slash = '/';
                if (!safe)
                        return false;
        }
        return lstat(ret_target, ret_stat) == 0 && S_ISREG(ret_stat->st_mode);
}

int ctl_service_write(const char *path, const char *data, size_t n, uint64_t *ret_placed_usec) {
        FileOwner owner = {.mode = 0644};
        char target[PATH_MAX];
        bool is_link;
        struct stat st;
        int r;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? replace(path, data, n, &owner, ret_placed_usec) : -errno;
        is_link = S_ISLNK(st.st_mode);
        if (stat(path, &st) < 0 && errno != ENOENT && errno != ELOOP)
                return -errno;
        if (!S_ISREG(st.st_mode)) /* also a link that leads nowhere, or to itself */
                return replace(path, data, n, &owner, ret_placed_usec);
        if (is_link && !follow_link(path, target, &st))
                return CTL_FILE_E_LINK;
        owner = (FileOwner){.mode = st.st_mode & 07777,
                            .known = st.st_uid != geteuid() || st.st_gid != getegid(),
                            .uid = st.st_uid,
                            .gid = st.st_gid};
        r = replace(is_link ? target : path, data, n, &owner, ret_placed_usec);
        /* The agent watches the folder of the link, in which nothing has happened so far. Where the
         * link cannot be touched, what was written is in force after a reload. */
        if (r == 0 && is_link)
                (void) utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
        return r;
}

int ctl_file_move(const char *from, const char *to) {
        return rename(from, to) < 0 ? -errno : sync_folder(to);
}

int ctl_file_mask(const char *path) {
        return replace(path, "/dev/null", 0, NULL, NULL);
}

int ctl_file_remove(const char *path) {
        return unlink(path) < 0 ? -errno : sync_folder(path);
}

/* @ret_data: the bytes of a file that has any. Return: as ctl_file_kind(), but CTL_FILE_OTHER for
 * one that is ours, too. */
static int read_kind(const char *path, char **ret_data, size_t *ret_n) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_free_ char *data = NULL;
        struct stat st;
        ssize_t n;

        if (fd < 0) { /* a link that leads nowhere, or to itself, is also a file of somebody */
                if (errno != ENOENT && errno != ELOOP)
                        return -errno;
                if (lstat(path, &st) == 0)
                        return CTL_FILE_OTHER;
                return errno == ENOENT ? CTL_FILE_ABSENT : -errno;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
                return CTL_FILE_MASK;
        if (!S_ISREG(st.st_mode))
                return CTL_FILE_OTHER;
        data = malloc(CONFIG_FILE_MAX + 1);
        if (!data)
                return -ENOMEM;
        n = read_all(fd, data, CONFIG_FILE_MAX + 1);
        if (n < 0)
                return (int) n;
        if (n == 0)
                return CTL_FILE_MASK;
        *ret_data = TAKE_PTR(data);
        *ret_n = (size_t) n;
        return CTL_FILE_OTHER;
}

int ctl_file_kind(const char *path) {
        _cleanup_free_ char *data = NULL;
        size_t n = 0;
        int kind = read_kind(path, &data, &n);

        return data && service_file_is_ours((const uint8_t *) data, n) ? CTL_FILE_OURS : kind;
}

int ctl_file_backup(const char *path, CtlFileBackup *ret_backup) {
        char link[PATH_MAX];
        ssize_t n;

        *ret_backup = (CtlFileBackup){0};
        ret_backup->kind = read_kind(path, &ret_backup->data, &ret_backup->n);
        if (ret_backup->kind < 0)
                return ret_backup->kind;
        if (ret_backup->kind != CTL_FILE_OTHER)
                return 0;
        if (ret_backup->data)
                return ret_backup->n > CONFIG_FILE_MAX ? CTL_FILE_E_ODD : 0;
        n = readlink(path, link, sizeof(link));
        if (n < 0 || n == sizeof(link))
                return CTL_FILE_E_ODD;
        ret_backup->link = strndup(link, (size_t) n);
        return ret_backup->link ? 0 : -ENOMEM;
}

void ctl_file_backup_done(CtlFileBackup *backup) {
        free(backup->data);
        free(backup->link);
}

int ctl_file_restore(const char *path, const CtlFileBackup *backup) {
        if (backup->data)
                return ctl_service_write(path, backup->data, backup->n, NULL);
        if (backup->link)
                return replace(path, backup->link, 0, NULL, NULL);
        return backup->kind == CTL_FILE_MASK ? ctl_file_mask(path) : ctl_file_remove(path);
}

static int take_lock(const char *root, const char *name) {
        uint64_t end = now_usec() + CTL_LOCK_LIMIT_USEC;
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        if (asprintf(&path, "%s%s", root, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = make_folders(path);
        if (r < 0)
                return r;
        /* It stays when the command ends: to remove it would take it from one that waits for it. */
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return -errno;
                if (now_usec() >= end)
                        return -ETIME;
                (void) nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NSEC}, NULL);
        }
        return TAKE_FD(fd);
}

int ctl_services_lock(const char *root) {
        return take_lock(root, LOCK_SERVICES);
}

int ctl_pairing_lock(const char *root) {
        return take_lock(root, LOCK_PAIRING);
}

int ctl_lock_error(int error, const char *what) {
        if (error == ETIME)
                return ctl_error("Another wslbridgectl has been changing %s for %d seconds; end "
                                 "it, or try again later",
                                 what, (int) (CTL_LOCK_LIMIT_USEC / USEC_PER_SEC));
        return ctl_error_errno(error, "change", what);
}

char *ctl_service_path(const char *root, unsigned prefix, const char *name) {
        char *path;

        if (asprintf(&path, "%s%s/%s/%s%s", root, config_prefixes[prefix], CONFIG_SERVICE_DIR, name,
                     CONFIG_DROPIN_SUFFIX) < 0)
                return NULL;
        return path;
}

int ctl_service_below(const char *root, const char *name) {
        for (int i = 1; config_prefixes[i]; i++) {
                _cleanup_free_ char *path = ctl_service_path(root, (unsigned) i, name);
                int kind = path ? ctl_file_kind(path) : -ENOMEM;

                if (kind == CTL_FILE_ABSENT)
                        continue;
                if (kind < 0)
                        return kind;
                return kind == CTL_FILE_MASK ? 0 : i;
        }
        return 0;
}
