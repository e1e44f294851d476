/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * FolderWatch: tells that files in a folder were replaced or removed, or that the folder itself has
 * come or gone, as the folders of services in /run do. The folder above it must stay.
 */

#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

typedef struct FolderWatch FolderWatch;

/* Something may be different now: read what is there. Return: 0, or negative errno, which ends the
 * event loop. */
typedef int (*FolderWatchFn)(void *userdata);

/**
 * folder_watch_new() - begin to watch; the folder need not be there
 * @event: borrowed, must outlive the watch
 *
 * Only files that are renamed into place are noticed, and not those that are written there. What
 * happened before this returns is not told, so read the files after it. A folder that we may not
 * read counts as one that is not there. Whatever fails later is tried again after a pause, and only
 * -ENOMEM ends the event loop.
 *
 * Return: 0, also when a reason that passes has put the watch off; or negative errno.
 */
int folder_watch_new(FolderWatch **ret_watch, sd_event *event, const char *folder, FolderWatchFn fn,
                     void *userdata);
FolderWatch *folder_watch_free(FolderWatch *w);
DEFINE_CLEANUP(FolderWatch *, folder_watch_free);
