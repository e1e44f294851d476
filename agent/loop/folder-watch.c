/* SPDX-License-Identifier: MIT */

/* Watching a folder that comes and goes; see folder-watch.h. */

#include "agent/loop/folder-watch.h"

#include "agent/loop/again.h"
#include "agent/util/passing.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

struct FolderWatch {
        /* configuration */
        sd_event *event;
        FolderWatchFn fn;
        void *userdata;

        /* owned */
        char *folder;
        sd_event_source *above, *inside; /* the second one is NULL while there is no folder */
        Again *again;
};

static int folder_watch_on_inside(sd_event_source *s, const struct inotify_event *e,
                                  void *userdata) {
        FolderWatch *w = userdata;

        return w->fn(w->userdata);
}

static int folder_watch_on_above(sd_event_source *s, const struct inotify_event *e, void *userdata);

static int folder_watch_add_above(FolderWatch *w) {
        _cleanup_free_ char *above =
                strndup(w->folder, (size_t) (strrchr(w->folder, '/') - w->folder));
        int r;

        if (!above)
                return -ENOMEM;
        r = sd_event_add_inotify(w->event, &w->above, above,
                                 IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR,
                                 folder_watch_on_above, w);
        return r < 0 ? r : sd_event_source_set_exit_on_failure(w->above, 1);
}

/* The folder is not there, or we may not read it. When that changes, it is an event of the one
 * above. */
static bool folder_is_missing(int error) {
        return error == -ENOENT || error == -ENOTDIR || error == -EACCES || error == -ELOOP;
}

/* Watch the folder that is there now, in place of one that was there before. */
static int folder_watch_renew(FolderWatch *w) {
        int r = w->above ? 0 : folder_watch_add_above(w);

        if (r < 0)
                return r;
        w->inside = sd_event_source_disable_unref(w->inside);
        r = sd_event_add_inotify(w->event, &w->inside, w->folder,
                                 IN_MOVED_TO | IN_DELETE | IN_ONLYDIR, folder_watch_on_inside, w);
        if (folder_is_missing(r))
                return 0;
        return r < 0 ? r : sd_event_source_set_exit_on_failure(w->inside, 1);
}

/* The same, and once more after a pause when it fails, for whatever reason: a folder that nobody
 * watches is no reason for the end of a program that runs. Return: 0 or -ENOMEM. */
static int folder_watch_try(FolderWatch *w) {
        int r = folder_watch_renew(w);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return again_later(w->again);
        again_forget(w->again);
        return 0;
}

/* Things may have changed while nobody watched. */
static int folder_watch_on_again(void *userdata) {
        FolderWatch *w = userdata;
        int r = folder_watch_try(w);

        return r < 0 ? r : w->fn(w->userdata);
}

static int folder_watch_on_above(sd_event_source *s, const struct inotify_event *e,
                                 void *userdata) {
        FolderWatch *w = userdata;
        int r;

        if (!(e->mask & IN_Q_OVERFLOW) &&
            (e->len == 0 || strcmp(e->name, strrchr(w->folder, '/') + 1) != 0))
                return 0;
        r = folder_watch_try(w);
        return r < 0 ? r : w->fn(w->userdata);
}

int folder_watch_new(FolderWatch **ret_watch, sd_event *event, const char *folder, FolderWatchFn fn,
                     void *userdata) {
        _cleanup_(folder_watch_freep) FolderWatch *w = malloc(sizeof(*w));
        const char *slash = strrchr(folder, '/');
        int r;

        if (!w)
                return -ENOMEM;
        *w = (FolderWatch){
                .event = event, .fn = fn, .userdata = userdata, .folder = strdup(folder)};
        if (!w->folder)
                return -ENOMEM;
        if (!slash || slash == folder)
                return -EINVAL;
        r = again_new(&w->again, event, folder_watch_on_again, w);
        if (r < 0)
                return r;
        r = folder_watch_renew(w);
        if (r < 0 && r != -ENOMEM && error_passes(-r))
                r = again_later(w->again);
        if (r < 0)
                return r;
        *ret_watch = TAKE_PTR(w);
        return 0;
}

FolderWatch *folder_watch_free(FolderWatch *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->inside);
        sd_event_source_disable_unref(w->above);
        again_free(w->again);
        free(w->folder);
        free(w);
        return NULL;
}
