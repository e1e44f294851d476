/* SPDX-License-Identifier: MIT */

/*
 * Claim: wslbridgectl gets what a program says and how it ends, and never waits longer than its
 * limit: not for a program that has closed its output, nor for one that does not end when it is
 * killed.
 */

#include "agent/ctl/client/run.h"
#include "agent/util/cleanup.h"
#include "tests/suite.h"
#include "tests/unit/agent/deaf.h"

#include <errno.h>
#include <string.h>

static char output[16];

static int run(const char *script) {
        return ctl_run((const char *[]){"sh", "-c", script, NULL}, output, sizeof(output));
}

START_TEST(output_and_exit_code) {
        ck_assert_int_eq(run("echo one; echo two >&2; exit 3"), 3);
        ck_assert_str_eq(output, "one\n");
        ck_assert_int_eq(run("echo 12345678901234567890"), 0);
        ck_assert_str_eq(output, "123456789012345");
        ck_assert_int_eq(run("kill -9 $$"), -ECHILD);
        ck_assert_int_eq(ctl_run((const char *[]){"no-such-program", NULL}, output, sizeof(output)),
                         -ENOENT);
        ck_assert_int_eq(run("exec >&-; sleep 0.3; exit 4"), 4);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static const char *const scripts[] = {"exec sleep 60", "exec sleep 60 >&-"};

/* The second half of the cases: it does not end when it is killed. */
START_TEST(takes_too_long) {
        uint64_t begin = now_usec(), limit = CTL_RUN_LIMIT_MSEC * USEC_PER_MSEC;

        deaf = _i >= (int) ELEMENTSOF(scripts);
        ck_assert_int_eq(run(scripts[(size_t) _i % ELEMENTSOF(scripts)]), -ETIME);
        ck_assert_uint_ge(now_usec() - begin, limit);
        ck_assert_uint_lt(now_usec() - begin, 2 * limit);
        if (deaf)
                deaf_end();
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
}
END_TEST

int main(void) {
        Suite *s = suite_create("run");
        TCase *c = tcase_create("run");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, output_and_exit_code);
        tcase_add_loop_test(c, takes_too_long, 0, 2 * ELEMENTSOF(scripts));
        suite_add_tcase(s, c);
        return suite_run(s);
}
