/* SPDX-License-Identifier: MIT */

/*
 * The thread that looks at the firewall. See firewall-watch.h.
 */

#include "windows-helper/host/firewall-watch.h"
#include "windows-helper/host/firewall-sight.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

#define WATCH_END_MS 2000 /* how long a look may take at the end */

/* When to look after a hint, and then for ever. */
static const DWORD watch_delays_ms[] = {500, 2000, 8000, 120000};

/* When the rules are read: without a hint, and at the earliest after a hint and after the last
 * time. */
#define WATCH_RULES_MS     600000
#define WATCH_RULES_SOON   2000
#define WATCH_RULES_GAP_MS 30000

struct FirewallWatch {
        LoopGate gate;
        LoopOp op;
        FirewallWatchFn fn;
        void *userdata;

        HANDLE thread, stop, hint, hint_rules; /* owned */
        SRWLOCK lock;                          /* of the next two */
        FirewallSight found;                   /* for the loop */
        bool fresh;                            /* .found has not been fetched yet */

        /* Used by the thread only. */
        FirewallSight last;
        ULONGLONG rules_read, rules_due; /* on the clock of GetTickCount64() */
};

static void watch_look(FirewallWatch *w) {
        bool rules = GetTickCount64() >= w->rules_due || !w->last.known;
        FirewallSight now = FIREWALL_SIGHT_NULL, copy;

        if (rules) {
                w->rules_read = GetTickCount64();
                w->rules_due = w->rules_read + WATCH_RULES_MS;
        }
        if (firewall_sight_read_settings(rules ? NULL : &w->last, &now) < 0) {
                w->rules_due = w->rules_read + WATCH_RULES_GAP_MS;
                return;
        }
        if (firewall_sight_equal(&now, &w->last) || firewall_sight_copy(&copy, &now) < 0) {
                firewall_sight_done(&now);
                return;
        }
        firewall_sight_done(&w->last);
        w->last = now;
        AcquireSRWLockExclusive(&w->lock);
        firewall_sight_done(&w->found);
        w->found = copy;
        w->fresh = true;
        ReleaseSRWLockExclusive(&w->lock);
        loop_gate_post(&w->gate, &w->op);
}

/* The rules may have changed: read them soon, but not all the time. */
static void watch_expect_rules(FirewallWatch *w) {
        ULONGLONG due = GetTickCount64() + WATCH_RULES_SOON;

        if (due < w->rules_read + WATCH_RULES_GAP_MS)
                due = w->rules_read + WATCH_RULES_GAP_MS;
        if (due < w->rules_due)
                w->rules_due = due;
}

static DWORD watch_timeout(const FirewallWatch *w, size_t step) {
        ULONGLONG now = GetTickCount64(), left = w->rules_due > now ? w->rules_due - now : 0;

        return left < watch_delays_ms[step] ? (DWORD) left : watch_delays_ms[step];
}

static DWORD WINAPI watch_thread(void *parameter) {
        FirewallWatch *w = parameter;
        HANDLE events[] = {w->stop, w->hint, w->hint_rules};
        DWORD wait = WAIT_TIMEOUT;
        size_t step = 0;

        while (wait != WAIT_OBJECT_0) {
                if (wait == WAIT_OBJECT_0 + 2)
                        watch_expect_rules(w);
                if (wait != WAIT_TIMEOUT)
                        step = 0;
                watch_look(w);
                wait = WaitForMultipleObjects(ARRAYSIZE(events), events, FALSE,
                                              watch_timeout(w, step));
                if (step + 1 < ARRAYSIZE(watch_delays_ms))
                        step++;
        }
        return 0;
}

static void watch_on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        FirewallWatch *w = op->userdata;
        FirewallSight found = FIREWALL_SIGHT_NULL;
        bool fresh;

        AcquireSRWLockExclusive(&w->lock);
        fresh = w->fresh;
        if (fresh) {
                found = w->found;
                w->found = FIREWALL_SIGHT_NULL;
                w->fresh = false;
        }
        ReleaseSRWLockExclusive(&w->lock);
        if (fresh) /* otherwise an earlier packet has brought it */
                w->fn(w->userdata, &found);
}

int firewall_watch_new(FirewallWatch **ret_watch, Loop *loop, FirewallWatchFn fn, void *userdata) {
        FirewallWatch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        *w = (FirewallWatch){
                .gate = LOOP_GATE(loop),
                .op = {.fn = watch_on_packet, .userdata = w},
                .fn = fn,
                .userdata = userdata,
                .lock = SRWLOCK_INIT,
        };
        w->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
        w->hint = CreateEventW(NULL, FALSE, FALSE, NULL);
        w->hint_rules = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (w->stop && w->hint && w->hint_rules)
                w->thread = CreateThread(NULL, 0, watch_thread, w, 0, NULL);
        if (!w->thread) {
                r = log_win_error(GetLastError(), "Cannot start a thread");
                firewall_watch_free(w);
                return r;
        }
        *ret_watch = w;
        return 0;
}

FirewallWatch *firewall_watch_free(FirewallWatch *w) {
        if (!w)
                return NULL;
        if (w->thread) {
                (void) SetEvent(w->stop);
                /* A thread that waits for a hanging service still uses @w. It ends when the service
                 * answers, or with the process. */
                if (WaitForSingleObject(w->thread, WATCH_END_MS) != WAIT_OBJECT_0) {
                        loop_gate_close(&w->gate);
                        return NULL;
                }
                (void) CloseHandle(w->thread);
        }
        if (w->hint_rules)
                (void) CloseHandle(w->hint_rules);
        if (w->hint)
                (void) CloseHandle(w->hint);
        if (w->stop)
                (void) CloseHandle(w->stop);
        firewall_sight_done(&w->found);
        firewall_sight_done(&w->last);
        free(w);
        return NULL;
}

void firewall_watch_hint(FirewallWatch *w) {
        if (w)
                (void) SetEvent(w->hint);
}

void firewall_watch_hint_rules(FirewallWatch *w) {
        if (w)
                (void) SetEvent(w->hint_rules);
}
