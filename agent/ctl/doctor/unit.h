/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the state of the agent's unit, from what 'systemctl show' prints. Pure.
 */

#include <stdbool.h>

#define UNIT_WORD_MAX 47

/* What systemd's states mean for the agent. */
typedef enum UnitState {
        UNIT_UNKNOWN, /* not asked, no answer, or a word of a newer systemd */
        UNIT_RUNNING,
        UNIT_STOPPED,
        UNIT_FAILED,   /* it ended, and systemd does not start it again */
        UNIT_CRASHING, /* it ended, and systemd starts it again and again */
        UNIT_CHANGING, /* it is starting or stopping */
        UNIT_SKIPPED,  /* a condition in the unit kept systemd from starting it */
        UNIT_ABSENT,   /* there is no such unit */
        UNIT_MASKED,
        UNIT_BAD, /* systemd cannot use the unit's files */
        _UNIT_STATE_END,
} UnitState;

/* The properties of the unit; words are "" when they were not seen. */
typedef struct Unit {
        char load[UNIT_WORD_MAX + 1], active[UNIT_WORD_MAX + 1], sub[UNIT_WORD_MAX + 1];
        char result[UNIT_WORD_MAX + 1];
        unsigned restarts; /* by systemd, since somebody started the unit */
        unsigned status;   /* exit status or signal of its last process */
        bool skipped;      /* its conditions were looked at, and not met */
} Unit;

/* What 'systemctl show' must be asked for. */
extern const char *const unit_properties;

/* @output: lines of NAME=VALUE, in any order; others are skipped, and long words are cut. */
void unit_parse(const char *output, Unit *ret);

/* Every combination of LoadState, ActiveState, SubState and Result has one (systemd's D-Bus
 * interface, org.freedesktop.systemd1(5), and 'systemctl --state=help'). */
UnitState unit_state(const Unit *u);

/* What happened to the process, as words after "The agent ": "ended with exit status 1". */
#define UNIT_END_TEXT_SIZE 128
void unit_end_text(const Unit *u, char ret_text[UNIT_END_TEXT_SIZE]);
