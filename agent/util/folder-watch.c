/* SPDX-License-Identifier: MIT */

/* Watching a folder that comes and goes; see folder-watch.h. */

#include "agent/util/folder-watch.h"

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
};

static int folder_watch_on_inside(sd_event_source *s, const struct inotify_event *e,
                                  void *userdata) {
        FolderWatch *w = userdata;

        return w->fn(w->userdata);
}

/* Watch the folder that is there now, in place of one that was there before. */
static int folder_watch_renew(FolderWatch *w) {
        int r;

        w->inside = sd_event_source_disable_unref(w->inside);
        r = sd_event_add_inotify(w->event, &w->inside, w->folder,
                                 IN_MOVED_TO | IN_DELETE | IN_ONLYDIR, folder_watch_on_inside, w);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        return r < 0 ? r : sd_event_source_set_exit_on_failure(w->inside, 1);
}

static int folder_watch_on_above(sd_event_source *s, const struct inotify_event *e,
                                 void *userdata) {
        FolderWatch *w = userdata;
        int r;

        if (!(e->mask & IN_Q_OVERFLOW) &&
            (e->len == 0 || strcmp(e->name, strrchr(w->folder, '/') + 1) != 0))
                return 0;
        r = folder_watch_renew(w);
        return r < 0 ? r : w->fn(w->userdata);
}

int folder_watch_new(FolderWatch **ret_watch, sd_event *event, const char *folder, FolderWatchFn fn,
                     void *userdata) {
        _cleanup_(folder_watch_freep) FolderWatch *w = malloc(sizeof(*w));
        _cleanup_free_ char *above = strdup(folder);
        char *slash = above ? strrchr(above, '/') : NULL;
        int r;

        if (!w)
                return -ENOMEM;
        *w = (FolderWatch){
                .event = event, .fn = fn, .userdata = userdata, .folder = strdup(folder)};
        if (!w->folder || !above)
                return -ENOMEM;
        if (!slash || slash == above)
                return -EINVAL;
        *slash = '\0';
        r = sd_event_add_inotify(event, &w->above, above,
                                 IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR,
                                 folder_watch_on_above, w);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(w->above, 1);
        if (r >= 0)
                r = folder_watch_renew(w);
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
        free(w->folder);
        free(w);
        return NULL;
}
