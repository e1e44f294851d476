/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the self-test changes on this machine. Each change is written to the registry, to the disk
 * even, before it is made. So whatever ends the self-test, the next one finds what is to be taken
 * back.
 */

#include "common/buffer.h"
#include "windows-helper/selftest/tools/step.h"

typedef enum ChangeKind {
        CHANGE_SERVICE,  /* what: nothing; a one-shot service */
        CHANGE_RULE,     /* what: as undo_rule() takes it; a port forwarding */
        CHANGE_FIREWALL, /* what: nothing; rules of Windows Firewall with our name and grouping */
        CHANGE_FILE,     /* what: its path */
        CHANGE_FOLDER,   /* what: its path; it is removed if it is empty */
        CHANGE_MAPPING,  /* what: as nat_mapping_format() writes it; a static mapping of WinNAT */
        CHANGE_RESTART,  /* what: a folder that the next restart of Windows must not touch */
        _CHANGE_KIND_END,
} ChangeKind;

/**
 * journal_begin() - write down a change, which the caller makes next
 * @s: the step that makes it; NULL: the self-test itself
 * @format: what, as above
 *
 * Return: true; the caller then makes the change and calls journal_end(). Or false: the change must
 * not be made, because it could not be written down (logged) or because the step has to end.
 */
bool journal_begin(Step *s, ChangeKind kind, const char *format, ...)
        __attribute__((format(gnu_printf, 3, 4)));
void journal_end(void);

/* Whether such a change is written down. */
bool journal_has(ChangeKind kind, const char *what);

/* The number of changes until now, for journal_undo(). */
unsigned journal_mark(void);

/**
 * journal_undo() - take all changes after @mark back, the last one first
 * @left: appended with a line for each that could not be taken back; NULL: these are logged
 *
 * Return: how many were taken back.
 */
unsigned journal_undo(unsigned mark, Buffer *left);

/* What has names of ours although no change is written down: a line for each, appended. */
void journal_look(Buffer *left);
