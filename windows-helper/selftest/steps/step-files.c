/* SPDX-License-Identifier: MIT */

/*
 * Step 12: what Windows lets an update do with a program that runs or is shown. The program is a
 * copy of this one in our data folder, started without letting it run.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/store/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define FILES_RESTART_KEY   L"SYSTEM\\CurrentControlSet\\Control\\Session Manager"
#define FILES_RESTART_VALUE L"PendingFileRenameOperations"

typedef struct Files {
        wchar_t program[PATHS_MAX], renamed[PATHS_MAX], other[PATHS_MAX];
        PROCESS_INFORMATION process;
        HANDLE job;
} Files;

/* Return: whether all paths are known and written down. */
static bool files_begin(Step *s, Files *f) {
        if (paths_data(STEP_FOLDER L"-program.exe", f->program) < 0 ||
            paths_data(STEP_FOLDER L"-renamed.exe", f->renamed) < 0 ||
            paths_data(STEP_FOLDER L"-other.exe", f->other) < 0)
                return false;
        if (!journal_begin(s, CHANGE_FILE, "%s", WIN_UTF8(f->program)))
                return false;
        journal_end();
        if (!journal_begin(s, CHANGE_FILE, "%s", WIN_UTF8(f->renamed)))
                return false;
        journal_end();
        return journal_begin(s, CHANGE_FILE, "%s", WIN_UTF8(f->other));
}

static bool files_copy(Step *s, const Files *f) {
        wchar_t own[PATHS_MAX];
        uint64_t began = step_clock();
        DWORD n = GetModuleFileNameW(NULL, own, ARRAYSIZE(own)), error = ERROR_SUCCESS;

        if (n == 0 || n >= ARRAYSIZE(own) || !CopyFileW(own, f->program, FALSE) ||
            !CopyFileW(own, f->other, FALSE))
                error = GetLastError();
        step_line(s, "files.copy", "CopyFileW", error, began, "two copies of this program");
        return error == ERROR_SUCCESS;
}

static bool files_start(Step *s, Files *f) {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags =
                                                               JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE};
        STARTUPINFOW start = {.cb = sizeof(start)};
        wchar_t command[] = L"wslbridge-selftest";
        uint64_t began = step_clock();
        DWORD error = ERROR_SUCCESS;

        if (!CreateProcessW(f->program, command, NULL, NULL, FALSE,
                            CREATE_SUSPENDED | CREATE_NO_WINDOW, NULL, NULL, &start, &f->process))
                error = GetLastError();
        step_line(s, "files.start", "CreateProcessW, suspended", error, began,
                  "one of them is started and stands still");
        if (error != ERROR_SUCCESS)
                return false;
        /* So that it ends with us, whatever ends us. */
        f->job = CreateJobObjectW(NULL, NULL);
        if (f->job) {
                (void) SetInformationJobObject(f->job, JobObjectExtendedLimitInformation, &limits,
                                               sizeof(limits));
                (void) AssignProcessToJobObject(f->job, f->process.hProcess);
        }
        return true;
}

static void files_stop(Files *f) {
        (void) TerminateProcess(f->process.hProcess, EXIT_FAILURE);
        (void) WaitForSingleObject(f->process.hProcess, 5000);
        (void) CloseHandle(f->process.hThread);
        (void) CloseHandle(f->process.hProcess);
        if (f->job)
                (void) CloseHandle(f->job);
}

static void files_move(Step *s, const char *key, const wchar_t *from, const wchar_t *to,
                       DWORD flags, const char *what) {
        uint64_t began = step_clock();
        DWORD error = MoveFileExW(from, to, flags) ? ERROR_SUCCESS : GetLastError();

        step_line(s, key, "MoveFileExW", error, began, "%s", what);
}

/* The running one first: it is not deleted nor replaced, but renamed. */
static void files_try(Step *s, const Files *f) {
        uint64_t began = step_clock();
        DWORD error = DeleteFileW(f->program) ? ERROR_SUCCESS : GetLastError();
        HMODULE shown;

        step_line(s, "files.delete", "DeleteFileW", error, began, "delete a program that runs");
        files_move(s, "files.replace", f->other, f->program, MOVEFILE_REPLACE_EXISTING,
                   "replace it by another file");
        files_move(s, "files.rename", f->program, f->renamed, 0, "rename it");
        shown = LoadLibraryExW(f->other, NULL, LOAD_LIBRARY_AS_DATAFILE);
        if (!shown)
                return;
        /* Another copy, where the running program was. */
        if (CopyFileW(f->renamed, f->program, TRUE))
                files_move(s, "files.replace-shown", f->program, f->other,
                           MOVEFILE_REPLACE_EXISTING, "replace a file whose messages are shown");
        (void) DeleteFileW(f->program);
        files_move(s, "files.rename-shown", f->other, f->program, 0,
                   "rename a file whose messages are shown");
        (void) FreeLibrary(shown);
}

/* The form of our entry: what is before the path. */
static void files_look_pending(Step *s, const wchar_t *path, uint64_t began) {
        wchar_t *list = calloc(65536, sizeof(*list));
        DWORD size = 65536 * sizeof(*list) - 2 * sizeof(*list);
        LSTATUS error = ERROR_OUTOFMEMORY;

        if (list)
                error = RegGetValueW(HKEY_LOCAL_MACHINE, FILES_RESTART_KEY, FILES_RESTART_VALUE,
                                     RRF_RT_REG_MULTI_SZ, NULL, list, &size);
        if (error != ERROR_SUCCESS)
                step_line(s, "files.pending", "RegGetValueW", (DWORD) error, began, "the list");
        for (wchar_t *entry = list; error == ERROR_SUCCESS && entry < list + size / sizeof(*list);
             entry += wcslen(entry) + 1) {
                wchar_t *at = wcsstr(entry, path), *name;
                bool known;

                if (!at)
                        continue;
                *at = L'\0';
                name = entry;
                if (*name == L'*')
                        name += 1 + wcsspn(name + 1, L"0123456789");
                known = wcscmp(name, L"\\??\\") == 0;
                step_line(s, "files.delay", "RegGetValueW", !known, began,
                          "the entry begins with '%s', which is known: %s", WIN_UTF8(entry),
                          known ? "yes" : "no");
                break;
        }
        free(list);
}

static void files_delay(Step *s) {
        uint64_t began = step_clock();
        wchar_t path[PATHS_MAX];
        DWORD error;

        if (paths_data(STEP_FOLDER L"-at-restart", path) < 0 ||
            !journal_begin(s, CHANGE_RESTART, "%s", WIN_UTF8(path)))
                return;
        error = MoveFileExW(path, NULL, MOVEFILE_DELAY_UNTIL_REBOOT) ? ERROR_SUCCESS
                                                                     : GetLastError();
        journal_end();
        step_line(s, "files.delay-call", "MoveFileExW", error, began,
                  "a file that does not exist is to be deleted at the next restart");
        if (error == ERROR_SUCCESS)
                files_look_pending(s, path, began);
}

void step_files(Step *s) {
        Files f = {.job = NULL};

        if (files_begin(s, &f)) {
                bool copied = files_copy(s, &f);

                journal_end();
                if (copied && files_start(s, &f)) {
                        files_try(s, &f);
                        files_stop(&f);
                }
        }
        files_delay(s);
}
