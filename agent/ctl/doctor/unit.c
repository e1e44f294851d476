/* SPDX-License-Identifier: MIT */

/*
 * Reading the properties of a unit, and a table of systemd's states.
 */

#include "agent/ctl/doctor/unit.h"

#include "common/buffer.h"
#include "common/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const unit_properties = "--property=LoadState,ActiveState,SubState,Result,NRestarts,"
                                    "ExecMainStatus,ConditionResult,ConditionTimestampMonotonic";

/* @line: "NAME=VALUE" up to a newline. Return: whether its name is @name; then its value. */
static bool property(const char *line, const char *name, char ret_value[UNIT_WORD_MAX + 1]) {
        size_t n = strlen(name);

        if (strncmp(line, name, n) != 0 || line[n] != '=')
                return false;
        (void) snprintf(ret_value, UNIT_WORD_MAX + 1, "%.*s", (int) strcspn(line + n + 1, "\r\n"),
                        line + n + 1);
        return true;
}

void unit_parse(const char *output, Unit *ret) {
        char restarts[UNIT_WORD_MAX + 1] = "", status[UNIT_WORD_MAX + 1] = "";
        char condition[UNIT_WORD_MAX + 1] = "", when[UNIT_WORD_MAX + 1] = "";
        Unit u = {0};
        const struct {
                const char *name;
                char *value;
        } properties[] = {
                {"LoadState", u.load},
                {"ActiveState", u.active},
                {"SubState", u.sub},
                {"Result", u.result},
                {"NRestarts", restarts},
                {"ExecMainStatus", status},
                {"ConditionResult", condition},
                {"ConditionTimestampMonotonic", when},
        };

        for (const char *line = output; *line; line += strspn(line, "\n")) {
                for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
                        if (property(line, properties[i].name, properties[i].value))
                                break;
                line += strcspn(line, "\n");
        }
        u.restarts = (unsigned) strtoul(restarts, NULL, 10);
        u.status = (unsigned) strtoul(status, NULL, 10);
        /* A unit that was never started has not met its conditions either. */
        u.skipped = strcmp(condition, "no") == 0 && strtoull(when, NULL, 10) > 0;
        *ret = u;
}

static bool is(const char *word, const char *pattern) {
        return !pattern || strcmp(word, pattern) == 0;
}

UnitState unit_state(const Unit *u) {
        /* The first line that fits counts; NULL fits everything. */
        static const struct {
                const char *load, *active, *sub, *result;
                UnitState state;
        } states[] = {
                {"not-found", NULL, NULL, NULL, UNIT_ABSENT},
                {"masked", NULL, NULL, NULL, UNIT_MASKED},
                {"bad-setting", NULL, NULL, NULL, UNIT_BAD},
                {"error", NULL, NULL, NULL, UNIT_BAD},
                /* The pause between two starts, and the moment before it. */
                {NULL, NULL, "auto-restart", NULL, UNIT_CRASHING},
                {NULL, NULL, "auto-restart-queued", NULL, UNIT_CRASHING},
                {NULL, NULL, "failed-before-auto-restart", NULL, UNIT_CRASHING},
                {NULL, NULL, "dead-before-auto-restart", NULL, UNIT_CRASHING},
                {NULL, "active", NULL, NULL, UNIT_RUNNING},
                {NULL, "reloading", NULL, NULL, UNIT_RUNNING},
                {NULL, "refreshing", NULL, NULL, UNIT_RUNNING},
                {NULL, "activating", NULL, NULL, UNIT_CHANGING},
                {NULL, "deactivating", NULL, NULL, UNIT_CHANGING},
                {NULL, "maintenance", NULL, NULL, UNIT_CHANGING},
                {NULL, "failed", NULL, NULL, UNIT_FAILED},
                {NULL, "inactive", NULL, "success", UNIT_STOPPED},
                {NULL, "inactive", NULL, "", UNIT_STOPPED},
                {NULL, "inactive", NULL, "exec-condition", UNIT_SKIPPED},
                {NULL, "inactive", NULL, NULL, UNIT_FAILED},
        };
        UnitState state = UNIT_UNKNOWN;

        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
                if (is(u->load, states[i].load) && is(u->active, states[i].active) &&
                    is(u->sub, states[i].sub) && is(u->result, states[i].result)) {
                        state = states[i].state;
                        break;
                }
        if (state == UNIT_STOPPED && u->skipped)
                return UNIT_SKIPPED;
        /* One of the starts of a crash loop. */
        return state == UNIT_CHANGING && u->restarts > 0 ? UNIT_CRASHING : state;
}

void unit_end_text(const Unit *u, char ret_text[UNIT_END_TEXT_SIZE]) {
        /* The words of Result, from systemd.service(5). */
        static const struct {
                const char *result, *text;
                bool status; /* the number follows */
        } results[] = {
                {"exit-code", "ended with exit status", true},
                {"signal", "was ended by signal", true},
                {"core-dump", "crashed with signal", true},
                {"protocol", "did not tell systemd that it was ready", false},
                {"timeout", "took longer to start or stop than its unit allows", false},
                {"watchdog", "hung, and systemd's watchdog ended it", false},
                {"start-limit-hit", "was started too often, and systemd has given up", false},
                {"oom-kill", "was ended because memory ran out", false},
                {"resources", "could not be started: systemd lacked memory, a file or a right",
                 false},
                {"exec-condition", "was not started: an ExecCondition= of its unit failed", false},
        };

        if (strcmp(u->result, "exit-code") == 0 && u->status == NAMES_AGENT_EXIT_RUNS) {
                (void) snprintf(ret_text, UNIT_END_TEXT_SIZE,
                                "ended, because another wslbridge-agent runs, which somebody has "
                                "started by hand");
                return;
        }
        for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
                if (strcmp(u->result, results[i].result) != 0)
                        continue;
                if (results[i].status)
                        (void) snprintf(ret_text, UNIT_END_TEXT_SIZE, "%s %u", results[i].text,
                                        u->status);
                else
                        (void) snprintf(ret_text, UNIT_END_TEXT_SIZE, "%s", results[i].text);
                return;
        }
        if (*u->result == '\0' || strcmp(u->result, "success") == 0)
                (void) snprintf(ret_text, UNIT_END_TEXT_SIZE, "ended");
        else
                (void) snprintf(ret_text, UNIT_END_TEXT_SIZE, "ended with '%s'", u->result);
}
