/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ConfigWatch: tells when something below the configuration directories may have changed, so that
 * saving a file is enough. It does not look at contents; the owner loads everything again.
 *
 * Watched are the directories, not the files (editors replace files). Where a directory does not
 * exist yet, or cannot be read, its nearest parent that can is watched for it. The file that a link
 * points to is not watched: after a change there, reload by hand.
 */

#include "agent/util/cleanup.h"

#include <systemd/sd-event.h>

/* An editor's rename, chmod and backup make one reload; not re-armed, so that a directory that
 * never rests is still read. */
#define CONFIG_WATCH_DEBOUNCE_USEC (100 * USEC_PER_MSEC)

typedef struct ConfigWatch ConfigWatch;

/* Return: 0, or negative errno to end the event loop. */
typedef int (*ConfigWatchFn)(void *userdata);

/* @root, @event: borrowed, must outlive the watch. Return: 0 or negative errno. */
int configwatch_new(ConfigWatch **ret_watch, sd_event *event, const char *root, ConfigWatchFn fn,
                    void *userdata);
ConfigWatch *configwatch_free(ConfigWatch *w);
DEFINE_CLEANUP(ConfigWatch *, configwatch_free);

/* Watch anew, after what no event tells (a mount, a limit that was raised); call it before reading
 * the files. Return: 0, also when something cannot be watched, or -ENOMEM. */
int configwatch_renew(ConfigWatch *w);

/* Return: 0, or the negative errno for which some change may go unnoticed (mostly that the kernel's
 * limits of inotify are used up); as of the last change that was noticed, or renewal. */
int configwatch_error(const ConfigWatch *w);
