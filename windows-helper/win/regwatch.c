/* SPDX-License-Identifier: MIT */

/*
 * Registry notifications, collected for a moment, and armed again at the key or its ancestor.
 */

#include "windows-helper/win/regwatch.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for a batch of writes, by us or another program, to end. Short enough that a value of
 * ours that was deleted is back within a second. */
#define REGWATCH_SETTLE_USEC 50000ULL
#define REGWATCH_RETRY_USEC  5000000ULL /* the watch could not be armed */

struct RegWatch {
        const wchar_t *path; /* borrowed */
        void (*fn)(void *userdata);
        void *userdata;
        HKEY key;          /* owned: the key itself, or its nearest ancestor that exists */
        HANDLE event;      /* owned; set by the registry */
        LoopWait *wait;    /* owned */
        uint64_t due_usec; /* when a change is to be reported, or LOOP_NO_DEADLINE */
        LogLimit limit;    /* of lines about a key that refuses to be watched */
};

static void regwatch_on_change(LoopOp *op, DWORD error, DWORD n_bytes) {
        RegWatch *w = op->userdata;

        if (w->due_usec == LOOP_NO_DEADLINE)
                w->due_usec = loop_now_usec() + REGWATCH_SETTLE_USEC;
}

/* Open the key, or its nearest ancestor that exists; *ret_whole tells whether it is the key. */
static LSTATUS regwatch_open(RegWatch *w, bool *ret_whole) {
        wchar_t path[MAX_PATH];
        LSTATUS error;

        (void) wcsncpy(path, w->path, MAX_PATH - 1);
        path[MAX_PATH - 1] = L'\0';
        *ret_whole = true;
        while (true) {
                wchar_t *end;

                error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_NOTIFY, &w->key);
                if (error != ERROR_FILE_NOT_FOUND && error != ERROR_PATH_NOT_FOUND)
                        return error;
                *ret_whole = false;
                end = wcsrchr(path, L'\\');
                if (!end)
                        return error;
                *end = L'\0';
        }
}

static void regwatch_disarm(RegWatch *w) {
        if (w->key)
                (void) RegCloseKey(w->key); /* sets the event */
        w->key = NULL;
        (void) ResetEvent(w->event);
}

/* An armed watch notifies once (fact 9.3.6). The notification belongs to the thread that armed it,
 * here the loop's thread, which lives long enough. Of an ancestor only the names of its subkeys
 * matter, because one of them is the next part of the path. */
static int regwatch_arm(RegWatch *w) {
        LSTATUS error = ERROR_KEY_DELETED;
        bool whole = false;

        for (int attempt = 0; attempt < 2 && error == ERROR_KEY_DELETED; attempt++) {
                regwatch_disarm(w);
                error = regwatch_open(w, &whole);
                if (error == ERROR_SUCCESS)
                        error = RegNotifyChangeKeyValue(
                                w->key, whole,
                                REG_NOTIFY_CHANGE_NAME | (whole ? REG_NOTIFY_CHANGE_LAST_SET : 0),
                                w->event, TRUE);
        }
        if (error != ERROR_SUCCESS && !log_may(&w->limit))
                return -EIO;
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot watch 'HKLM\\%s'", WIN_UTF8(w->path));
        return 0;
}

int regwatch_new(RegWatch **ret_watch, Loop *loop, const wchar_t *path, void (*fn)(void *userdata),
                 void *userdata) {
        RegWatch *w = calloc(1, sizeof(*w));
        int r = 0;

        if (!w)
                return -ENOMEM;
        *w = (RegWatch){
                .path = path,
                .fn = fn,
                .userdata = userdata,
                .due_usec = LOOP_NO_DEADLINE,
        };
        w->event = CreateEventW(NULL, FALSE, FALSE, NULL);
        if (!w->event)
                r = log_win_error(GetLastError(), "Cannot create an event");
        else
                r = loop_wait_new(&w->wait, loop, w->event, regwatch_on_change, w);
        if (r == 0)
                r = regwatch_arm(w);
        if (r < 0) {
                regwatch_free(w);
                return r;
        }
        *ret_watch = w;
        return 0;
}

RegWatch *regwatch_free(RegWatch *w) {
        if (!w)
                return NULL;
        loop_wait_free(w->wait);
        if (w->key)
                (void) RegCloseKey(w->key);
        if (w->event)
                (void) CloseHandle(w->event);
        free(w);
        return NULL;
}

void regwatch_tick(RegWatch *w, uint64_t now_usec) {
        if (now_usec < regwatch_deadline(w))
                return;
        w->due_usec = regwatch_arm(w) < 0 ? now_usec + REGWATCH_RETRY_USEC : LOOP_NO_DEADLINE;
        w->fn(w->userdata);
}

uint64_t regwatch_deadline(const RegWatch *w) {
        return w ? w->due_usec : LOOP_NO_DEADLINE;
}
