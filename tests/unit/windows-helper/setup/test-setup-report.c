/* SPDX-License-Identifier: MIT */

/* What setup says at the end, for people and for programs. */

#include "tests/suite.h"
#include "windows-helper/core/setup/setup-report.h"

#include <string.h>

static void expect_end(const SetupReport *r, const char *start) {
        Buffer out = BUFFER_NULL;

        setup_result_text(r, 0, &out);
        ck_assert_msg(strncmp(buffer_text(&out), start, strlen(start)) == 0, "%s",
                      buffer_text(&out));
        buffer_done(&out);
}

static void expect_whole(const SetupReport *r, const char *text) {
        Buffer out = BUFFER_NULL;

        setup_result_text(r, 0, &out);
        ck_assert_str_eq(buffer_text(&out), text);
        buffer_done(&out);
}

static void expect_json(const SetupReport *r, const char *part) {
        Buffer out = BUFFER_NULL;

        setup_report_json(r, &out);
        ck_assert(!out.oom);
        ck_assert_msg(strstr(buffer_text(&out), part) != NULL, "%s", buffer_text(&out));
        buffer_done(&out);
}

START_TEST(test_ends) {
        SetupReport r = {.dry_run = false};

        expect_end(&r, "There was nothing to do.");
        expect_json(&r, "\"distro\": null");
        expect_json(&r, "\"result\": \"already\"");
        r.dry_run = true;
        expect_end(&r, "There is nothing to do.");
        (void) setup_says(&r.parts[SETUP_PAIR], SETUP_WOULD, "Pair %d", 1);
        expect_end(&r, "Nothing was changed");
        expect_json(&r, "\"result\": \"would\"");
        r.dry_run = false;
        (void) setup_says(&r.parts[SETUP_PAIR], SETUP_DONE, "Paired");
        expect_end(&r, "Set up. In the distro, 'sudo wslbridgectl expose 8080' makes a service "
                       "reachable. Without '--keep-alive' WSL stops");
        for (SetupPartId id = SETUP_KEEP_ALIVE; id <= SETUP_AT_LOGON; id++) {
                (void) setup_says(&r.parts[id], SETUP_ALREADY, "It is so");
                expect_whole(&r, "Set up. In the distro, 'sudo wslbridgectl expose 8080' makes a "
                                 "service reachable.\n");
                r.parts[id].outcome = SETUP_OPEN;
        }
        expect_json(&r, "\"result\": \"done\"");
        r.undo = true;
        expect_end(&r, "Taken back.");
        ck_assert(!setup_has_failed(&r) && setup_has_changed(&r));
        (void) setup_says(&r.parts[SETUP_START], SETUP_FAILED, "No");
        ck_assert(setup_has_failed(&r));
        expect_end(&r, "Not everything was taken back. Fix the problem and run this again.");
        r.undo = false;
        expect_end(&r, "Setup is not complete. Fix the problem");
        expect_json(&r, "\"result\": \"failed\"");
        r.stopped = true;
        expect_end(&r, "Stopped by Ctrl-C. What was done before stays so. Run this again");
        expect_json(&r, "\"result\": \"stopped\"");
        r.undo = true;
        expect_end(&r, "Stopped by Ctrl-C. What was taken back before stays so.");
        setup_report_done(&r);
}
END_TEST

START_TEST(test_a_part) {
        SetupReport r = {.distro = "Debian"};
        SetupPart *part = &r.parts[SETUP_KEEP_ALIVE];
        Buffer out = BUFFER_NULL;

        setup_part_text(&r, SETUP_KEEP_ALIVE, 0, &out);
        ck_assert_str_eq(buffer_text(&out), ""); /* nobody looked at it */
        ck_assert(setup_says(part, SETUP_DONE, "First") == SETUP_DONE);
        ck_assert(setup_says(part, SETUP_FAILED, "It is\x1b[31m %s", "full") == SETUP_FAILED);
        setup_advises(part, "Make room:\n");
        setup_advises(part, "  %s", "rm x");
        setup_part_text(&r, SETUP_KEEP_ALIVE, 0, &out);
        ck_assert_str_eq(buffer_text(&out), "keep-alive FAILED     It is?[31m full.\n"
                                            "                      Make room:\n"
                                            "                        rm x\n");
        expect_json(&r, "\"part\": \"keep-alive\",\n      \"state\": \"failed\"");
        expect_json(&r, "\"advice\": \"Make room:\\u000a  rm x\"");
        buffer_done(&out);
        setup_report_done(&r);
}
END_TEST

int main(void) {
        Suite *s = suite_create("setup-report");
        TCase *t = tcase_create("setup-report");

        tcase_add_test(t, test_ends);
        tcase_add_test(t, test_a_part);
        suite_add_tcase(s, t);
        return suite_run(s);
}
