/* SPDX-License-Identifier: MIT */
#include "windows-helper/drift.h"
#include "windows-helper/log.h"
#include "windows-helper/portproxy-store.h"

#include <errno.h>
#include <stdlib.h>

/* A batch of writes, ours or another program's, is over well within this; a value of ours that
 * somebody deleted must be back within a second. */
#define DRIFT_SETTLE_USEC 50000ULL
#define DRIFT_RETRY_USEC  5000000ULL /* the watch could not be armed */

struct Drift {
        RegistryKey key;   /* PortProxy, the parent of all families */
        HANDLE event;      /* owned; set by the registry */
        LoopWait *wait;    /* owned */
        uint64_t due_usec; /* LOOP_NO_DEADLINE: nothing was told */
};

static void drift_on_change(LoopOp *op, DWORD error, DWORD n_bytes) {
        Drift *d = op->userdata;

        if (d->due_usec == LOOP_NO_DEADLINE)
                d->due_usec = loop_now_usec() + DRIFT_SETTLE_USEC;
}

/* One notification per arming. It belongs to the thread that arms it: the loop's, which lives as
 * long as we do. */
static int drift_arm(Drift *d) {
        LSTATUS error = ERROR_KEY_DELETED;

        for (int attempt = 0; attempt < 2 && error == ERROR_KEY_DELETED; attempt++) {
                int r;

                r = registry_create(&d->key);
                if (r < 0)
                        return r;
                error = RegNotifyChangeKeyValue(d->key.key, TRUE,
                                                REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET,
                                                d->event, TRUE);
                if (error != ERROR_SUCCESS)
                        registry_close(&d->key);
        }
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Failed to watch 'HKLM\\%ls'", d->key.path);
        return 0;
}

int drift_new(Drift **ret_drift, Loop *loop) {
        Drift *d = calloc(1, sizeof(*d));
        int r = 0;

        if (!d)
                return -ENOMEM;
        *d = (Drift){
                .key = REGISTRY_KEY_INIT(PORTPROXY_STORE_PATH),
                .due_usec = LOOP_NO_DEADLINE,
        };
        d->event = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (!d->event)
                r = log_win_error(GetLastError(), "Failed to create an event");
        else
                r = loop_wait_new(&d->wait, loop, d->event, drift_on_change, d);
        if (r == 0)
                r = drift_arm(d);
        if (r < 0) {
                drift_free(d);
                return r;
        }
        *ret_drift = d;
        return 0;
}

Drift *drift_free(Drift *d) {
        if (!d)
                return NULL;
        loop_wait_free(d->wait);
        registry_close(&d->key);
        if (d->event)
                (void) CloseHandle(d->event);
        free(d);
        return NULL;
}

bool drift_tick(Drift *d, uint64_t now_usec) {
        if (now_usec < d->due_usec)
                return false;
        d->due_usec = drift_arm(d) < 0 ? now_usec + DRIFT_RETRY_USEC : LOOP_NO_DEADLINE;
        return true;
}

uint64_t drift_deadline(const Drift *d) {
        return d->due_usec;
}
