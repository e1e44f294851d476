/* SPDX-License-Identifier: MIT */

/*
 * What setup makes of Windows' answer to the verb runas, with the call replaced: Wine asks nobody
 * and refuses nothing. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <shellapi.h>

#undef ShellExecuteExW
#define ShellExecuteExW fake_execute

static BOOL WINAPI fake_execute(SHELLEXECUTEINFOW *info);

#include "windows-helper/elevated/elevated.c"

#include <stdarg.h>

static struct {
        DWORD error;
        char said[256]; /* the last error of the log */
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static BOOL WINAPI fake_execute(SHELLEXECUTEINFOW *info) {
        SetLastError(fake.error);
        return FALSE;
}

bool rights_administrator(void) {
        return false;
}

int random_bcrypt(uint8_t *bytes, size_t n) {
        memset(bytes, 7, n);
        return 0;
}

int paths_program(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        return -ENOENT;
}

int file_read(const wchar_t *path, size_t max, char **ret_text, size_t *ret_n) {
        return -ENOENT;
}

void log_write(LogLevel level, const char *format, ...) {
}

int log_win_error(DWORD error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(fake.said, sizeof(fake.said), format, args);
        va_end(args);
        return win_errno(error);
}

/* @said: in the log; NULL: nothing. @why: for the user. */
static bool answers(DWORD error, const char *said, const char *why) {
        Elevated e = {.process = NULL};
        bool good;

        memset(&fake, 0, sizeof(fake));
        fake.error = error;
        good = elevated_ready(&e) < 0 && strstr(e.why, why) &&
               (said ? strstr(fake.said, said) != NULL : !fake.said[0]);
        elevated_done(&e);
        return good;
}

int main(void) {
        check("the user's no is no error", answers(ERROR_CANCELLED, NULL, "not given, by you"));
        check("a policy that wants a signature is named",
              answers(ERROR_DS_REFERRAL, "elevated half, because a policy elevates signed programs",
                      "did not start"));
        check("and not for another error",
              answers(ERROR_FILE_NOT_FOUND, "elevated half", "start") &&
                      !strstr(fake.said, "policy"));
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
