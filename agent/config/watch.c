/* SPDX-License-Identifier: MIT */

/*
 * Watching the configuration directories with inotify.
 *
 * After every change, all watches are made anew before the owner reads the files. Each later change
 * is then an event again, so nothing is missed, and one code path serves directories that come, go
 * or are replaced.
 *
 * A file that a program creates and writes is complete when it is closed, which is an event. A file
 * that gets its name by link(2) is complete when the name appears, and no other event follows. The
 * first of a name looks the same for both. But a program that creates a file goes on to write it,
 * so a file that is not written to for a while is complete.
 *
 * A mount causes no event of inotify. But the kernel tells when something is mounted, and the list
 * of mounts shows whether it concerns one of the directories.
 *
 * The runtime directory /run/wslbridge is one of the places, and without systemd the agent writes
 * its status there. So names that are not configuration must not cause a reload, or every reload
 * would cause the next. The service writes to a directory below that, which causes no event at all.
 */

#include "agent/config/watch.h"

#include "agent/config/config.h"
#include "agent/config/places.h"
#include "agent/loop/timer.h"
#include "agent/util/mounts.h"
#include "agent/util/passing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define WATCH_MASK                                                                          \
        (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
         IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define WATCH_MAX      12 /* three prefixes, two directories and a link each, and room */
#define NEW_FILES_MAX  16
#define WATCH_TRIES    10 /* a directory that comes and goes while we look */
#define WATCH_ACCURACY (10 * USEC_PER_MSEC)

typedef enum WatchKind {
        WATCH_MAIN,     /* .../wslbridge: agent.conf, key, services.d */
        WATCH_SERVICES, /* .../wslbridge/services.d: *.ini */
        WATCH_PARENT,   /* the parent of a directory that does not exist: only that name counts */
} WatchKind;

typedef struct Watch {
        ConfigWatch *owner;
        sd_event_source *source;
        WatchKind kind;
        char *path; /* owned */
        char *name; /* owned; WATCH_PARENT: what is missing */
} Watch;

struct ConfigWatch {
        /* borrowed */
        sd_event *event;
        const char *root;
        ConfigWatchFn fn;
        void *userdata;

        /* owned */
        sd_event_source *timer, *mount_source; /* the latter: NULL without /proc */
        int mount_fd;                          /* -1: it could not be opened */
        Watch watches[WATCH_MAX];
        size_t n_watches;

        /* state */
        int error;       /* as configwatch_error() */
        uint64_t mounts; /* a hash of those that concern the directories */
        bool changed;    /* something was changed for certain since the timer was started */
        char new_files[NEW_FILES_MAX][NAME_MAX + 1]; /* that appeared since, and may be complete */
        size_t n_new_files;
};

static void watch_done(Watch *w) {
        sd_event_source_disable_unref(w->source);
        free(w->path);
        free(w->name);
        *w = (Watch){0};
}

static void configwatch_clear(ConfigWatch *w) {
        for (size_t i = 0; i < w->n_watches; i++)
                watch_done(&w->watches[i]);
        w->n_watches = 0;
}

/* Whether a file that has just appeared may still be written to. A hard link to a file that has
 * another name, a symbolic link or a directory is complete. */
static bool may_be_unfinished(const Watch *w, const struct inotify_event *e) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (!(e->mask & IN_CREATE))
                return false;
        if (asprintf(&path, "%s/%s", w->path, e->name) < 0) {
                path = NULL;
                return false;
        }
        return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

/* Remember a file that has just appeared. Two folders may have one of the same name; then writing
 * to one of the two counts for both, and its end is an event anyway. */
static void new_file_add(ConfigWatch *w, const char *name) {
        if (w->n_new_files == NEW_FILES_MAX) {
                w->changed = true; /* rather read too early than never */
                return;
        }
        (void) snprintf(w->new_files[w->n_new_files++], sizeof(w->new_files[0]), "%s", name);
}

static void new_file_remove(ConfigWatch *w, const char *name) {
        for (size_t i = 0; i < w->n_new_files; i++)
                if (strcmp(w->new_files[i], name) == 0) {
                        w->n_new_files--;
                        memmove(w->new_files[i], w->new_files[w->n_new_files],
                                sizeof(w->new_files[0]));
                        return;
                }
}

/* A name that is reported as a mistake counts like a right one, so that the problem comes and goes
 * with the file. */
static bool watch_concerns(const Watch *w, const struct inotify_event *e) {
        char text[64];

        if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
                return true;
        if (e->len == 0)
                return false; /* IN_ATTRIB of the directory itself */
        switch (w->kind) {
        case WATCH_MAIN:
                return strcmp(e->name, "services.d") == 0 || strcmp(e->name, "agent.conf") == 0 ||
                       strcmp(e->name, "key") == 0 ||
                       near_miss_of_main(e->name, text, sizeof(text));
        case WATCH_SERVICES:
                return is_dropin_name(e->name) ||
                       (!(e->mask & IN_ISDIR) && near_miss_of_service(e->name));
        case WATCH_PARENT:
                return strcmp(e->name, w->name) == 0;
        }
        return true;
}

static int configwatch_start_timer(ConfigWatch *w) {
        int enabled, r;

        r = sd_event_source_get_enabled(w->timer, &enabled);
        if (r < 0 || enabled != SD_EVENT_OFF)
                return r < 0 ? r : 0;
        return loop_timer_start(w->timer, CONFIG_WATCH_DEBOUNCE_USEC);
}

static int configwatch_on_inotify(sd_event_source *s, const struct inotify_event *e,
                                  void *userdata) {
        Watch *watch = userdata;
        ConfigWatch *w = watch->owner;

        if (!watch_concerns(watch, e))
                return 0;
        if (e->mask == IN_MODIFY) { /* its end will be an event */
                new_file_remove(w, e->name);
                return 0;
        }
        if (watch->kind != WATCH_PARENT && may_be_unfinished(watch, e))
                new_file_add(w, e->name);
        else
                w->changed = true;
        return configwatch_start_timer(w);
}

static uint64_t mounts_read(const ConfigWatch *w) {
        return mounts_hash(w->root, config_prefixes, "/" CONFIG_MAIN_DIR);
}

static int configwatch_on_mount(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        ConfigWatch *w = userdata;
        uint64_t mounts = mounts_read(w);

        if (mounts == w->mounts)
                return 0;
        w->mounts = mounts;
        w->changed = true;
        return configwatch_start_timer(w);
}

/* Return: 0 or negative errno; see watch_is_missing(). */
static int watch_add(ConfigWatch *w, WatchKind kind, const char *path, const char *name) {
        Watch *watch;
        int r;

        if (w->n_watches == WATCH_MAX)
                return -ENOBUFS;
        watch = &w->watches[w->n_watches];
        *watch = (Watch){.owner = w, .kind = kind, .path = strdup(path)};
        watch->name = name ? strdup(name) : NULL;
        if (!watch->path || (name && !watch->name)) {
                watch_done(watch);
                return -ENOMEM;
        }
        r = sd_event_add_inotify(w->event, &watch->source, path, WATCH_MASK, configwatch_on_inotify,
                                 watch);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(watch->source, 1);
        if (r < 0) {
                watch_done(watch);
                return r;
        }
        w->n_watches++;
        return 0;
}

/* The directory does not exist, a file or a dangling link is in its place, or we may not read it.
 * When that changes, it is an event of the parent. */
static bool watch_is_missing(int error) {
        return error == -ENOENT || error == -ENOTDIR || error == -EACCES || error == -ELOOP;
}

static bool directory_usable(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd >= 0 || error_passes(errno);
}

/* Watch @path or, when it does not exist, its nearest existing parent for the next name on the way.
 */
static int watch_add_nearest(ConfigWatch *w, WatchKind kind, const char *path) {
        _cleanup_free_ char *parent = NULL, *missing = NULL;
        int r;

        for (unsigned i = 0; i < WATCH_TRIES; i++) {
                r = watch_add(w, kind, path, NULL);
                if (!watch_is_missing(r))
                        return r;
                free(parent);
                free(missing);
                parent = strdup(path);
                missing = strdup(path);
                if (!parent || !missing)
                        return -ENOMEM;
                for (char *slash; (slash = strrchr(parent, '/'));) {
                        strcpy(missing, slash + 1);
                        *slash = '\0';
                        r = watch_add(w, WATCH_PARENT, *parent ? parent : "/", missing);
                        if (watch_is_missing(r))
                                continue;
                        if (r < 0)
                                return r;
                        *slash = '/';
                        if (!directory_usable(parent))
                                return 0; /* it is still missing, and its parent is watched */
                        watch_done(&w->watches[--w->n_watches]);
                        break; /* it has appeared meanwhile: start over */
                }
        }
        return -EAGAIN;
}

/* A directory that is a link can be replaced without an event of its own. (So can services.d, but
 * that is an event of the directory that contains it.) */
static int watch_add_link(ConfigWatch *w, const char *path) {
        _cleanup_free_ char *parent = strdup(path);
        struct stat st;
        char *slash;
        int r;

        if (!parent)
                return -ENOMEM;
        slash = strrchr(parent, '/');
        if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || !slash)
                return 0;
        *slash = '\0';
        r = watch_add(w, WATCH_PARENT, parent, slash + 1);
        return watch_is_missing(r) ? 0 : r;
}

/* Return: 0, also without /proc; or negative errno when it is worth a try later. */
static int configwatch_watch_mounts(ConfigWatch *w) {
        int r;

        if (w->mount_fd >= 0)
                return 0;
        w->mount_fd = open(MOUNTS_LIST, O_RDONLY | O_CLOEXEC);
        if (w->mount_fd < 0)
                return error_passes(errno) ? -errno : 0;
        r = sd_event_add_io(w->event, &w->mount_source, w->mount_fd, EPOLLPRI, configwatch_on_mount,
                            w);
        if (r < 0) {
                closep(&w->mount_fd);
                w->mount_fd = -1;
        }
        return r;
}

int configwatch_renew(ConfigWatch *w) {
        configwatch_clear(w);
        w->error = configwatch_watch_mounts(w);
        if (w->error == -ENOMEM)
                return w->error;
        w->mounts = mounts_read(w);
        for (const char *const *prefix = config_prefixes; *prefix; prefix++) {
                _cleanup_free_ char *main_dir = NULL, *services = NULL;
                int r;

                if (asprintf(&main_dir, "%s%s/wslbridge", w->root, *prefix) < 0) {
                        main_dir = NULL;
                        return -ENOMEM;
                }
                if (asprintf(&services, "%s%s/" CONFIG_SERVICE_DIR, w->root, *prefix) < 0) {
                        services = NULL;
                        return -ENOMEM;
                }
                r = watch_add_link(w, main_dir);
                if (r >= 0)
                        r = watch_add_nearest(w, WATCH_MAIN, main_dir);
                if (r >= 0)
                        r = watch_add_nearest(w, WATCH_SERVICES, services);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        w->error = r;
        }
        return 0;
}

int configwatch_error(const ConfigWatch *w) {
        return w->error;
}

static int configwatch_on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        ConfigWatch *w = userdata;
        bool changed = w->changed || w->n_new_files > 0;
        int r;

        w->changed = false;
        w->n_new_files = 0;
        if (!changed)
                return 0;
        r = configwatch_renew(w);
        if (r < 0)
                return r;
        return w->fn(w->userdata);
}

int configwatch_new(ConfigWatch **ret_watch, sd_event *event, const char *root, ConfigWatchFn fn,
                    void *userdata) {
        _cleanup_(configwatch_freep) ConfigWatch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->event = event;
        w->root = root;
        w->fn = fn;
        w->userdata = userdata;
        w->mount_fd = -1;
        r = loop_timer_new(event, WATCH_ACCURACY, configwatch_on_timer, w, &w->timer);
        if (r < 0)
                return r;
        r = configwatch_renew(w);
        if (r < 0)
                return r;
        *ret_watch = TAKE_PTR(w);
        return 0;
}

ConfigWatch *configwatch_free(ConfigWatch *w) {
        if (!w)
                return NULL;
        configwatch_clear(w);
        sd_event_source_disable_unref(w->timer);
        sd_event_source_disable_unref(w->mount_source);
        closep(&w->mount_fd);
        free(w);
        return NULL;
}
