/* SPDX-License-Identifier: MIT */

/* Claim: what is worth trying again is what nobody has to correct. */

#include "agent/util/passing.h"

#include "tests/unit/agent/testing.h"

#include <errno.h>

START_TEST(test_what_is_full_or_slow_passes) {
        static const int errors[] = {EMFILE, ENFILE, ENOSPC, ENOMEM, ENOBUFS, EIO, EINTR, EAGAIN};

        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
                ck_assert(error_passes(errors[i]));
}
END_TEST

START_TEST(test_what_somebody_corrects_does_not) {
        static const int errors[] = {0, ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, EISDIR, EROFS};

        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
                ck_assert(!error_passes(errors[i]));
}
END_TEST

int main(void) {
        TCase *t = tcase_create("passing");

        tcase_add_test(t, test_what_is_full_or_slow_passes);
        tcase_add_test(t, test_what_somebody_corrects_does_not);
        return test_run(t, "passing");
}
