/* SPDX-License-Identifier: MIT */

/*
 * The conversation with 'wslbridgectl pair --confirm' in a distro.
 */

#include "windows-helper/vm/wsl-pair.h"

#include "windows-helper/vm/pair-guard.h"
#include "windows-helper/vm/wsl-run.h"
#include "windows-helper/win/log.h"

#include "common/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WSL_EXIT_USAGE 2 /* wslbridgectl's, for an option that it does not know */

typedef struct WslProcess {
        WslRun run;
        const char *distro; /* borrowed */
} WslProcess;

/* Send the key as hexadecimal digits and a line feed. The text is wiped afterwards. */
static int wsl_send_key(WslProcess *w, const uint8_t key[WIRE_KEY_SIZE]) {
        char line[2 * WIRE_KEY_SIZE + 2];
        bool sent;

        hex_format(key, WIRE_KEY_SIZE, line);
        line[sizeof(line) - 2] = '\n';
        sent = wsl_run_send(&w->run, line, sizeof(line) - 1);
        SecureZeroMemory(line, sizeof(line));
        return sent ? 0 : -EPIPE; /* wsl.exe has ended; what it said tells why */
}

/* Return: 0; -EPROTO when the process has ended without that answer; -ETIMEDOUT; -EINTR; or
 * -ENOMEM.
 */
static int wsl_wait(WslProcess *w, const char *word, uint32_t limit_ms, bool (*stop)(void),
                    char ret_owner[WSL_OWNER_MAX + 1]) {
        ULONGLONG end = GetTickCount64() + limit_ms;

        while (true) {
                bool any;
                int n = wsl_run_take(&w->run, &any);

                if (n < 0)
                        return n;
                if (wsl_answer_find(buffer_text(&w->run.output.text), word, w->run.ended && n == 0,
                                    ret_owner))
                        return 0;
                if (GetTickCount64() > end) /* also where it writes without end */
                        return -ETIMEDOUT;
                if (stop && stop())
                        return -EINTR;
                if (any)
                        continue;
                if (w->run.ended)
                        return -EPROTO;
                wsl_run_pause(&w->run);
        }
}

static uint32_t wsl_limit(uint32_t ms) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        wchar_t text[16];

        if (GetEnvironmentVariableW(L"WSLBRIDGE_TEST_PAIR_MS", text, ARRAYSIZE(text)) > 0)
                return (uint32_t) wcstoul(text, NULL, 10);
#endif
        return ms;
}

/* @after: what this means for the two ends. */
static void wsl_report(WslProcess *w, int error, const char *after) {
        char shown[WSL_SHOWN_MAX + 1], how[64];
        int32_t code = w->run.ended ? wsl_run_code(&w->run) : 0;

        wsl_answer_show(buffer_text(&w->run.errors.text), buffer_text(&w->run.output.text), shown);
        if (error == -EINTR)
                (void) snprintf(how, sizeof(how), "stopped by Ctrl-C");
        else if (error == -ETIMEDOUT)
                (void) snprintf(how, sizeof(how), "no answer in time");
        else if (w->run.ended)
                (void) snprintf(how, sizeof(how), "exit code %ld", (long) code);
        else
                (void) snprintf(how, sizeof(how), "its answer could not be read");
        log_write(LOG_LEVEL_ERROR, "'%s' was not paired (%s)%s%s. %s", w->distro, how,
                  shown[0] ? ": " : "", shown, after);
        if (w->run.ended && code == WSL_EXIT_USAGE && strstr(shown, "--confirm"))
                log_write(LOG_LEVEL_ERROR,
                          "wslbridge in '%s' is older than this program: update "
                          "it there, then pair again",
                          w->distro);
}

/* The guest has answered with its identity. From here on the host may have the new key, so that
 * nobody must end this program before both agree. */
static int wsl_agree(WslProcess *w, const WslPairStore *store, const char *owner) {
        char confirmed[WSL_OWNER_MAX + 1] = "";
        int r = store->put(store->userdata, owner);

        if (r < 0) { /* the guest reads the end of its input, and keeps what it has */
                log_write(LOG_LEVEL_ERROR, "'%s' was not paired; nothing has changed at either end",
                          w->distro);
                return r;
        }
        r = wsl_run_send(&w->run, WSL_WORD_STORED, strlen(WSL_WORD_STORED)) ? 0 : -EPIPE;
        if (r == 0)
                r = wsl_wait(w, WSL_WORD_CONFIRMED, wsl_limit(WSL_PAIR_CONFIRM_MS),
                             pair_guard_gives_up, confirmed);
        if (r == -EINTR)
                r = -ETIMEDOUT; /* the window was closed, so there was less of it */
        if (r == 0 && strcmp(confirmed, owner) == 0)
                return 0;
        if (store->restore(store->userdata, owner) < 0)
                wsl_report(w, r,
                           "This host now has the new key, and the guest may have the old "
                           "one: pair it again");
        else
                wsl_report(w, r,
                           "This host has what it had before. If the guest has the new key "
                           "all the same, it is refused until you pair it again");
        return r < 0 ? r : -EPROTO;
}

int wsl_pair(const char *distro, const uint8_t key[WIRE_KEY_SIZE], const WslPairStore *store,
             char ret_owner[WSL_OWNER_MAX + 1]) {
        WslProcess w = {.distro = distro};
        int r = wsl_run_start(&w.run, distro, L"wslbridgectl pair --confirm");

        if (r < 0) {
                wsl_run_done(&w.run);
                return r;
        }
        (void) wsl_send_key(&w, key);
        r = wsl_wait(&w, WSL_WORD_PAIRED, wsl_limit(WSL_PAIR_ANSWER_MS), store->stop, ret_owner);
        if (r < 0) {
                wsl_report(&w, r,
                           "Nothing has changed at either end. Check that the name is right "
                           "('wsl --list') and that wslbridge is installed in it");
        } else {
                pair_guard_begin(store->stop != NULL);
                r = wsl_agree(&w, store, ret_owner);
                pair_guard_end();
        }
        if (r == 0) /* it has confirmed, and may take its time to end */
                w.run.ended = true;
        wsl_run_done(&w.run);
        return r;
}
