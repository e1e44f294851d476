/* SPDX-License-Identifier: MIT */

/*
 * The file belongs to the user, and other programs write it, too. While it is replaced, it is open
 * so that nobody else can write it, and its content is compared with what was read first.
 */

#include "windows-helper/setup/parts/wslconfig-file.h"

#include "common/wsl/wsl-ini.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WSLCONFIG_NEW  L".wslbridge-new" /* behind the name of the file itself */
#define WSLCONFIG_LONG L"\\\\?\\"        /* before a path that Windows gives back */

void wslconfig_file_done(WslconfigFile *f) {
        buffer_done(&f->bytes);
}

/* Open for reading. Until it is closed, nobody can write, but it can be renamed. */
static HANDLE open_file(const wchar_t *path) {
        return CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

/* Return: @error, for the last line of a function. */
__attribute__((format(gnu_printf, 3, 4))) static int fail(WslconfigFile *f, int error,
                                                          const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(f->why, sizeof(f->why), format, args);
        va_end(args);
        return error;
}

/* Logs what Windows says. */
static int fail_win(WslconfigFile *f, DWORD error, const char *what) {
        (void) log_win_error(error, "%s '%s'", what, WIN_UTF8(f->target));
        return fail(f, win_errno(error), "%s '%s' (error %lu)", what, WIN_UTF8(f->target),
                    (unsigned long) error);
}

static int cannot_open(WslconfigFile *f, DWORD error) {
        DWORD attributes = GetFileAttributesW(f->path);

        if (attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
                return fail(f, -EISDIR, "'%s' is a folder; rename it, then run setup again",
                            WIN_UTF8(f->path));
        if (error == ERROR_SHARING_VIOLATION)
                return fail(f, -EBUSY,
                            "Another program is writing '%s'; close it, then run setup again",
                            WIN_UTF8(f->path));
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return fail(f, -ENOENT,
                            "'%s' is a link, and what it leads to does not exist; mend or delete "
                            "it, then run setup again",
                            WIN_UTF8(f->path));
        return fail_win(f, error, "Cannot read");
}

/* One byte more than may be edited, so that a file that is too large is noticed. */
static int read_all(WslconfigFile *f, HANDLE file, Buffer *ret) {
        uint8_t *room;
        DWORD n = 0;

        if (buffer_reserve(ret, INI_FILE_MAX + 1, &room) < 0)
                return fail(f, -ENOMEM, "There is not enough memory");
        if (!ReadFile(file, room, INI_FILE_MAX + 1, &n, NULL))
                return fail_win(f, GetLastError(), "Cannot read");
        buffer_commit(ret, n);
        return 0;
}

/* What would keep us from replacing the file, or would be lost by it. */
static int check_file(WslconfigFile *f, HANDLE file) {
        BY_HANDLE_FILE_INFORMATION info;

        if (!GetFileInformationByHandle(file, &info))
                return fail_win(f, GetLastError(), "Cannot query");
        if (info.dwFileAttributes & FILE_ATTRIBUTE_READONLY)
                return fail(f, -EROFS,
                            "'%s' is read-only; allow writing with 'attrib.exe -R \"%s\"', then "
                            "run setup again",
                            WIN_UTF8(f->target), WIN_UTF8(f->target));
        if (info.nNumberOfLinks > 1)
                return fail(f, -EMLINK,
                            "'%s' has %lu names (hard links), which would become separate files; "
                            "make the change yourself",
                            WIN_UTF8(f->target), (unsigned long) info.nNumberOfLinks);
        return 0;
}

static int find_target(WslconfigFile *f, HANDLE file) {
        wchar_t full[PATHS_MAX];
        size_t skip = wcslen(WSLCONFIG_LONG);
        DWORD n = GetFinalPathNameByHandleW(file, full, PATHS_MAX, FILE_NAME_NORMALIZED);

        wcscpy(f->target, f->path);
        if (n == 0 || n >= PATHS_MAX || wcsncmp(full, WSLCONFIG_LONG, skip) != 0)
                return fail_win(f, n == 0 ? GetLastError() : ERROR_FILENAME_EXCED_RANGE,
                                "Cannot find the place of");
        /* On a share it stays "\\?\UNC\…", which Windows takes everywhere. */
        wcscpy(f->target, wcsncmp(full + skip, L"UNC\\", 4) == 0 ? full : full + skip);
        return 0;
}

int wslconfig_file_read(WslconfigFile *ret_file) {
        WslconfigFile *f = ret_file;
        HANDLE file;
        int r;

        *f = (WslconfigFile){0};
        r = paths_profile(WSLCONFIG_NAME, f->path);
        if (r < 0)
                return fail(f, r, "Windows does not tell the folder of this user");
        wcscpy(f->target, f->path);
        file = open_file(f->path);
        if (file == INVALID_HANDLE_VALUE) {
                DWORD error = GetLastError();

                /* A link that leads nowhere has attributes. */
                if (GetFileAttributesW(f->path) == INVALID_FILE_ATTRIBUTES &&
                    GetLastError() == ERROR_FILE_NOT_FOUND)
                        return 0;
                return cannot_open(f, error);
        }
        f->exists = true;
        r = find_target(f, file);
        if (r == 0)
                r = check_file(f, file);
        if (r == 0)
                r = read_all(f, file, &f->bytes);
        (void) CloseHandle(file);
        return r;
}

/* @file: of f->target, or INVALID_HANDLE_VALUE when there is none */
static int check_unchanged(WslconfigFile *f, HANDLE file) {
        bool exists = file != INVALID_HANDLE_VALUE, same = exists == f->exists;
        Buffer now = BUFFER_NULL;
        int r = exists ? read_all(f, file, &now) : 0;

        same = same && buffer_length(&now) == buffer_length(&f->bytes) &&
               memcmp(buffer_text(&now), buffer_text(&f->bytes), buffer_length(&now)) == 0;
        buffer_done(&now);
        if (r < 0 || same)
                return r;
        return fail(f, -EAGAIN,
                    "Somebody has changed '%s' meanwhile, so it was not written; run setup again",
                    WIN_UTF8(f->path));
}

static int make_copy(WslconfigFile *f, bool *ret_copied) {
        wchar_t copy[PATHS_MAX];

        if (!f->exists || paths_profile(WSLCONFIG_COPY, copy) < 0)
                return 0;
        *ret_copied = CopyFileW(f->target, copy, /* fail_if_exists= */ TRUE);
        if (*ret_copied || GetLastError() == ERROR_FILE_EXISTS ||
            GetLastError() == ERROR_ALREADY_EXISTS)
                return 0;
        return fail_win(f, GetLastError(), "There can be no copy of");
}

static int write_new(WslconfigFile *f, const wchar_t *path, const Buffer *content) {
        DWORD n_content = (DWORD) buffer_length(content), n = 0, error = ERROR_SUCCESS;
        HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                                  FILE_ATTRIBUTE_NORMAL, NULL);

        if (file == INVALID_HANDLE_VALUE)
                return fail_win(f, GetLastError(), "Cannot create a file beside");
        if (!WriteFile(file, buffer_text(content), n_content, &n, NULL) || !FlushFileBuffers(file))
                error = GetLastError();
        else if (n != n_content)
                error = ERROR_DISK_FULL;
        (void) CloseHandle(file);
        return error == ERROR_SUCCESS ? 0 : fail_win(f, error, "Cannot write a file beside");
}

/* ReplaceFile() keeps the rights and the attributes of the old file (fact 9.2.12). */
static int put_in_place(WslconfigFile *f, const wchar_t *new) {
        if (f->exists ? ReplaceFileW(f->target, new, NULL, REPLACEFILE_IGNORE_MERGE_ERRORS, NULL,
                                     NULL)
                      : MoveFileExW(new, f->target, MOVEFILE_WRITE_THROUGH))
                return 0;
        return fail_win(f, GetLastError(), "Nothing was changed, because Windows does not replace");
}

int wslconfig_file_write(WslconfigFile *f, const Buffer *content, bool copy, bool *ret_copied) {
        wchar_t new[PATHS_MAX + ARRAYSIZE(WSLCONFIG_NEW)];
        HANDLE file = open_file(f->target);
        int r;

        *ret_copied = false;
        if (file == INVALID_HANDLE_VALUE && f->exists && GetLastError() != ERROR_FILE_NOT_FOUND)
                return cannot_open(f, GetLastError());
        wcscpy(new, f->target);
        wcscat(new, WSLCONFIG_NEW);
        r = check_unchanged(f, file);
        if (r == 0 && copy)
                r = make_copy(f, ret_copied);
        if (r == 0)
                r = write_new(f, new, content);
        if (r == 0)
                r = put_in_place(f, new);
        if (r < 0)
                (void) DeleteFileW(new);
        if (file != INVALID_HANDLE_VALUE)
                (void) CloseHandle(file);
        return r;
}
