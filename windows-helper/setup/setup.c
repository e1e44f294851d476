/* SPDX-License-Identifier: MIT */

/*
 * The order of the parts, and their lines on the screen.
 */

#include "windows-helper/setup/setup.h"

#include "windows-helper/program/fault.h"
#include "windows-helper/setup/choose.h"
#include "windows-helper/setup/talk.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETUP_MUTEX L"Local\\wslbridge-setup" /* of the session, which is the user's */

typedef struct SetupStep {
        SetupPartFn fn;
        SetupPartId id;
        bool alone; /* the parts after it do not need it */
} SetupStep;

/* The distro comes first, so that nobody asks an administrator for a distro that cannot have the
 * agent. */
static const SetupStep setup_steps[] = {
        {setup_distro, SETUP_DISTRO, false},    {setup_service, SETUP_SERVICE, false},
        {setup_package, SETUP_PACKAGE, false},  {setup_pair, SETUP_PAIR, false},
        {setup_start, SETUP_START, false},      {setup_keep_alive, SETUP_KEEP_ALIVE, true},
        {setup_at_logon, SETUP_AT_LOGON, true}, {setup_import, SETUP_IMPORT, true},
};

/* First what makes the distro do something, then the agent; the key goes at the end, because only
 * the running agent knows whose it is. */
static const SetupStep undo_steps[] = {
        {setup_at_logon_undo, SETUP_AT_LOGON, true},
        {setup_keep_alive_undo, SETUP_KEEP_ALIVE, true},
        {setup_pair_undo, SETUP_PAIR, false},
        {setup_package_undo, SETUP_PACKAGE, false},
};

static bool setup_is_asked_for(const Setup *s, SetupPartId id) {
        return s->options->undo ||
               (id != SETUP_KEEP_ALIVE && id != SETUP_AT_LOGON && id != SETUP_IMPORT) ||
               (id == SETUP_KEEP_ALIVE && s->options->keep_alive) ||
               (id == SETUP_AT_LOGON && s->options->at_logon) ||
               (id == SETUP_IMPORT && s->options->import);
}

static void setup_print(const Setup *s, SetupPartId id) {
        Buffer text = BUFFER_NULL;

        talk_progress(s, NULL);
        setup_part_text(&s->report, id, talk_width(s), &text);
        setup_show(s, "%s", buffer_text(&text));
        buffer_done(&text);
}

static void setup_stopped(Setup *s, SetupPart *part, const char *text) {
        s->report.stopped = true;
        buffer_consume(&part->advice, buffer_length(&part->advice));
        (void) setup_says(part, SETUP_FAILED, "%s", text);
}

static SetupOutcome setup_do(Setup *s, const SetupStep *step) {
        SetupPart *part = &s->report.parts[step->id];
        const char *name = setup_part_name(step->id);

        s->changing = s->elevated.changing = false;
        if (setup_interrupted())
                setup_stopped(s, part, "Stopped by Ctrl-C before it began");
        else if (fault_before(name) < 0)
                (void) setup_says(part, SETUP_FAILED, "The test makes it fail");
        else {
                talk_progress(s, name);
                (void) step->fn(s, part);
                (void) fault_after(name, 0);
                if (setup_stops(s) && part->outcome != SETUP_DONE &&
                    part->outcome != SETUP_ALREADY && part->outcome != SETUP_WOULD)
                        setup_stopped(s, part,
                                      "Stopped by Ctrl-C; all is as it was before this "
                                      "part");
        }
        setup_print(s, step->id);
        return part->outcome;
}

static void setup_do_all(Setup *s, const SetupStep *steps, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (setup_is_asked_for(s, steps[i].id) && setup_do(s, &steps[i]) == SETUP_FAILED &&
                    (!steps[i].alone || s->report.stopped))
                        return;
}

static void setup_end(const Setup *s) {
        Buffer text = BUFFER_NULL;

        if (s->options->json) {
                setup_report_json(&s->report, &text);
                (void) console_write(CONSOLE_OUTPUT, buffer_text(&text), buffer_length(&text));
        } else {
                setup_result_text(&s->report, talk_width(s), &text);
                setup_show(s, "%s", buffer_text(&text));
        }
        buffer_done(&text);
}

/* Two at once would ask for the same things twice. Windows takes the mutex back when its process
 * ends, however that happens. */
static HANDLE setup_lock(void) {
        HANDLE mutex = CreateMutexW(NULL, TRUE, SETUP_MUTEX);

        if (mutex && GetLastError() != ERROR_ALREADY_EXISTS)
                return mutex;
        if (mutex) {
                DWORD waited = WaitForSingleObject(mutex, 0);

                if (waited == WAIT_OBJECT_0 || waited == WAIT_ABANDONED)
                        return mutex;
                (void) CloseHandle(mutex);
        }
        log_write(LOG_LEVEL_ERROR, "Another 'wslbridge-helper setup' of yours is running: wait for "
                                   "it, or end it with Ctrl-C in its window");
        return NULL;
}

/* A task that starts a distro at the logon does so for ever, also when that is gone or hangs. It is
 * the first of undo_steps, and needs the name only. */
static void setup_undo_logon(Setup *s) {
        (void) snprintf(s->distro.name, sizeof(s->distro.name), "%s", s->options->distro);
        setup_do_all(s, undo_steps, 1);
}

int setup_run(const SetupOptions *options) {
        Setup *s = calloc(1, sizeof(*s));
        HANDLE mutex = s ? setup_lock() : NULL;
        int r = EXIT_FAILURE;

        if (mutex) {
                s->options = options;
                s->report.undo = options->undo;
                s->report.dry_run = options->dry_run;
                talk_begin();
                s->elevated.stop = setup_interrupted;
                if (choose_distro(s) < 0) {
                        if (setup_interrupted())
                                setup_stopped(s, &s->report.parts[SETUP_DISTRO],
                                              "Stopped by Ctrl-C; nothing has changed");
                        setup_print(s, SETUP_DISTRO);
                        if (options->undo && options->distro && !s->report.stopped)
                                setup_undo_logon(s);
                } else if (options->undo) {
                        setup_do_all(s, undo_steps, ARRAYSIZE(undo_steps));
                } else {
                        setup_do_all(s, setup_steps, ARRAYSIZE(setup_steps));
                }
                elevated_done(&s->elevated);
                setup_end(s);
                r = setup_has_failed(&s->report) ? EXIT_FAILURE : EXIT_SUCCESS;
                setup_report_done(&s->report);
                (void) CloseHandle(mutex);
        }
        free(s);
        return r;
}
