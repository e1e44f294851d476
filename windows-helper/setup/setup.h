/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * 'setup': brings both halves of wslbridge together, for the user who owns the distro.
 *
 * Each part is a function that looks first and changes only what is not so yet, so setup can run
 * again after a failure at any point. With .dry_run a part changes nothing, and says SETUP_WOULD.
 * A part says what came of it with setup_says() and, for advice, setup_advises(). A part fails with
 * SETUP_FAILED; then the parts after it that need it are not tried. Log lines are for what Windows
 * itself said (log_win_error()).
 *
 * Ctrl-C ends a part that has not begun to change anything, whatever it waits for. One that has
 * begun goes on to its end: it is done, or it has failed and says so.
 */

#include "windows-helper/core/setup/distros.h"
#include "windows-helper/core/setup/guest.h"
#include "windows-helper/core/setup/setup-report.h"
#include "windows-helper/elevated/elevated.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>

typedef struct SetupOptions {
        const char *distro; /* NULL: the default one, after asking */
        bool dry_run, yes, json, undo, print;
        bool keep_alive, at_logon, import;
} SetupOptions;

typedef struct Setup {
        const SetupOptions *options;
        SetupDistro distro;
        GuestFacts guest; /* as it was at the beginning */
        Elevated elevated;
        bool changing; /* the part has begun to change something, so Ctrl-C comes too late for it */
        SetupReport report;
} Setup;

/* The whole of it. Return: EXIT_SUCCESS or EXIT_FAILURE. */
int setup_run(const SetupOptions *options);

/* One part, or taking it back. Return: what setup_says() returned. */
typedef SetupOutcome (*SetupPartFn)(Setup *s, SetupPart *part);

SetupOutcome setup_service(Setup *s, SetupPart *part);
SetupOutcome setup_distro(Setup *s, SetupPart *part);
SetupOutcome setup_package(Setup *s, SetupPart *part);
SetupOutcome setup_pair(Setup *s, SetupPart *part);
SetupOutcome setup_start(Setup *s, SetupPart *part);
SetupOutcome setup_keep_alive(Setup *s, SetupPart *part); /* only with .keep_alive */
SetupOutcome setup_at_logon(Setup *s, SetupPart *part);   /* only with .at_logon */
SetupOutcome setup_import(Setup *s, SetupPart *part);     /* only with .import */

SetupOutcome setup_package_undo(Setup *s, SetupPart *part);
SetupOutcome setup_pair_undo(Setup *s, SetupPart *part);
SetupOutcome setup_keep_alive_undo(Setup *s, SetupPart *part);
SetupOutcome setup_at_logon_undo(Setup *s, SetupPart *part);

/* Called by setup_distro() when systemd is installed and turned off: put systemd=true into
 * /etc/wsl.conf after asking, and end the distro so that it starts anew. Return: SETUP_DONE when
 * systemd runs now, otherwise as a part. */
SetupOutcome setup_systemd(Setup *s, SetupPart *part);

/* Show a text to the user now: on standard output, or with --json on standard error. */
void setup_show(const Setup *s, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* Ask a question that is answered with y or n. With --yes it is answered already; where nobody can
 * be asked (no console, or --json), the answer is no, and setup_nobody() says what to type. */
bool setup_ask(const Setup *s, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* Whether nobody can be asked. */
bool setup_nobody(const Setup *s);

/* A limit in milliseconds, which tests may shorten. */
uint32_t setup_limit(uint32_t ms);

/* Whether the user has pressed Ctrl-C. */
bool setup_interrupted(void);

/* Whether the part has to end now, because the user has pressed Ctrl-C in time. */
bool setup_stops(const Setup *s);
