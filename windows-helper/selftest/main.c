/* SPDX-License-Identifier: MIT */

/*
 * The program of the self-test, which 'wslbridge-helper selftest' starts: runs it, shows what it
 * sees, and writes the masked report.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/program/start.h"
#include "windows-helper/selftest/names.h"
#include "windows-helper/selftest/oneshot.h"
#include "windows-helper/selftest/selftest.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_MAX_S  (7 * 24 * 3600)
#define STOP_WAIT_MS 4500 /* Windows ends the process 5 s after a window was closed */

typedef struct SelftestArguments {
        StepOptions options;
        const char *report; /* a path, or NULL */
        bool json, clean;
} SelftestArguments;

/* For the console handler, which runs in a thread of its own. Never closed, so always valid. */
static HANDLE stop_event, stopped_event;
static bool shows; /* the lines, as they come */

static BOOL WINAPI on_console(DWORD event) {
        (void) SetEvent(stop_event);
        if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
                (void) WaitForSingleObject(stopped_event, STOP_WAIT_MS);
        return TRUE;
}

/* "24h", "30m" or "90s". Return: 0 or -EINVAL. */
static int parse_time(const char *text, uint32_t *ret_s) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);
        unsigned long unit = *end == 'h' ? 3600 : *end == 'm' ? 60 : *end == 's' ? 1 : 0;

        if (*text < '0' || *text > '9' || unit == 0 || end[1] || n > WATCH_MAX_S / unit)
                return -EINVAL;
        *ret_s = (uint32_t) (n * unit);
        return 0;
}

static int parse_selftest(int argc, char **argv, SelftestArguments *a) {
        for (int i = 0; i < argc; i++) {
                bool more = i + 1 < argc;

                if (strcmp(argv[i], "--shutdown") == 0)
                        a->options.shutdown = true;
                else if (strcmp(argv[i], "--mapping") == 0)
                        a->options.mapping = true;
                else if (strcmp(argv[i], "--json") == 0)
                        a->json = true;
                else if (strcmp(argv[i], "--clean") == 0)
                        a->clean = true;
                else if (strcmp(argv[i], "--service") == 0)
                        a->options.pass = SELFTEST_SERVICE;
                else if (strcmp(argv[i], "--held") == 0)
                        a->options.held = true;
                else if (strcmp(argv[i], "--relay") == 0)
                        a->options.pass = SELFTEST_RELAY;
                else if (strcmp(argv[i], "--report") == 0 && more)
                        a->report = argv[++i];
                else if (strcmp(argv[i], "--watch") != 0 || !more ||
                         parse_time(argv[++i], &a->options.watch_s) < 0)
                        return -EINVAL;
        }
        return 0;
}

static void show(const Buffer *out) {
        (void) console_write(CONSOLE_OUTPUT, buffer_text(out), buffer_length(out));
}

static void on_lines(const SelftestLines *lines, size_t from) {
        static const char *const who[_SELFTEST_PASS_END] = {"as this user", "as a service",
                                                            "as the relay"};
        Buffer out = BUFFER_NULL;
        uint8_t step = 0;

        for (size_t i = from; shows && i < lines->n; i++) {
                const SelftestLine *l = &lines->items[i];

                if (l->step != step)
                        buffer_printf(&out, "%2u %s (%s)\n", l->step, selftest_step_title(l->step),
                                      who[l->pass]);
                step = l->step;
                selftest_report_line(l, &out);
        }
        show(&out);
        buffer_done(&out);
}

/* Where a file is, whatever folder the terminal is in: that of an administrator is not his own. */
static void show_place(const char *path) {
        wchar_t wide[1024], whole[1024];
        DWORD n = 0;

        if (win_to_wide(path, wide, ARRAYSIZE(wide)) == 0)
                n = GetFullPathNameW(wide, ARRAYSIZE(whole), whole, NULL);
        (void) console_printf("The report, without names and addresses: %s\n",
                              n > 0 && n < ARRAYSIZE(whole) ? WIN_UTF8(whole) : path);
}

/* @how: as of CreateFileW(). Return: 0 or negative errno (logged). */
static int open_report(const char *path, DWORD how, HANDLE *ret_file) {
        wchar_t wide[1024];
        int r = win_to_wide(path, wide, ARRAYSIZE(wide));

        *ret_file = INVALID_HANDLE_VALUE;
        if (r == 0)
                *ret_file =
                        CreateFileW(wide, GENERIC_WRITE, 0, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
        if (*ret_file != INVALID_HANDLE_VALUE)
                return 0;
        return log_win_error(r < 0 ? ERROR_INVALID_NAME : GetLastError(),
                             "Cannot write the report '%s'", path);
}

/* Three minutes are not to be for nothing, and an older report stays until there is a new one. */
static bool can_write_report(const char *path) {
        wchar_t wide[1024];
        HANDLE file;
        bool made;

        if (open_report(path, OPEN_ALWAYS, &file) < 0)
                return false;
        made = GetLastError() != ERROR_ALREADY_EXISTS;
        (void) CloseHandle(file);
        if (made && win_to_wide(path, wide, ARRAYSIZE(wide)) == 0)
                (void) DeleteFileW(wide); /* nobody is to send an empty one */
        return true;
}

/* Return: 0 or negative errno (logged). */
static int write_report(const char *path, const Buffer *text) {
        HANDLE file;
        DWORD n = 0;
        int r = open_report(path, CREATE_ALWAYS, &file);

        if (r < 0)
                return r;
        if (!WriteFile(file, buffer_bytes(text), (DWORD) buffer_length(text), &n, NULL) ||
            n != buffer_length(text))
                r = log_win_error(GetLastError(), "Cannot write the report '%s'", path);
        (void) CloseHandle(file);
        return r;
}

/* The report for others is masked, and so is the JSON. */
static int put_out(const SelftestArguments *a, const SelftestReport *report) {
        Buffer json = BUFFER_NULL, text = BUFFER_NULL;
        Mask mask = MASK_NULL;
        int r;

        names_collect(&mask);
        r = selftest_report_json(report, &mask, PROJECT_VERSION, &json);
        mask_done(&mask);
        if (r < 0)
                log_write(LOG_LEVEL_ERROR, "Cannot make the report: %s", error_text(r));
        if (r == 0 && a->json)
                show(&json);
        if (!a->json) {
                selftest_report_facts(report, &text);
                (void) console_printf("\nWhat this means for wslbridge:\n");
                show(&text);
        }
        if (r == 0 && a->report) {
                r = write_report(a->report, &json);
                if (r == 0 && !a->json)
                        show_place(a->report);
        }
        buffer_done(&json);
        buffer_done(&text);
        return r;
}

static int clean(void) {
        Buffer left = BUFFER_NULL;
        unsigned n;
        int r = selftest_clean(&n, &left);
        bool good = r == 0 && buffer_length(&left) == 0;

        if (r == 0)
                (void) console_printf("Changes that were taken back: %u\n", n);
        if (buffer_length(&left) > 0)
                (void) console_printf("Left behind:\n%s", buffer_text(&left));
        buffer_done(&left);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int bad_options(void) {
        log_write(LOG_LEVEL_ERROR, "The options are wrong; 'wslbridge-helper help selftest' shows "
                                   "how it is used");
        return EXIT_FAILURE;
}

static int run(int argc, char **argv) {
        SelftestArguments a = {.report = NULL};
        SelftestReport report = SELFTEST_REPORT_NULL;
        bool good;
        int r;

        if (parse_selftest(argc, argv, &a) < 0)
                return bad_options();
        stop_event = CreateEventW(NULL, TRUE, FALSE, NULL);
        stopped_event = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (!stop_event || !stopped_event)
                return EXIT_FAILURE;
        a.options.stop = stop_event;
        if (a.options.pass != SELFTEST_USER)
                return oneshot_serve(&a.options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (!rights_demand("selftest"))
                return EXIT_FAILURE;
        if (a.clean)
                return clean();
        if (a.report && !can_write_report(a.report))
                return EXIT_FAILURE;
        (void) SetConsoleCtrlHandler(on_console, TRUE);
        shows = !a.json;
        r = selftest_run(&a.options, on_lines, &report);
        if (r == 0)
                r = put_out(&a, &report);
        good = r == 0 && report.ended && !report.left;
        if (r == 0 && !report.ended)
                log_write(LOG_LEVEL_ERROR, "The self-test was stopped before its end");
        selftest_report_done(&report);
        (void) SetEvent(stopped_event);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int wmain(int argc, wchar_t **wide); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **wide) {
        char **argv = start_arguments(argc, wide);

        return argv ? run(argc - 1, argv + 1) : EXIT_FAILURE;
}
