/* SPDX-License-Identifier: MIT */

/*
 * What the lock of an installation says when it cannot be had, with the calls for its file
 * replaced: Wine denies nothing to the user of the tests. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#define CreateFileW        fake_create
#define GetFileAttributesW fake_attributes

static HANDLE WINAPI fake_create(LPCWSTR path, DWORD access, DWORD share,
                                 LPSECURITY_ATTRIBUTES security, DWORD how, DWORD flags,
                                 HANDLE template);
static DWORD WINAPI fake_attributes(LPCWSTR path);

#include "windows-helper/install/lock.c"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct {
        DWORD create, look; /* errors */
        char said[64];      /* the beginning of the last line of the log */
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static HANDLE WINAPI fake_create(LPCWSTR path, DWORD access, DWORD share,
                                 LPSECURITY_ATTRIBUTES security, DWORD how, DWORD flags,
                                 HANDLE template) {
        SetLastError(fake.create);
        return fake.create == ERROR_SUCCESS ? (HANDLE) &fake : INVALID_HANDLE_VALUE;
}

static DWORD WINAPI fake_attributes(LPCWSTR path) {
        SetLastError(fake.look);
        return fake.look == ERROR_SUCCESS ? FILE_ATTRIBUTE_NORMAL : INVALID_FILE_ATTRIBUTES;
}

int paths_program(const wchar_t *file, wchar_t ret_path[PATHS_MAX]) {
        (void) win_format(ret_path, PATHS_MAX, L"C:\\x");
        return 0;
}

void log_write(LogLevel level, const char *format, ...) {
        (void) snprintf(fake.said, sizeof(fake.said), "%s", format);
}

int log_win_error(DWORD error, const char *format, ...) {
        (void) snprintf(fake.said, sizeof(fake.said), "%s", format);
        return win_errno(error);
}

/* @said: what it has to say, NULL for nothing */
static bool takes(DWORD create, DWORD look, int r, const char *said) {
        HANDLE lock = NULL;

        fake.create = create;
        fake.look = look;
        fake.said[0] = '\0';
        return lock_take(&lock) == r && (said ? strstr(fake.said, said) != NULL : !fake.said[0]);
}

int main(void) {
        static const char others[] = "Another program", denied[] = "Cannot create";

        check("it is free", takes(ERROR_SUCCESS, ERROR_FILE_NOT_FOUND, 0, NULL));
        check("another installation has it",
              takes(ERROR_SHARING_VIOLATION, ERROR_SUCCESS, -EBUSY, others));
        check("or is just letting it go",
              takes(ERROR_ACCESS_DENIED, ERROR_ACCESS_DENIED, -EBUSY, others));
        check("or is another user's", takes(ERROR_ACCESS_DENIED, ERROR_SUCCESS, -EBUSY, others));
        check("without rights there is none",
              takes(ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, -EACCES, denied));
        check("the disk is full", takes(ERROR_DISK_FULL, ERROR_FILE_NOT_FOUND, -ENOSPC, denied));
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
