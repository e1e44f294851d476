/* SPDX-License-Identifier: MIT */

/*
 * Looking up files. Links are followed as the kernel does it. So with --root an absolute link leads
 * out of the root, which a link to /dev/null needs.
 */

#include "agent/config/drop-ins.h"

#include "agent/config/places.h"
#include "agent/util/link.h"
#include "agent/util/passing.h"
#include "agent/util/read-all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DROP_INS_ALLOCATED_MIN 64
#define LINKS_MAX              40 /* one after the other, as in the kernel */

const char *const config_prefixes[] = {"/etc", "/run", "/usr/lib", NULL};

#define N_PREFIXES (ELEMENTSOF(config_prefixes) - 1)
_Static_assert(N_PREFIXES == ELEMENTSOF(((DropIns *) 0)->dir_fds), "one descriptor for each");

static void add_name_problem(const char *prefix, const char *folder, const char *name,
                             const char *message, ConfigProblems *problems) {
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/%s/%s", prefix, folder, name);
        config_problems_begin(problems, path);
        config_problems_add(problems, 0, NULL, "%s", message);
}

static int drop_ins_add(DropIns *d, const char *name, size_t n_name, unsigned prefix) {
        if (d->n == d->n_allocated) {
                size_t n = d->n_allocated ? d->n_allocated * 2 : DROP_INS_ALLOCATED_MIN;
                DropIn *items = reallocarray(d->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                d->items = items;
                d->n_allocated = n;
        }
        d->items[d->n] = (DropIn){.prefix = prefix};
        memcpy(d->items[d->n++].name, name, n_name);
        return 0;
}

static int drop_ins_consider(DropIns *d, const struct dirent *entry, unsigned prefix,
                             ConfigProblems *problems) {
        const size_t n_suffix = strlen(CONFIG_DROPIN_SUFFIX);
        const char *name = entry->d_name;
        char service[NAME_MAX + 1];
        size_t n;

        if (name[0] == '.')
                return 0;
        if (!is_dropin_name(name)) {
                const char *near = near_miss_of_service(name);

                if (entry->d_type != DT_DIR && near)
                        add_name_problem(config_prefixes[prefix], CONFIG_SERVICE_DIR, name, near,
                                         problems);
                return 0;
        }
        n = strlen(name) - n_suffix;
        memcpy(service, name, n);
        service[n] = '\0';
        if (!wire_service_name_valid(service)) {
                add_name_problem(config_prefixes[prefix], CONFIG_SERVICE_DIR, name,
                                 "the part before '.ini' cannot name a service: it has other "
                                 "characters than A-Z a-z 0-9 . _ -, starts with '-', or is longer "
                                 "than 64 bytes; rename the file",
                                 problems);
                return 0;
        }
        return drop_ins_add(d, service, n, prefix);
}

static void add_open_problem(const char *what, int error, ConfigProblems *problems) {
        if (error_passes(error)) {
                problems->passing = true;
                config_problems_add(problems, 0, NULL, "cannot be %s now: %s; trying again", what,
                                    strerror(error));
                return;
        }
        config_problems_add(problems, 0, NULL, "cannot be %s: %s; correct its owner, mode or type",
                            what, strerror(error));
}

/* What the sandbox of the service hides behind the link @path, which the user knows as @file; see
 * service_hides(). NULL: nothing. */
static const char *link_hidden(int dir_fd, const char *path, const char *file) {
        const char *hidden = NULL;
        LinkPlace place;

        (void) snprintf(place.at, sizeof(place.at), "%s", path);
        (void) snprintf(place.shown, sizeof(place.shown), "%s", file);
        for (unsigned i = 0; i < LINKS_MAX && !hidden && link_follow(dir_fd, &place); i++)
                hidden = service_hides(place.shown);
        return hidden;
}

/* @n_root: bytes at the start of @path that are not shown. Return: 0 when the folder has no files,
 * 1 when nobody knows which ones it has, or -ENOMEM. */
static int folder_failed(const char *path, size_t n_root, int error, ConfigProblems *problems) {
        const char *hidden;
        char target[1];

        if (error == ENOMEM)
                return -ENOMEM;
        config_problems_begin(problems, path + n_root);
        hidden = error_passes(error) ? NULL : link_hidden(AT_FDCWD, path, path + n_root);
        if (hidden) {
                config_problems_add(problems, 0, NULL,
                                    "is a link to a folder that the agent cannot list: %s. As a "
                                    "service it has no access to %s; copy the folder instead of "
                                    "linking it",
                                    strerror(error), hidden);
                return 1;
        }
        if (error != ENOENT) {
                add_open_problem("listed", error, problems);
                return 1;
        }
        if (readlink(path, target, sizeof(target)) >= 0) {
                config_problems_add(problems, 0, NULL,
                                    "is a link to a folder that does not exist; correct or remove "
                                    "the link");
                return 1;
        }
        return 0;
}

/* Add the files of a folder that cannot be listed, as far as they were in force. */
static int drop_ins_add_unknown(DropIns *d, const Config *previous, unsigned prefix) {
        size_t n = strlen(config_prefixes[prefix]);

        for (size_t i = 0; previous && i < previous->n_services; i++) {
                const ConfigService *s = &previous->services[i];

                if (strncmp(s->file, config_prefixes[prefix], n) != 0 || s->file[n] != '/')
                        continue;
                if (drop_ins_add(d, s->name, strlen(s->name), prefix) < 0)
                        return -ENOMEM;
                d->items[d->n - 1].unknown = true;
        }
        return 0;
}

/* Return: as folder_failed(). */
static int drop_ins_list_prefix(DropIns *d, const char *root, unsigned prefix,
                                ConfigProblems *problems) {
        _cleanup_free_ char *path = NULL;
        struct dirent *entry;
        DIR *dir;
        int r = 0, error;

        if (asprintf(&path, "%s%s/%s", root, config_prefixes[prefix], CONFIG_SERVICE_DIR) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        dir = opendir(path);
        if (!dir)
                return folder_failed(path, strlen(root), errno, problems);
        d->dir_fds[prefix] = fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 3);
        error = d->dir_fds[prefix] < 0 ? errno : 0;
        while (r == 0 && error == 0 && (errno = 0, entry = readdir(dir)))
                r = drop_ins_consider(d, entry, prefix, problems);
        if (r == 0 && error == 0)
                error = errno;
        if (r == 0 && error != 0) {
                config_problems_begin(problems, path + strlen(root));
                add_open_problem("listed", error, problems);
                r = 1;
        }
        (void) closedir(dir);
        return r;
}

/* A folder that cannot be listed is no problem here: agent.conf and services.d are then reported.
 */
static int check_main(const char *root, unsigned prefix, ConfigProblems *problems) {
        _cleanup_free_ char *path = NULL;
        struct dirent *entry;
        DIR *dir;

        if (asprintf(&path, "%s%s/%s", root, config_prefixes[prefix], CONFIG_MAIN_DIR) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                char text[64];
                const char *near = near_miss_of_main(entry->d_name, text, sizeof(text));

                if (near)
                        add_name_problem(config_prefixes[prefix], CONFIG_MAIN_DIR, entry->d_name,
                                         near, problems);
        }
        if (dir)
                (void) closedir(dir);
        return 0;
}

static int drop_in_compare(const void *a, const void *b) {
        const DropIn *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        if (r == 0 && x->prefix != y->prefix)
                r = x->prefix < y->prefix ? -1 : 1;
        return r != 0 ? r : x->unknown - y->unknown; /* one that was listed after all comes first */
}

void drop_ins_done(DropIns *d) {
        for (size_t i = 0; i < N_PREFIXES; i++)
                closep(&d->dir_fds[i]);
        free(d->items);
        *d = DROP_INS_NULL;
}

char *drop_in_path(const DropIn *item) {
        char *path;

        if (asprintf(&path, "%s/%s/%s%s", config_prefixes[item->prefix], CONFIG_SERVICE_DIR,
                     item->name, CONFIG_DROPIN_SUFFIX) < 0)
                return NULL;
        return path;
}

/* Whether a file of a later folder was in force, so that no earlier one turns it off. */
static bool was_in_force(const Config *previous, const DropIn *item) {
        const ConfigService *s = previous ? config_find(previous, item->name) : NULL;
        _cleanup_free_ char *path = s ? drop_in_path(item) : NULL;

        return path && strcmp(s->file, path) == 0;
}

/* Keep the first file of each name. @blind: the first folder that cannot be listed. It may turn off
 * any file of the later ones, so none of these comes into force newly. */
static void drop_ins_select(DropIns *d, unsigned blind, const Config *previous,
                            ConfigProblems *problems) {
        size_t n = 0;

        if (d->n > 1)
                qsort(d->items, d->n, sizeof(*d->items), drop_in_compare);
        for (size_t i = 0; i < d->n; i++) {
                DropIn item = d->items[i];
                char name[sizeof(item.name) + sizeof(CONFIG_DROPIN_SUFFIX)];

                if (i > 0 && strcmp(d->items[i - 1].name, item.name) == 0)
                        continue;
                if (item.prefix <= blind || item.unknown || was_in_force(previous, &item)) {
                        d->items[n++] = item;
                        continue;
                }
                (void) stpcpy(stpcpy(name, item.name), CONFIG_DROPIN_SUFFIX);
                add_name_problem(config_prefixes[item.prefix], CONFIG_SERVICE_DIR, name,
                                 "is not read, because a folder that cannot be listed may have a "
                                 "file of this name, which goes first",
                                 problems);
        }
        d->n = n;
}

int drop_ins_list(const char *root, const Config *previous, DropIns *ret,
                  ConfigProblems *problems) {
        _cleanup_(drop_ins_done) DropIns d = DROP_INS_NULL;
        unsigned blind = N_PREFIXES;

        for (unsigned i = 0; i < N_PREFIXES; i++) {
                int r = drop_ins_list_prefix(&d, root, i, problems);

                if (r > 0) {
                        blind = i < blind ? i : blind;
                        r = drop_ins_add_unknown(&d, previous, i);
                }
                if (r >= 0)
                        r = check_main(root, i, problems);
                if (r < 0)
                        return r;
        }
        drop_ins_select(&d, blind, previous, problems);
        *ret = d;
        d = DROP_INS_NULL;
        return 0;
}

/* A link that leads to nothing that can be read. @target: where it leads, escaped. @hidden: what
 * link_hidden() says. */
static void add_link_problem(const char *target, const char *hidden, int error,
                             ConfigProblems *problems) {
        if (hidden) {
                config_problems_add(problems, 0, NULL,
                                    "is a link to '%s', which the agent cannot read: %s. As a "
                                    "service it has no access to %s; copy the file instead of "
                                    "linking it",
                                    target, strerror(error), hidden);
        } else if (error == ENOENT) {
                config_problems_add(problems, 0, NULL,
                                    "is a link to '%s', which does not exist; remove the link, or "
                                    "point it to /dev/null to turn the file off",
                                    target);
        } else {
                config_problems_add(problems, 0, NULL,
                                    "is a link to '%s', which cannot be read: %s; correct its "
                                    "owner, mode or type, or copy the file",
                                    target, strerror(error));
        }
}

static ConfigFileResult open_failed(int dir_fd, const char *path, int error,
                                    ConfigProblems *problems) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(dir_fd, path, target, sizeof(target) - 1);

        if (error_passes(error)) {
                add_open_problem("read", error, problems);
        } else if (error == ELOOP) {
                config_problems_add(problems, 0, NULL,
                                    "is a link that leads back to itself; remove it");
        } else if (n >= 0) {
                _cleanup_free_ char *text = NULL;

                target[n] = '\0';
                text = config_escape(target);
                if (!text)
                        problems->oom = true;
                add_link_problem(text ? text : "", link_hidden(dir_fd, path, problems->file), error,
                                 problems);
        } else if (error == ENOENT) { /* it never existed, or was removed since it was listed */
                return CONFIG_FILE_ABSENT;
        } else if (error == ENXIO) {
                config_problems_add(problems, 0, NULL,
                                    "is not a regular file; remove it, or put a text file there");
        } else {
                add_open_problem("read", error, problems);
        }
        return CONFIG_FILE_BAD;
}

/* Whether @fd is a file that can be read. */
static ConfigFileResult check_type(int fd, ConfigProblems *problems) {
        struct stat st;

        if (fstat(fd, &st) < 0) {
                add_open_problem("read", errno, problems);
                return CONFIG_FILE_BAD;
        }
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) /* /dev/null */
                return CONFIG_FILE_MASKED;
        if (!S_ISREG(st.st_mode)) {
                config_problems_add(problems, 0, NULL, "is %s; remove it, or put a text file there",
                                    S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
                return CONFIG_FILE_BAD;
        }
        return CONFIG_FILE_READ;
}

ConfigFileResult config_file_read(int dir_fd, const char *path, uint8_t *buffer, size_t *ret_n,
                                  ConfigProblems *problems) {
        /* O_NONBLOCK, because a FIFO may have no writer; O_NOCTTY, because a terminal must not
         * become ours. */
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        ConfigFileResult result;
        ssize_t n;

        if (fd < 0)
                return open_failed(dir_fd, path, errno, problems);
        result = check_type(fd, problems);
        if (result != CONFIG_FILE_READ)
                return result;
        n = read_all(fd, buffer, CONFIG_FILE_MAX + 1);
        if (n < 0) {
                add_open_problem("read", (int) -n, problems);
                return CONFIG_FILE_BAD;
        }
        if (n > CONFIG_FILE_MAX) {
                config_problems_add(problems, 0, NULL,
                                    "has more than %d bytes; shorten it, or make "
                                    "several services of it",
                                    CONFIG_FILE_MAX);
                return CONFIG_FILE_BAD;
        }
        *ret_n = (size_t) n;
        return n == 0 ? CONFIG_FILE_MASKED : CONFIG_FILE_READ;
}
