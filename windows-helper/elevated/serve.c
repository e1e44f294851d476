/* SPDX-License-Identifier: MIT */

/*
 * Carries out requests as an administrator. It does only what elevated_admit() lets pass, and never
 * runs anything that the other process names.
 */

#include "windows-helper/elevated/serve.h"

#include "windows-helper/core/setup/import.h"
#include "windows-helper/core/vm/wsl-answer.h"
#include "windows-helper/elevated/pipe.h"
#include "windows-helper/install/install.h"
#include "windows-helper/store/adopt.h"
#include "windows-helper/vm/pair-keys.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include "common/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVE_IDLE_MS 1800000 /* the user's half may work in the guest between two requests */
#define SERVE_NO_RIGHTS                                                                       \
        "Windows gave no administrator rights, because User Account Control is off: "         \
        "an administrator has to turn it on, or to run 'wslbridge-helper install' and 'pair " \
        "--print'"

typedef struct Serve {
        ElevatedPipe pipe;
        ElevatedState state;
        PairKeys keys;
        uint8_t key[WIRE_KEY_SIZE];
        char why[ELEVATED_LINE_MAX]; /* the last error that was logged */
        WireListen range;            /* of the ELEVATED_ADOPT */
} Serve;

/* What is logged here nobody would see, because this process has no window. The last error is the
 * answer, all lines are shown. */
static void serve_log(void *userdata, const char *line) {
        Serve *s = userdata;

        (void) snprintf(s->why, sizeof(s->why), "%.*s", ELEVATED_LINE_MAX - 16, line);
        (void) elevated_pipe_write(&s->pipe, "say", s->why);
}

static int serve_install(void) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        const wchar_t *options = _wgetenv(L"WSLBRIDGE_TEST_INSTALL");

        return install(options ? options : L"");
#else
        return install(L"");
#endif
}

static int serve_key(Serve *s) {
        char line[2 * WIRE_KEY_SIZE + 1];
        int r = random_bcrypt(s->key, sizeof(s->key));

        if (r < 0)
                return r;
        hex_format(s->key, WIRE_KEY_SIZE, line);
        r = elevated_pipe_write(&s->pipe, "key", line);
        SecureZeroMemory(line, sizeof(line));
        return r;
}

static int serve_word(Serve *s, ElevatedWord word, const char *argument) {
        switch (word) {
        case ELEVATED_INSTALL:
                return serve_install();
        case ELEVATED_KEY:
                return serve_key(s);
        case ELEVATED_PUT:
                return pair_keys_put(&s->keys, argument);
        case ELEVATED_RESTORE:
                return pair_keys_restore(&s->keys, argument);
        case ELEVATED_UNPAIR:
                return key_store_remove(&s->keys.store, argument, NULL);
        case ELEVATED_ADOPT:
                return adopt_range(&s->range);
        case ELEVATED_BYE:
        case _ELEVATED_WORD_END:
                break;
        }
        return 0;
}

/* Return: whether more may come. */
static bool serve_line(Serve *s, const char *line) {
        const char *argument, *refused;
        ElevatedWord word;
        int r;

        if (elevated_parse(line, &word, &argument) < 0) {
                (void) elevated_pipe_write(&s->pipe, "error", "That is no request");
                return false;
        }
        if (import_parse_listen(argument, &s->range) < 0)
                s->range.count = 0;
        refused = elevated_admit(&s->state, word, argument, wsl_answer_is_owner(argument),
                                 s->range.count);
        if (refused)
                return elevated_pipe_write(&s->pipe, "error", refused) == 0;
        s->why[0] = '\0';
        r = serve_word(s, word, argument);
        if (word == ELEVATED_UNPAIR && r == -ENOENT)
                r = 0; /* it is not paired, as was asked */
        if (r < 0)
                r = elevated_pipe_write(&s->pipe, "error",
                                        s->why[0] ? s->why : "It could not be done");
        else if (word != ELEVATED_KEY)
                r = elevated_pipe_write(&s->pipe, "ok", NULL);
        return r >= 0 && word != ELEVATED_BYE;
}

/* The process at the other end must not act with our rights, so it may find out who we are and no
 * more (SECURITY_IDENTIFICATION; fact 9.7.2). */
static HANDLE serve_open(const char *pipe) {
        wchar_t name[128];

        if (!elevated_is_pipe(pipe) || win_to_wide(pipe, name, ARRAYSIZE(name)) < 0) {
                log_write(LOG_LEVEL_ERROR, "'setup-elevated' is started by 'setup' only");
                return INVALID_HANDLE_VALUE;
        }
        return CreateFileW(
                name, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, 0, NULL, OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
}

/* Where User Account Control is off, the verb runas asks nobody, and a user without rights gets
 * none (fact 9.7.7). */
static bool serve_may(void) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        if (getenv("WSLBRIDGE_TEST_RUNAS")) /* Wine is always like that */
                return true;
#endif
        return rights_administrator();
}

int elevated_serve(const char *pipe) {
        Serve *s = calloc(1, sizeof(*s));
        char line[ELEVATED_LINE_MAX];
        HANDLE handle = s ? serve_open(pipe) : INVALID_HANDLE_VALUE;

        if (handle == INVALID_HANDLE_VALUE) {
                free(s);
                return EXIT_FAILURE;
        }
        s->pipe.handle = handle;
        s->keys = (PairKeys){.store = KEY_STORE_INIT, .key = s->key};
        log_to_function(serve_log, s);
        if (serve_may()) {
                (void) elevated_pipe_write(&s->pipe, "hello", PROJECT_VERSION);
                while (elevated_pipe_read(&s->pipe, NULL, SERVE_IDLE_MS, line) == 0 &&
                       serve_line(s, line))
                        ;
        } else {
                (void) elevated_pipe_write(&s->pipe, "error", SERVE_NO_RIGHTS);
        }
        pair_keys_done(&s->keys);
        (void) CloseHandle(handle);
        SecureZeroMemory(s, sizeof(*s));
        free(s);
        return EXIT_SUCCESS;
}
