/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What 'setup' did, part by part: what came of each, a sentence about it, and what to do. As lines
 * for people and as JSON for programs. Pure.
 */

#include "common/buffer.h"

/* In the order in which they are done. Undoing goes the other way. */
typedef enum SetupPartId {
        SETUP_SERVICE,    /* the service of this host is installed and runs */
        SETUP_DISTRO,     /* the distro can have the agent */
        SETUP_PACKAGE,    /* the agent is installed in it */
        SETUP_PAIR,       /* both have the same key */
        SETUP_START,      /* the agent runs and is connected */
        SETUP_KEEP_ALIVE, /* the distro does not stop by itself */
        SETUP_AT_LOGON,   /* it starts when its user logs on */
        SETUP_IMPORT,     /* port forwardings of others have become drop-ins */
        _SETUP_PART_END,
} SetupPartId;

typedef enum SetupOutcome {
        SETUP_OPEN,    /* not looked at: an earlier part has failed, or nobody asked for it */
        SETUP_ALREADY, /* nothing was to do */
        SETUP_DONE,
        SETUP_WOULD,   /* --dry-run: would be done */
        SETUP_SKIPPED, /* was to do, and the user said no, or it cannot be had here; not a failure
                        */
        SETUP_FAILED,
} SetupOutcome;

typedef struct SetupPart {
        SetupOutcome outcome;
        Buffer said;   /* one sentence, without its full stop */
        Buffer advice; /* what to do, may be lines; empty: nothing */
} SetupPart;

typedef struct SetupReport {
        char distro[256]; /* UTF-8; "" as long as none is chosen */
        bool undo, dry_run;
        bool stopped; /* by Ctrl-C, before all of it was done */
        SetupPart parts[_SETUP_PART_END];
} SetupReport;

void setup_report_done(SetupReport *r);

/* "service", …: the part's name in the JSON. */
const char *setup_part_name(SetupPartId id);

/* "done", "already", "would", …: the outcome's name in the JSON. */
const char *setup_outcome_name(SetupOutcome outcome);

/* Set what came of a part and replace the sentence. Return: @outcome, for the last line of a
 * function. */
SetupOutcome setup_says(SetupPart *p, SetupOutcome outcome, const char *format, ...)
        BUFFER_PRINTF(3, 4);

/* Append to the advice. */
void setup_advises(SetupPart *p, const char *format, ...) BUFFER_PRINTF(2, 3);

/* Whether a part has failed. */
bool setup_has_failed(const SetupReport *r);

/* Whether something was done, or would be. */
bool setup_has_changed(const SetupReport *r);

/* Append a part's line for people, and its advice below. @width: columns of the window, 0 = nothing
 * is broken. */
void setup_part_text(const SetupReport *r, SetupPartId id, size_t width, Buffer *out);

/* Append the last sentence of the whole. */
void setup_result_text(const SetupReport *r, size_t width, Buffer *out);

/* Append the report as one JSON object; docs/windows.md describes it. */
void setup_report_json(const SetupReport *r, Buffer *out);
