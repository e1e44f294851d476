/* SPDX-License-Identifier: MIT */

/* How often VMs are looked for, and when a failed listener is tried again. */

#include "tests/suite.h"
#include "windows-helper/core/vm/vm-schedule.h"

enum { NOTIFIED = 1, CHANGED, SAME };

/* Whether notifications count as proven after a sequence of events. */
START_TEST(test_proof) {
        static const struct {
                int events[6];
                bool proven;
        } cases[] = {
                {{0}, false},
                {{CHANGED}, false},           /* the first answer is no change */
                {{NOTIFIED, CHANGED}, false}, /* not even with a notification */
                {{CHANGED, CHANGED}, false},  /* a change without a notification */
                {{CHANGED, NOTIFIED, CHANGED}, true},
                {{CHANGED, NOTIFIED, SAME, CHANGED}, false}, /* the answer has used it up */
                {{CHANGED, NOTIFIED, CHANGED, SAME, SAME}, true},
                {{CHANGED, NOTIFIED, CHANGED, CHANGED}, false}, /* it does not work any more */
                {{CHANGED, NOTIFIED, CHANGED, NOTIFIED, CHANGED}, true},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                VmSchedule s = {.proven = false};

                for (const int *e = cases[i].events; *e != 0; e++)
                        if (*e == NOTIFIED)
                                vm_schedule_notified(&s);
                        else
                                vm_schedule_answered(&s, *e == CHANGED);
                ck_assert_msg(s.proven == cases[i].proven, "case %zu", i);
                ck_assert_uint_eq(vm_schedule_interval(&s, true),
                                  cases[i].proven ? 30000000 : 5000000);
                ck_assert_uint_eq(vm_schedule_interval(&s, false), 5000000);
        }
}
END_TEST

/* A doubt is settled by one question, and it does not matter how often it came up. */
START_TEST(test_doubt) {
        VmSchedule s = {.answered = true, .proven = true};

        vm_schedule_doubt(&s);
        vm_schedule_doubt(&s);
        ck_assert_uint_eq(vm_schedule_interval(&s, true), VM_SCHEDULE_CONFIRM_USEC);
        ck_assert_uint_eq(vm_schedule_interval(&s, false), VM_SCHEDULE_CONFIRM_USEC);
        vm_schedule_asked(&s);
        ck_assert_uint_eq(vm_schedule_interval(&s, true), VM_SCHEDULE_LONG_USEC);
}
END_TEST

START_TEST(test_retries) {
        static const uint64_t expected[] = {500000, 1000000, 2000000, 5000000, 5000000};

        for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
                ck_assert_uint_eq(vm_schedule_retry(i + 1), expected[i]);
        ck_assert_uint_eq(vm_schedule_retry(0), 500000);
        ck_assert_uint_eq(vm_schedule_retry(4000000000), 5000000);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("vm-schedule");
        TCase *tc = tcase_create("vm-schedule");

        tcase_add_test(tc, test_proof);
        tcase_add_test(tc, test_doubt);
        tcase_add_test(tc, test_retries);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
