/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ConfigWatch: reports that something below the configuration directories may have changed, so that
 * saving a file is enough. It does not look at contents; the owner loads everything again.
 *
 * It watches the directories, not the files, because editors replace files. When a directory does
 * not exist or cannot be read, its nearest parent that can be read is watched instead. The file
 * that a link points to is not watched: after a change there, reload by hand.
 */

#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

/* The rename, chmod and backup of an editor cause one reload. Further events do not extend the
 * delay, so that a directory in which something always changes is still read. */
#define CONFIG_WATCH_DEBOUNCE_USEC (100 * USEC_PER_MSEC)

typedef struct ConfigWatch ConfigWatch;

/* Return: 0, or negative errno to end the event loop. */
typedef int (*ConfigWatchFn)(void *userdata);

/* @root and @event are borrowed and must outlive the watch. Return: 0 or negative errno. */
int configwatch_new(ConfigWatch **ret_watch, sd_event *event, const char *root, ConfigWatchFn fn,
                    void *userdata);
ConfigWatch *configwatch_free(ConfigWatch *w);
DEFINE_CLEANUP(ConfigWatch *, configwatch_free);

/* Make all watches anew, after something that causes no event (a limit that was raised).
 * Call it before reading the files. Return: 0, also when something cannot be watched, or -ENOMEM.
 */
int configwatch_renew(ConfigWatch *w);

/* Return: 0, or the negative errno because of which a change may go unnoticed (mostly, that the
 * kernel's limits of inotify are used up). It is as old as the last renewal or noticed change. */
int configwatch_error(const ConfigWatch *w);
