/* SPDX-License-Identifier: MIT */

/*
 * The distance to the most endpoints that there were.
 */

#include "windows-helper/core/base/slack-watch.h"

bool slack_watch_tick(SlackWatch *s, size_t n, uint64_t now_usec) {
        if (n > s->most)
                s->most = n;
        if (s->most - n < SLACK_WATCH_LEAST) {
                s->due_usec = 0;
                return false;
        }
        if (s->due_usec == 0)
                s->due_usec = now_usec + SLACK_WATCH_USEC;
        if (now_usec < s->due_usec)
                return false;
        *s = (SlackWatch){.most = n};
        return true;
}

uint64_t slack_watch_deadline(const SlackWatch *s) {
        return s->due_usec ? s->due_usec : UINT64_MAX;
}
