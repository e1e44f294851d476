/* SPDX-License-Identifier: MIT */
#pragma once

/* The end of every Check program. */

#include <check.h>
#include <stdlib.h>

/* Run @suite (taken over) and free it; CK_VERBOSITY is honoured. Return: the exit status. */
static inline int suite_run(Suite *suite) {
        SRunner *runner = srunner_create(suite);
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
