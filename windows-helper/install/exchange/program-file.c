/* SPDX-License-Identifier: MIT */

/*
 * Copying, renaming and deleting the file of a program.
 */

#include "windows-helper/install/exchange/program-file.h"
#include "windows-helper/core/install/pending.h"
#include "windows-helper/program/report.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>

#define PROGRAM_WAIT_MS 10000
#define PROGRAM_POLL_MS 100
#define PROGRAM_IN_USE  "removed when Windows is restarted, because it is in use"
#define PROGRAM_WHO_HELD                                                         \
        "another program has it open. Close the Event Viewer and whatever else " \
        "shows the file, or restart Windows"

bool program_exists(const wchar_t *path) {
        return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

bool program_same_file(const wchar_t *a, const wchar_t *b) {
        BY_HANDLE_FILE_INFORMATION info[2];
        const wchar_t *paths[] = {a, b};

        for (int i = 0; i < 2; i++) {
                HANDLE file = CreateFileW(paths[i], FILE_READ_ATTRIBUTES,
                                          FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                          NULL, OPEN_EXISTING, 0, NULL);
                bool known =
                        file != INVALID_HANDLE_VALUE && GetFileInformationByHandle(file, &info[i]);

                if (file != INVALID_HANDLE_VALUE)
                        (void) CloseHandle(file);
                if (!known)
                        return false;
        }
        return info[0].dwVolumeSerialNumber == info[1].dwVolumeSerialNumber &&
               info[0].nFileIndexHigh == info[1].nFileIndexHigh &&
               info[0].nFileIndexLow == info[1].nFileIndexLow;
}

/* Call @try until it succeeds, or fails in another way than because of somebody who has the file
 * open. Return: the error of the last time. */
static DWORD program_retry(DWORD (*try)(const wchar_t *from, const wchar_t *to, DWORD flags),
                           const wchar_t *from, const wchar_t *to, DWORD flags) {
        DWORD error = ERROR_SUCCESS;

        for (int waited = 0; waited <= PROGRAM_WAIT_MS; waited += PROGRAM_POLL_MS) {
                error = try(from, to, flags);
                if (error != ERROR_SHARING_VIOLATION && error != ERROR_ACCESS_DENIED &&
                    error != ERROR_LOCK_VIOLATION)
                        break;
                Sleep(PROGRAM_POLL_MS);
        }
        return error;
}

int program_old_name(const wchar_t *path, wchar_t ret_name[PATHS_MAX]) {
        FILETIME now;
        int n;

        GetSystemTimePreciseAsFileTime(&now);
        n = win_format(ret_name, PATHS_MAX, L"%ls.%08lx%08lx" PENDING_OLD, path, now.dwHighDateTime,
                       now.dwLowDateTime);
        return n > 0 && n < PATHS_MAX ? 0 : -ENAMETOOLONG;
}

static DWORD program_try_rename(const wchar_t *from, const wchar_t *to, DWORD flags) {
        return MoveFileExW(from, to, flags | MOVEFILE_WRITE_THROUGH) ? ERROR_SUCCESS
                                                                     : GetLastError();
}

/* Open the file with the right that a rename needs. */
static DWORD program_try_open(const wchar_t *from, const wchar_t *to, DWORD flags) {
        HANDLE file =
                CreateFileW(from, DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                            NULL, OPEN_EXISTING, 0, NULL);

        if (file == INVALID_HANDLE_VALUE)
                return GetLastError();
        (void) CloseHandle(file);
        return ERROR_SUCCESS;
}

static DWORD program_rename_quietly(const wchar_t *from, const wchar_t *to, DWORD flags) {
        return program_retry(program_try_rename, from, to, flags);
}

static int program_rename_error(const wchar_t *path, DWORD error) {
        if (error == ERROR_SUCCESS)
                return 0;
        if (error == ERROR_SHARING_VIOLATION || error == ERROR_LOCK_VIOLATION)
                return log_win_error(error, "Cannot rename '%s': " PROGRAM_WHO_HELD,
                                     WIN_UTF8(path));
        return log_win_error(error, "Cannot rename '%s'", WIN_UTF8(path));
}

int program_is_free(const wchar_t *path) {
        return program_rename_error(path, program_retry(program_try_open, path, NULL, 0));
}

int program_rename(const wchar_t *from, const wchar_t *to, DWORD flags) {
        return program_rename_error(from, program_rename_quietly(from, to, flags));
}

static DWORD program_try_flush(const wchar_t *path, const wchar_t *to, DWORD flags) {
        HANDLE file = CreateFileW(path, GENERIC_WRITE,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                  OPEN_EXISTING, 0, NULL);
        DWORD error = ERROR_SUCCESS;

        if (file == INVALID_HANDLE_VALUE || !FlushFileBuffers(file))
                error = GetLastError();
        if (file != INVALID_HANDLE_VALUE)
                (void) CloseHandle(file);
        return error;
}

/* A copy of a file that is read-only would be so, too: it could not be replaced later. One of a
 * file from the Internet would be marked like that, and policies act on the mark (fact 9.2.13). */
static DWORD program_try_copy(const wchar_t *from, const wchar_t *to, DWORD flags) {
        wchar_t mark[PATHS_MAX];

        if (!CopyFileW(from, to, FALSE))
                return GetLastError();
        (void) SetFileAttributesW(to, FILE_ATTRIBUTE_NORMAL);
        if (win_format(mark, PATHS_MAX, L"%ls:Zone.Identifier", to) > 0)
                (void) DeleteFileW(mark);
        return ERROR_SUCCESS;
}

int program_copy_file(const wchar_t *from, const wchar_t *to) {
        DWORD error = program_retry(program_try_copy, from, to, 0);

        if (error == ERROR_SUCCESS)
                error = program_retry(program_try_flush, to, NULL, 0);
        return error == ERROR_SUCCESS
                       ? 0
                       : log_win_error(error, "Cannot copy the program to '%s'", WIN_UTF8(to));
}

int program_drop(const wchar_t *path) {
        if (DeleteFileW(path) || GetLastError() == ERROR_FILE_NOT_FOUND ||
            GetLastError() == ERROR_PATH_NOT_FOUND)
                return 0;
        return log_win_error(GetLastError(), "Cannot delete '%s'", WIN_UTF8(path));
}

int program_delete_file(const wchar_t *path) {
        wchar_t old[PATHS_MAX];
        DWORD error;

        if (DeleteFileW(path)) {
                report_done("file", path);
                return 0;
        }
        error = GetLastError();
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return 0;
        /* A program cannot delete its own file while it runs. The restart is told another name,
         * because an installation before it may use this one again. */
        if (program_old_name(path, old) < 0)
                return -ENAMETOOLONG;
        error = program_rename_quietly(path, old, 0);
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot delete '%s': " PROGRAM_WHO_HELD,
                                     WIN_UTF8(path));
        if (!DeleteFileW(old) && !MoveFileExW(old, NULL, MOVEFILE_DELAY_UNTIL_REBOOT))
                return log_win_error(GetLastError(), "Cannot delete '%s' at the next restart",
                                     WIN_UTF8(old));
        report_done("file", path);
        if (program_exists(old))
                report_remark(PROGRAM_IN_USE);
        return 0;
}

void program_delete_folder(const wchar_t *path) {
        if (RemoveDirectoryW(path)) {
                report_done("folder", path);
        } else if (program_exists(path) && MoveFileExW(path, NULL, MOVEFILE_DELAY_UNTIL_REBOOT)) {
                report_done("folder", path);
                report_remark("removed when Windows is restarted, if it is empty then");
        }
}

void program_sweep_old(const wchar_t *path) {
        wchar_t pattern[PATHS_MAX], old[PATHS_MAX];
        const wchar_t *name = wcsrchr(path, L'\\');
        WIN32_FIND_DATAW found;
        HANDLE search;

        if (!name || win_format(pattern, PATHS_MAX, L"%ls.*" PENDING_OLD, path) < 0)
                return;
        search = FindFirstFileW(pattern, &found);
        if (search == INVALID_HANDLE_VALUE)
                return;
        do {
                if (win_format(old, PATHS_MAX, L"%.*ls\\%ls", (int) (name - path), path,
                               found.cFileName) > 0 &&
                    !DeleteFileW(old))
                        (void) MoveFileExW(old, NULL, MOVEFILE_DELAY_UNTIL_REBOOT);
        } while (FindNextFileW(search, &found));
        (void) FindClose(search);
}
