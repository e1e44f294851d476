/* SPDX-License-Identifier: MIT */

/*
 * Claim: a direction reads only when nothing waits, writes all that it has read, and passes the end
 * on exactly once, after the last byte.
 */

#include "agent/loopback/flow.h"

#include "tests/unit/agent/testing.h"

START_TEST(test_bytes_then_the_end) {
        Flow f = {0};

        ck_assert_int_eq(flow_step(&f), FLOW_READ);
        flow_read(&f, 100);
        ck_assert_int_eq(flow_step(&f), FLOW_WRITE);
        flow_written(&f, 60);
        ck_assert_int_eq(flow_step(&f), FLOW_WRITE);
        flow_written(&f, 40);
        ck_assert_int_eq(flow_step(&f), FLOW_READ);
        flow_read(&f, 0);
        ck_assert_int_eq(flow_step(&f), FLOW_CLOSE);
        flow_closed(&f);
        ck_assert_int_eq(flow_step(&f), FLOW_DONE);
}
END_TEST

START_TEST(test_an_end_without_bytes) {
        Flow f = {0};

        flow_read(&f, 0);
        ck_assert_int_eq(flow_step(&f), FLOW_CLOSE);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("flow");

        tcase_add_test(t, test_bytes_then_the_end);
        tcase_add_test(t, test_an_end_without_bytes);
        return test_run(t, "flow");
}
