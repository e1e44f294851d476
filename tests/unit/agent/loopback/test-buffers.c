/* SPDX-License-Identifier: MIT */

/*
 * Claim: however connections come and go, the kernel's buffers of all of them fit into what the
 * unit's memory limit leaves beside the pipes.
 */

#include "agent/loopback/buffers.h"
#include "agent/loopback/shared.h"

#include "tests/unit/agent/testing.h"

#define MIB (1024.0 * 1024)
/* Two sockets with two buffers each, for which the kernel takes twice the size. */
#define MEMORY_OF(size) (2 * (2 * 2 * (double) (size) + BUFFER_EXCESS))
#define MEMORY_MAX      (400 * MIB) /* of 512; the pipes take 100 */

START_TEST(test_few_have_much_and_many_have_little) {
        ck_assert_uint_eq(buffer_size(0), BUFFER_SIZE_MAX);
        ck_assert_uint_eq(buffer_size(CONNECTIONS_MAX - 1), BUFFER_SIZE_MIN);
        for (unsigned n = 1; n < CONNECTIONS_MAX; n++)
                ck_assert_uint_le(buffer_size(n), buffer_size(n - 1));
}
END_TEST

START_TEST(test_all_together) {
        double memory = 0;

        for (unsigned n = 0; n < CONNECTIONS_MAX; n++)
                memory += MEMORY_OF(buffer_size(n));
        ck_assert_double_le(memory, MEMORY_MAX);
}
END_TEST

/* Somebody who opens and closes connections to get only large ones. */
START_TEST(test_coming_and_going) {
        unsigned held[CONNECTIONS_MAX], n = 0, random = 1;
        double memory = 0, most = 0;

        for (unsigned i = 0; i < 400000; i++) {
                random = random * 1103515245 + 12345;
                if (n < CONNECTIONS_MAX && (random >> 16) % 100 < 60) {
                        held[n] = buffer_size(n);
                        memory += MEMORY_OF(held[n++]);
                } else if (n > 0) { /* of two, the smaller one goes */
                        unsigned x = (random >> 8) % n, y = (random >> 4) % n;
                        unsigned least = held[x] < held[y] ? x : y;

                        memory -= MEMORY_OF(held[least]);
                        held[least] = held[--n];
                }
                most = memory > most ? memory : most;
        }
        ck_assert_uint_gt(n, CONNECTIONS_MAX / 2);
        ck_assert_double_le(most, MEMORY_MAX);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("buffers");

        tcase_add_test(t, test_few_have_much_and_many_have_little);
        tcase_add_test(t, test_all_together);
        tcase_add_test(t, test_coming_and_going);
        return test_run(t, "buffers");
}
