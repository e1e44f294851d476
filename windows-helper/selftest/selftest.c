/* SPDX-License-Identifier: MIT */

/*
 * What is around the passes: one self-test at a time, the data folder, and the last look.
 */

#include "windows-helper/selftest/selftest.h"
#include "windows-helper/core/selftest/facts.h"
#include "windows-helper/install/scm.h"
#include "windows-helper/selftest/oneshot.h"
#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/selftest/tools/undo.h"
#include "windows-helper/store/fact-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SELFTEST_MUTEX L"Global\\wslbridge-selftest"

/* A service that a self-test which was killed has left may be changing things yet, so it ends
 * first. What keeps it from ending is said when its entry in the journal is taken back. */
static unsigned selftest_take_back(Buffer *left) {
        (void) undo_service();
        return journal_undo(0, left);
}

/* The folder is made with the rights that it has in an installation. */
static int selftest_folder(void) {
        wchar_t folder[PATHS_MAX];
        int r = paths_data(NULL, folder);

        if (r < 0)
                return r;
        if (GetFileAttributesW(folder) != INVALID_FILE_ATTRIBUTES)
                return secure_folder(folder, SECURE_PUBLIC_FILE);
        if (!journal_begin(NULL, CHANGE_FOLDER, "%s", WIN_UTF8(folder)))
                return -EIO;
        r = secure_folder(folder, SECURE_PUBLIC_FILE);
        journal_end();
        return r;
}

/* While the program runs and is about to be run by SYSTEM, nobody may put another one in its place.
 * Return: to be closed, or INVALID_HANDLE_VALUE. */
static HANDLE selftest_hold_program(void) {
        wchar_t exe[PATHS_MAX];
        DWORD n = GetModuleFileNameW(NULL, exe, ARRAYSIZE(exe));

        if (n == 0 || n >= ARRAYSIZE(exe))
                return INVALID_HANDLE_VALUE;
        return CreateFileW(exe, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
}

/* Where the helper is installed, what holds on this machine is kept for 'doctor' and 'status'. */
static void selftest_keep_facts(const SelftestLines *lines) {
        ScmEntry entry;
        bool installed = scm_read(SCM_HELPER, &entry) == 0 && entry.exists;

        scm_entry_done(&entry);
        for (size_t i = 0; installed && i < n_unverified_facts; i++) {
                const SelftestLine *why;
                FactVerdict v = fact_judge(&unverified_facts[i], lines, &why);

                if (v != FACT_NOT_SEEN)
                        fact_store_note(unverified_facts[i].id, v == FACT_HOLDS);
        }
}

static void selftest_passes(const StepOptions *options, PassFn fn, SelftestReport *report,
                            Buffer *left) {
        StepOptions user = *options, service = *options, relay = *options;
        HANDLE program = selftest_hold_program();
        ChildPipes distro = CHILD_PIPES_NULL;
        DWORD code;

        user.distro = &distro;
        user.pass = SELFTEST_USER;
        user.watch_s = 0; /* the service's pass watches */
        report->ended = pass_run(&user, &report->lines, fn, left);
        service.pass = SELFTEST_SERVICE;
        service.held = child_is_held(&distro, &code);
        if (report->ended)
                oneshot_run(&service, &report->lines, fn, left);
        child_let_go(&distro); /* the relay needs no VM */
        relay.pass = SELFTEST_RELAY;
        relay.watch_s = 0;
        report->ended = WaitForSingleObject(options->stop, 0) != WAIT_OBJECT_0;
        if (report->ended)
                oneshot_run(&relay, &report->lines, fn, left);
        report->ended = WaitForSingleObject(options->stop, 0) != WAIT_OBJECT_0;
        if (program != INVALID_HANDLE_VALUE)
                (void) CloseHandle(program);
}

static int selftest_run_alone(const StepOptions *options, PassFn fn, SelftestReport *report) {
        Buffer left = BUFFER_NULL;
        unsigned n = selftest_take_back(NULL);
        int r;

        if (n > 0)
                log_write(LOG_LEVEL_NOTICE,
                          "Changes of an earlier self-test that were taken back: %u", n);
        r = selftest_folder();
        if (r == 0) {
                selftest_passes(options, fn, report, &left);
                selftest_keep_facts(&report->lines);
        }
        /* What could not be taken back at once is tried once more. */
        buffer_done(&left);
        (void) journal_undo(0, &left);
        journal_look(&left);
        if (buffer_length(&left) > 0) {
                report->left = malloc(buffer_length(&left) + 1);
                if (report->left)
                        strcpy(report->left, buffer_text(&left)); /* NOLINT: it has its size */
        }
        buffer_done(&left);
        return r;
}

/* There is one self-test at a time. Return: 0; -EBUSY or another negative errno (logged). */
static int selftest_lock(HANDLE *ret_mutex) {
        *ret_mutex = CreateMutexW(NULL, FALSE, SELFTEST_MUTEX);
        if (!*ret_mutex)
                return log_win_error(GetLastError(), "Cannot make a mutex");
        if (GetLastError() != ERROR_ALREADY_EXISTS)
                return 0;
        (void) CloseHandle(*ret_mutex);
        log_write(LOG_LEVEL_ERROR, "A self-test is running already; wait for its end");
        return -EBUSY;
}

int selftest_run(const StepOptions *options, PassFn fn, SelftestReport *ret_report) {
        HANDLE mutex;
        int r = selftest_lock(&mutex);

        *ret_report = SELFTEST_REPORT_NULL;
        if (r < 0)
                return r;
        r = selftest_run_alone(options, fn, ret_report);
        (void) CloseHandle(mutex);
        return r;
}

int selftest_clean(unsigned *ret_n, Buffer *left) {
        HANDLE mutex;
        int r = selftest_lock(&mutex);

        *ret_n = 0;
        if (r < 0)
                return r;
        *ret_n = selftest_take_back(left);
        journal_look(left);
        (void) CloseHandle(mutex);
        return 0;
}
