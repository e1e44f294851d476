/* SPDX-License-Identifier: MIT */

/*
 * Copying, renaming and deleting the program. What needs the file is tried for a while, because a
 * virus scanner may have it open for a moment.
 */

#include "windows-helper/install/program.h"
#include "windows-helper/core/install/pending.h"
#include "windows-helper/install/report.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>

#define PROGRAM_EXE     L"wslbridge-helper.exe"
#define PROGRAM_COPY    PROGRAM_EXE L".new"
#define PROGRAM_KEPT    PROGRAM_EXE L".kept"
#define PROGRAM_WAIT_MS 10000
#define PROGRAM_POLL_MS 100
#define PROGRAM_IN_USE  "removed when Windows is restarted, because it is in use"
#define PROGRAM_WHO_HELD                                                         \
        "another program has it open. Close the Event Viewer and whatever else " \
        "shows the file, or restart Windows"

static bool program_exists(const wchar_t *path) {
        return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* Whether two paths lead to one file, however they are written. */
static bool program_same_file(const wchar_t *a, const wchar_t *b) {
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

static int program_self(wchar_t ret_path[PATHS_MAX]) {
        DWORD n = GetModuleFileNameW(NULL, ret_path, PATHS_MAX);

        if (n == 0 || n >= PATHS_MAX)
                return log_win_error(GetLastError(), "Cannot find the file of this program");
        return 0;
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

/* A name beside @path that no file has had: the time in 100 ns. */
static int program_old_name(const wchar_t *path, wchar_t ret_name[PATHS_MAX]) {
        FILETIME now;
        int n;

        GetSystemTimePreciseAsFileTime(&now);
        n = win_format(ret_name, PATHS_MAX, L"%ls.%08lx%08lx" PENDING_OLD, path, now.dwHighDateTime,
                       now.dwLowDateTime);
        return n > 0 && n < PATHS_MAX ? 0 : -ENAMETOOLONG;
}

int program_open(Program *p, const wchar_t *source) {
        int r = 0;

        *p = (Program){.restart = RESTART_NULL};
        if (source)
                (void) wcsncpy(p->source, source, PATHS_MAX - 1);
        else
                r = program_self(p->source);
        if (r == 0)
                r = paths_program(NULL, p->folder);
        if (r == 0)
                r = paths_data(NULL, p->data);
        if (r == 0)
                r = paths_program(PROGRAM_EXE, p->exe);
        if (r == 0)
                r = paths_program(PROGRAM_COPY, p->copy);
        if (r == 0)
                r = program_old_name(p->exe, p->aside);
        if (r < 0)
                return r;
        p->is_self = program_same_file(p->source, p->exe);
        p->had_folder = program_exists(p->folder);
        return 0;
}

void program_close(Program *p) {
        restart_free(&p->restart);
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

static DWORD program_rename(const wchar_t *from, const wchar_t *to, DWORD flags) {
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

static int program_rename_or_say(const wchar_t *from, const wchar_t *to, DWORD flags) {
        return program_rename_error(from, program_rename(from, to, flags));
}

/* Call @fn for each file beside the program whose name begins with the program's and ends with
 * .old. The names are in the order of time if @fn only compares them. */
static void program_each_old(const Program *p, void (*fn)(void *userdata, const wchar_t *path),
                             void *userdata) {
        wchar_t pattern[PATHS_MAX], path[PATHS_MAX];
        WIN32_FIND_DATAW found;
        HANDLE search;

        if (win_format(pattern, PATHS_MAX, L"%ls.*" PENDING_OLD, p->exe) < 0)
                return;
        search = FindFirstFileW(pattern, &found);
        if (search == INVALID_HANDLE_VALUE)
                return;
        do {
                if (win_format(path, PATHS_MAX, L"%ls\\%ls", p->folder, found.cFileName) > 0)
                        fn(userdata, path);
        } while (FindNextFileW(search, &found));
        (void) FindClose(search);
}

static void program_take_newest(void *userdata, const wchar_t *path) {
        wchar_t *newest = userdata;

        if (_wcsicmp(path, newest) > 0)
                (void) wcscpy(newest, path); /* both have PATHS_MAX characters */
}

void program_repair(const Program *p) {
        wchar_t newest[PATHS_MAX] = L"";

        if (program_exists(p->exe))
                return;
        program_each_old(p, program_take_newest, newest);
        if (newest[0] && program_rename(newest, p->exe, 0) == ERROR_SUCCESS)
                report_done("repaired", p->exe);
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

static DWORD program_try_copy(const wchar_t *from, const wchar_t *to, DWORD flags) {
        DWORD error = CopyFileW(from, to, FALSE) ? ERROR_SUCCESS : GetLastError();

        /* A copy of a file that is read-only would be so, too: it could not be replaced later. */
        if (error == ERROR_SUCCESS)
                (void) SetFileAttributesW(to, FILE_ATTRIBUTE_NORMAL);
        return error;
}

/* Copy, and wait until the copy is on the disk. Return: 0 or negative errno (logged). */
static int program_copy_file(const wchar_t *from, const wchar_t *to) {
        DWORD error = program_retry(program_try_copy, from, to, 0);

        if (error == ERROR_SUCCESS)
                error = program_retry(program_try_flush, to, NULL, 0);
        return error == ERROR_SUCCESS
                       ? 0
                       : log_win_error(error, "Cannot copy the program to '%s'", WIN_UTF8(to));
}

int program_copy(Program *p) {
        int r = 0;

        if (p->is_self)
                return 0;
        /* What could not be renamed later is better known while the old version serves. */
        if (program_exists(p->exe))
                r = program_rename_error(p->exe, program_retry(program_try_open, p->exe, NULL, 0));
        if (r < 0)
                return r;
        /* The folder inherits the protection of Program Files: users may read and run, not write.
         */
        if (!CreateDirectoryW(p->folder, NULL) && GetLastError() != ERROR_ALREADY_EXISTS)
                return log_win_error(GetLastError(), "Cannot create folder '%s'",
                                     WIN_UTF8(p->folder));
        /* It is on the disk before it replaces a program that works. */
        return program_copy_file(p->source, p->copy);
}

int program_copy_undo(Program *p) {
        if (p->is_self)
                return 0;
        if (!DeleteFileW(p->copy) && GetLastError() != ERROR_FILE_NOT_FOUND &&
            GetLastError() != ERROR_PATH_NOT_FOUND)
                return log_win_error(GetLastError(), "Cannot delete '%s'", WIN_UTF8(p->copy));
        if (!p->had_folder)
                (void) RemoveDirectoryW(p->folder);
        return 0;
}

int program_pend(Program *p) {
        const wchar_t *const folders[] = {p->folder, p->data};
        bool exchange = !p->is_self && program_exists(p->exe);

        return restart_spare(&p->restart, folders, ARRAYSIZE(folders), exchange ? p->aside : NULL,
                             p->exe);
}

/* If the way back could not rename the program, a restart has to. */
int program_pend_undo(Program *p) {
        return p->is_aside ? 0 : restart_undo(&p->restart);
}

int program_away(Program *p) {
        int r;

        if (p->is_self || !program_exists(p->exe))
                return 0;
        r = program_rename_or_say(p->exe, p->aside, 0);
        p->is_aside = r == 0;
        return r;
}

int program_away_undo(Program *p) {
        int r;

        if (!p->is_aside)
                return 0;
        r = program_rename_or_say(p->aside, p->exe, MOVEFILE_REPLACE_EXISTING);
        p->is_aside = r < 0;
        return r;
}

int program_place(Program *p) {
        int r;

        if (p->is_self)
                return 0;
        r = program_rename_or_say(p->copy, p->exe, 0);
        p->is_placed = r == 0;
        if (r == 0)
                report_done("program", p->exe);
        return r;
}

/* An antivirus may have taken the new program away by now; then there is nothing to take back. */
int program_place_undo(Program *p) {
        return p->is_placed && program_exists(p->exe)
                       ? program_rename_or_say(p->exe, p->copy, MOVEFILE_REPLACE_EXISTING)
                       : 0;
}

static void program_sweep_one(void *userdata, const wchar_t *path) {
        if (!DeleteFileW(path))
                (void) MoveFileExW(path, NULL, MOVEFILE_DELAY_UNTIL_REBOOT);
}

/* The pair that brings the old program back would do nothing at the restart, because there is a
 * program; but it is no longer wanted. */
void program_sweep(Program *p) {
        const wchar_t *const folders[] = {p->folder};
        Restart restart = RESTART_NULL;

        (void) restart_spare(&restart, folders, ARRAYSIZE(folders), NULL, NULL);
        restart_free(&restart);
        (void) DeleteFileW(p->copy);
        program_each_old(p, program_sweep_one, NULL);
}

bool program_is_installed(void) {
        wchar_t exe[PATHS_MAX];

        return paths_program(PROGRAM_EXE, exe) == 0 && program_exists(exe);
}

int program_kept(wchar_t ret_path[PATHS_MAX]) {
        return paths_program(PROGRAM_KEPT, ret_path);
}

int program_keep(void) {
        wchar_t exe[PATHS_MAX], kept[PATHS_MAX];
        int r = paths_program(PROGRAM_EXE, exe);

        if (r == 0)
                r = program_kept(kept);
        return r < 0 ? r : program_copy_file(exe, kept);
}

void program_forget(void) {
        wchar_t kept[PATHS_MAX];

        if (program_kept(kept) == 0)
                (void) DeleteFileW(kept);
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
        error = program_rename(path, old, 0);
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

int program_remove(Program *p) {
        const wchar_t *const folders[] = {p->folder};
        Restart restart = RESTART_NULL;
        int r, r2;

        /* What an installation that was killed has planned must not bring the program back. */
        r = restart_spare(&restart, folders, ARRAYSIZE(folders), NULL, NULL);
        restart_free(&restart);
        (void) DeleteFileW(p->copy);
        program_forget();
        r2 = program_delete_file(p->exe);
        program_each_old(p, program_sweep_one, NULL);
        program_delete_folder(p->folder);
        return r < 0 ? r : r2;
}
