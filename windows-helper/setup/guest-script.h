/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Running one of our scripts in a distro as root.
 *
 * The script is the standard input of /bin/sh, so no argument needs quoting for wsl.exe. It is a
 * function wb_main() that the last line calls, so a script that arrives only in part does nothing.
 * What it works on follows as a here-document in a function wb_payload(), which prints it. All
 * names begin with wb_: those of the distro's own environment do not, and each byte is in our
 * program.
 */

#include "windows-helper/setup/setup.h"

#define GUEST_PROBE_MS   120000 /* the distro may have to start first */
#define GUEST_INSTALL_MS 900000 /* apt may wait for its lock and for a slow mirror */
#define GUEST_QUICK_MS   60000

typedef struct GuestScript {
        const wchar_t *name;   /* of the resource, as in scripts/NAME.sh */
        const char *arguments; /* words of letters, digits and -._+~:/= only; NULL: none */
        const char *payload;   /* lines of text without the line "WSLBRIDGE_END"; NULL: none */
        uint32_t limit_ms;
        bool to_the_end;     /* it changes something: Ctrl-C does not stop it in the middle … */
        const char *awaited; /* … and the user is told why: a line of text that lives on */
        const char *waits;   /* when it has given an answer of this name, it only waits, and Ctrl-C
                                stops it all the same; NULL: none */
} GuestScript;

typedef struct GuestAnswer {
        Buffer text;   /* standard output, decoded; setup_answer() finds values in it */
        Buffer others; /* what is no marker line, of both streams, for a message */
        int32_t code;  /* exit code */
} GuestAnswer;

/* Run it. Return: 0 when it ended by itself, whatever its exit code; -ETIMEDOUT; -EINTR after
 * Ctrl-C; or another negative errno (logged). Call guest_answer_done() in any case. */
int guest_script_run(Setup *s, const GuestScript *script, GuestAnswer *ret);
void guest_answer_done(GuestAnswer *a);

/* The end of what others have said, as lines to put below an advice; "" if nothing. */
const char *guest_answer_said(const GuestAnswer *a);
