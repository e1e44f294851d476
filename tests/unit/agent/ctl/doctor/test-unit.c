/* SPDX-License-Identifier: MIT */

/* The state of the agent's unit: every state that systemd documents has its meaning, whatever the
 * others are. The words are those of org.freedesktop.systemd1(5) and systemd.service(5);
 * tests/static/test_unit.py compares them with the systemd of this machine. */

#include "agent/ctl/doctor/unit.h"
#include "agent/util/cleanup.h"

#include "tests/unit/agent/testing.h"

static const char *const results[] = {
        "success",  "exit-code", "signal",          "core-dump", "protocol",       "timeout",
        "watchdog", "oom-kill",  "start-limit-hit", "resources", "exec-condition",
};

/* Substates of a service, and the state that each belongs to. */
static const struct {
        const char *sub, *active;
        UnitState state, after_restarts;
} states[] = {
        {"dead", "inactive", UNIT_STOPPED, UNIT_STOPPED},
        {"dead-resources-pinned", "inactive", UNIT_STOPPED, UNIT_STOPPED},
        {"dead-before-auto-restart", "inactive", UNIT_CRASHING, UNIT_CRASHING},
        {"condition", "activating", UNIT_CHANGING, UNIT_CRASHING},
        {"start-pre", "activating", UNIT_CHANGING, UNIT_CRASHING},
        {"start", "activating", UNIT_CHANGING, UNIT_CRASHING},
        {"start-post", "activating", UNIT_CHANGING, UNIT_CRASHING},
        {"auto-restart", "activating", UNIT_CRASHING, UNIT_CRASHING},
        {"auto-restart-queued", "activating", UNIT_CRASHING, UNIT_CRASHING},
        {"running", "active", UNIT_RUNNING, UNIT_RUNNING},
        {"exited", "active", UNIT_RUNNING, UNIT_RUNNING},
        {"reload", "reloading", UNIT_RUNNING, UNIT_RUNNING},
        {"reload-signal", "reloading", UNIT_RUNNING, UNIT_RUNNING},
        {"reload-notify", "reloading", UNIT_RUNNING, UNIT_RUNNING},
        {"mounting", "reloading", UNIT_RUNNING, UNIT_RUNNING},
        {"refresh-extensions", "refreshing", UNIT_RUNNING, UNIT_RUNNING},
        {"refresh-credentials", "refreshing", UNIT_RUNNING, UNIT_RUNNING},
        {"stop", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"stop-watchdog", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"stop-sigterm", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"stop-sigkill", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"stop-post", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"final-watchdog", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"final-sigterm", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"final-sigkill", "deactivating", UNIT_CHANGING, UNIT_CRASHING},
        {"failed", "failed", UNIT_FAILED, UNIT_FAILED},
        {"failed-before-auto-restart", "failed", UNIT_CRASHING, UNIT_CRASHING},
        {"cleaning", "maintenance", UNIT_CHANGING, UNIT_CRASHING},
};

static const struct {
        const char *load;
        UnitState state; /* _UNIT_STATE_END: the other states decide */
} loads[] = {
        {"loaded", _UNIT_STATE_END}, {"stub", _UNIT_STATE_END}, {"merged", _UNIT_STATE_END},
        {"not-found", UNIT_ABSENT},  {"masked", UNIT_MASKED},   {"bad-setting", UNIT_BAD},
        {"error", UNIT_BAD},
};

static UnitState state_of(const char *load, size_t i, const char *result, unsigned restarts) {
        char text[512];
        Unit u;

        (void) snprintf(text, sizeof(text),
                        "Result=%s\nNRestarts=%u\nExecMainStatus=1\nLoadState=%s\n"
                        "ActiveState=%s\nSubState=%s\nConditionResult=yes\n"
                        "ConditionTimestampMonotonic=5\n",
                        result, restarts, load, states[i].active, states[i].sub);
        unit_parse(text, &u);
        return unit_state(&u);
}

static UnitState expected(size_t load, size_t i, const char *result, bool restarted) {
        UnitState state = restarted ? states[i].after_restarts : states[i].state;

        if (loads[load].state != _UNIT_STATE_END)
                return loads[load].state;
        if (state != UNIT_STOPPED || strcmp(result, "success") == 0)
                return state;
        return strcmp(result, "exec-condition") == 0 ? UNIT_SKIPPED : UNIT_FAILED;
}

START_TEST(every_state) {
        size_t n = 0;

        for (size_t load = 0; load < ELEMENTSOF(loads); load++)
                for (size_t i = 0; i < ELEMENTSOF(states); i++)
                        for (size_t k = 0; k < ELEMENTSOF(results); k++)
                                for (unsigned restarts = 0; restarts < 2; restarts++, n++)
                                        ck_assert_msg(state_of(loads[load].load, i, results[k],
                                                               restarts) == expected(load, i,
                                                                                     results[k],
                                                                                     restarts > 0),
                                                      "%s %s %s, %u restarts", loads[load].load,
                                                      states[i].sub, results[k], restarts);
        ck_assert_uint_eq(n, ELEMENTSOF(loads) * ELEMENTSOF(states) * ELEMENTSOF(results) * 2);
}
END_TEST

/* No result falls back to its bare word, which explains nothing. */
START_TEST(every_result_has_words) {
        char text[UNIT_END_TEXT_SIZE];
        Unit u = {.status = 7};

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                (void) snprintf(u.result, sizeof(u.result), "%s", results[i]);
                unit_end_text(&u, text);
                ck_assert_msg(!strstr(text, "with '"), "%s", text);
                ck_assert_uint_lt(strlen(text), UNIT_END_TEXT_SIZE - 1);
        }
        (void) snprintf(u.result, sizeof(u.result), "of-tomorrow");
        unit_end_text(&u, text);
        ck_assert_str_eq(text, "ended with 'of-tomorrow'");
}
END_TEST

START_TEST(odd_output) {
        Unit u;

        unit_parse("", &u);
        ck_assert_int_eq(unit_state(&u), UNIT_UNKNOWN);
        unit_parse("\n\nActiveState\nActiveStateX=failed\nActiveState=", &u);
        ck_assert_int_eq(unit_state(&u), UNIT_UNKNOWN);
        unit_parse("ActiveState=failedfailedfailedfailedfailedfailedfailedfailedfailed\r\n"
                   "SubState=failed",
                   &u);
        ck_assert_uint_eq(strlen(u.active), UNIT_WORD_MAX);
        ck_assert_str_eq(u.sub, "failed");
        unit_parse("NRestarts=-1\nExecMainStatus=x\nActiveState=active\r\n", &u);
        ck_assert_str_eq(u.active, "active");
        ck_assert_uint_eq(u.status, 0);
}
END_TEST

int main(void) {
        Suite *s = suite_create("agent-ctl-doctor-unit");
        TCase *c = tcase_create("core");

        tcase_add_test(c, every_state);
        tcase_add_test(c, every_result_has_words);
        tcase_add_test(c, odd_output);
        suite_add_tcase(s, c);
        return suite_run(s);
}
