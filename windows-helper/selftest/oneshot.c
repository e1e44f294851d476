/* SPDX-License-Identifier: MIT */

/*
 * The command's half of the one-shot services.
 */

#include "windows-helper/selftest/oneshot.h"
#include "windows-helper/install/scm-config.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/selftest/oneshot-private.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/selftest/tools/undo.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/secure.h"

#include <stdio.h>
#include <stdlib.h>

#define ONESHOT_STEP    2 /* the lines about the service itself are beside those of its token */
#define ONESHOT_TITLE   L"wslbridge self-test"
#define ONESHOT_POLL_MS 100
#define ONESHOT_MORE_MS 60000 /* beside the steps: its start and its end */
/* Made from the service's name (fact 9.1.15). */
#define ONESHOT_RELAY_SID L"S-1-5-80-2463174148-1587098940-2890559687-3760443409-2838717508"
#define ONESHOT_FILE_MAX  (4u * 1024 * 1024)
#define ONESHOT_COMMAND   (PATHS_MAX + 64)

const OneshotKind oneshot_kinds[_SELFTEST_PASS_END] = {
        [SELFTEST_SERVICE] = {STEP_SERVICE_NAME, L"--service", STEP_FOLDER L"-service.json",
                              SECURE_SECRET_FILE, SCM_HELPER},
        [SELFTEST_RELAY] = {STEP_RELAY_NAME, L"--relay", STEP_FOLDER L"-relay.json",
                            SECURE_SECRET_FILE L"(A;;FRFW;;;" ONESHOT_RELAY_SID L")", SCM_RELAY},
};

typedef struct Oneshot {
        const StepOptions *options; /* borrowed, as the next two */
        const OneshotKind *kind;
        SelftestLines *lines;
        wchar_t file[PATHS_MAX];
} Oneshot;

static void oneshot_line(const Oneshot *o, const char *key, const char *api, DWORD code,
                         uint64_t began, const char *text) {
        SelftestLine line = {
                .pass = o->options->pass,
                .step = ONESHOT_STEP,
                .done = true,
                .code = code,
                .ms = (uint32_t) ((step_clock() - began) / 1000),
        };

        (void) snprintf(line.key, sizeof(line.key), "%s", key);
        (void) snprintf(line.api, sizeof(line.api), "%s", api);
        (void) snprintf(line.text, sizeof(line.text), "%s", text);
        selftest_lines_add(o->lines, &line);
}

/* Quotes, because there may be spaces in the path (fact 9.1.7). */
static DWORD oneshot_command(const Oneshot *o, wchar_t ret_command[ONESHOT_COMMAND]) {
        wchar_t exe[PATHS_MAX];
        DWORD n = GetModuleFileNameW(NULL, exe, ARRAYSIZE(exe));

        if (n == 0 || n >= ARRAYSIZE(exe))
                return ERROR_BAD_PATHNAME;
        (void) win_format(ret_command, ONESHOT_COMMAND, L"\"%ls\" %ls%ls --watch %lus", exe,
                          o->kind->argument, o->options->held ? L" --held" : L"",
                          (unsigned long) o->options->watch_s);
        return ERROR_SUCCESS;
}

static DWORD oneshot_create(const Oneshot *o, const wchar_t *command, SC_HANDLE *ret_service) {
        const DWORD access = SERVICE_START | SERVICE_STOP | SERVICE_QUERY_STATUS |
                             SERVICE_CHANGE_CONFIG | READ_CONTROL | WRITE_DAC;
        SC_HANDLE manager =
                OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
        DWORD error = ERROR_SUCCESS;

        if (!manager)
                return GetLastError();
        *ret_service = CreateServiceW(manager, o->kind->name, ONESHOT_TITLE, access,
                                      SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START,
                                      SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL,
                                      scm_services[o->kind->like].account, NULL);
        if (!*ret_service)
                error = GetLastError();
        (void) CloseServiceHandle(manager);
        return error;
}

/* Return: the service, or NULL (reported). */
static SC_HANDLE oneshot_make(const Oneshot *o) {
        wchar_t command[ONESHOT_COMMAND];
        uint64_t began = step_clock();
        DWORD error = oneshot_command(o, command);
        SC_HANDLE service = NULL;

        if (error == ERROR_SUCCESS && !journal_begin(NULL, CHANGE_SERVICE, "-"))
                error = ERROR_WRITE_FAULT;
        if (error == ERROR_SUCCESS) {
                error = oneshot_create(o, command, &service);
                journal_end();
        }
        oneshot_line(o, "oneshot.create", "CreateServiceW", error, began,
                     o->kind->like == SCM_RELAY ? "a service with the settings of the relay's"
                                                : "a service with the settings of the helper's");
        if (!service)
                return NULL;
        began = step_clock();
        error = scm_configure_token(o->kind->like, service) < 0 ? ERROR_ACCESS_DENIED
                                                                : ERROR_SUCCESS;
        oneshot_line(o, "oneshot.configure", "ChangeServiceConfig2W", error, began,
                     "its SID, its privileges and who may use it");
        return service;
}

/* Wait for its end, and end it when the user stops the self-test. */
static DWORD oneshot_wait(const StepOptions *options, SC_HANDLE service) {
        uint32_t limit_ms = pass_limit(options) + ONESHOT_MORE_MS;
        SERVICE_STATUS status = {0};

        for (uint32_t waited = 0; waited < limit_ms; waited += ONESHOT_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return GetLastError();
                if (status.dwCurrentState == SERVICE_STOPPED)
                        return status.dwWin32ExitCode;
                if (WaitForSingleObject(options->stop, ONESHOT_POLL_MS) == WAIT_OBJECT_0) {
                        undo_end_service(service); /* it holds the file for its answer until then */
                        return ERROR_CANCELLED;
                }
        }
        undo_end_service(service);
        return ERROR_TIMEOUT;
}

/* The caller frees. */
static char *oneshot_read(const Oneshot *o, size_t *ret_n) {
        HANDLE file = INVALID_HANDLE_VALUE;
        DWORD n = 0;
        char *text = malloc(ONESHOT_FILE_MAX);

        if (text)
                file = CreateFileW(o->file, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0,
                                   NULL);
        if (file == INVALID_HANDLE_VALUE || !ReadFile(file, text, ONESHOT_FILE_MAX, &n, NULL))
                n = 0;
        if (file != INVALID_HANDLE_VALUE)
                (void) CloseHandle(file);
        *ret_n = n;
        return text;
}

/* Whatever the service says, it has seen it in its own pass. */
static void oneshot_take(const Oneshot *o) {
        uint64_t began = step_clock();
        size_t n, from = o->lines->n;
        char *text = oneshot_read(o, &n);
        bool good = text && selftest_lines_read(o->lines, text, n) == 0;

        for (size_t i = from; i < o->lines->n; i++)
                o->lines->items[i].pass = o->options->pass;
        oneshot_line(o, "oneshot.result", "ReadFile", good ? 0 : ERROR_INVALID_DATA, began,
                     good ? "what the service has seen" : "the service has left no result");
        free(text);
}

/* The relay's account may not be able to read the program: that is in the text. */
static bool oneshot_start(const Oneshot *o, SC_HANDLE service) {
        uint64_t began = step_clock();
        DWORD error = StartServiceW(service, 0, NULL) ? ERROR_SUCCESS : GetLastError();

        oneshot_line(o, "oneshot.start", "StartServiceW", error, began,
                     error == ERROR_ACCESS_DENIED ? "its account may not read the program: run the "
                                                    "self-test from 'C:\\Program Files\\wslbridge'"
                                                  : "the service's pass");
        if (error == ERROR_SUCCESS)
                (void) fault_after("started", 0);
        return error == ERROR_SUCCESS;
}

/* Until it ends. The pass with the helper's settings waits for a distro, so one of this user
 * connects meanwhile. */
static void oneshot_follow(const Oneshot *o, SC_HANDLE service) {
        bool waits = o->options->pass == SELFTEST_SERVICE;
        HANDLE stop = waits ? CreateEventW(NULL, TRUE, FALSE, NULL) : NULL;
        HANDLE knocking = stop ? step_knock(stop) : NULL;
        uint64_t began = step_clock();

        oneshot_line(o, "oneshot.end", "QueryServiceStatus", oneshot_wait(o->options, service),
                     began, "the service has ended");
        if (knocking) {
                (void) SetEvent(stop);
                (void) WaitForSingleObject(knocking, INFINITE);
                (void) CloseHandle(knocking);
        }
        if (stop)
                (void) CloseHandle(stop);
        oneshot_take(o);
}

/* The file in which it answers. */
static bool oneshot_file(Oneshot *o) {
        HANDLE file;
        int r;

        if (paths_data(o->kind->file, o->file) < 0 ||
            !journal_begin(NULL, CHANGE_FILE, "%s", WIN_UTF8(o->file)))
                return false;
        r = secure_file(o->file, o->kind->rights, 0, &file);
        if (r == 0)
                (void) CloseHandle(file);
        journal_end();
        return r == 0;
}

void oneshot_run(const StepOptions *options, SelftestLines *lines, PassFn fn, Buffer *left) {
        Oneshot o = {options, &oneshot_kinds[options->pass], lines, L""};
        unsigned mark = journal_mark();
        uint64_t began = step_clock();
        size_t from = lines->n;
        SC_HANDLE service = NULL;

        if (pass_limit(options) == 0) /* a test of one step */
                return;
        if (oneshot_file(&o))
                service = oneshot_make(&o);
        else
                oneshot_line(&o, "oneshot.create", "CreateFileW", ERROR_WRITE_FAULT, began,
                             "the file for its answer cannot be made");
        if (service) {
                if (oneshot_start(&o, service))
                        oneshot_follow(&o, service);
                (void) CloseServiceHandle(service);
        }
        (void) journal_undo(mark, left);
        fn(lines, from);
}
