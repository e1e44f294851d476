/* SPDX-License-Identifier: MIT */

/*
 * Claim: a Buffer is a byte queue for appends and consumes of every size. Its cost stays linear, it
 * releases a large allocation when it is empty, and it shows what it holds as a string.
 */

#include "common/buffer.h"
#include "tests/suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_empty) {
        Buffer b = BUFFER_NULL;

        ck_assert_ptr_null(buffer_bytes(&b));
        ck_assert_uint_eq(buffer_length(&b), 0);
        ck_assert_int_eq(buffer_append(&b, NULL, 0), 0);
        buffer_consume(&b, 10);
        buffer_done(&b);
        ck_assert_ptr_null(b.data);
}
END_TEST

/* Against a counter: byte k of the stream is k % 251, appended and consumed in uneven portions. */
START_TEST(test_queue) {
        Buffer b = BUFFER_NULL;
        size_t written = 0, read = 0, largest = 0, wrong = 0;
        uint32_t seed = 1;

        for (unsigned round = 0; round < 20000; round++) {
                size_t n;

                seed = seed * 1664525 + 1013904223;
                n = (seed >> 16) % 700;
                if (seed & 0x8000) {
                        uint8_t chunk[700];

                        for (size_t i = 0; i < n; i++)
                                chunk[i] = (uint8_t) ((written + i) % 251);
                        ck_assert_int_eq(buffer_append(&b, chunk, n), 0);
                        written += n;
                } else {
                        n = n < buffer_length(&b) ? n : buffer_length(&b);
                        for (size_t i = 0; i < n; i++)
                                wrong += buffer_bytes(&b)[i] != (read + i) % 251;
                        buffer_consume(&b, n);
                        read += n;
                }
                ck_assert_uint_eq(buffer_length(&b), written - read);
                if (buffer_length(&b) > largest)
                        largest = buffer_length(&b);
        }
        ck_assert_uint_eq(wrong, 0);
        /* At most what was held, doubled twice: consumed bytes do not pile up. */
        ck_assert_uint_le(b.size, 4 * largest + 1024);
        buffer_done(&b);
}
END_TEST

/* A byte out, a byte in, with a megabyte always held: were all of it moved for each byte, this
 * would move 200 GB and run into Check's time limit. */
START_TEST(test_nearly_full_queue_is_not_moved_each_time) {
        Buffer b = BUFFER_NULL;
        uint8_t *room;

        ck_assert_int_eq(buffer_reserve(&b, 1024 * 1024, &room), 0);
        memset(room, 7, 1024 * 1024);
        buffer_commit(&b, 1024 * 1024);
        for (unsigned i = 0; i < 200000; i++) {
                uint8_t byte = (uint8_t) i;

                buffer_consume(&b, 1);
                if (buffer_append(&b, &byte, 1) < 0)
                        break;
        }
        ck_assert_uint_eq(buffer_length(&b), 1024 * 1024);
        ck_assert_uint_eq(buffer_bytes(&b)[1024 * 1024 - 1], (uint8_t) 199999);
        ck_assert_uint_le(b.size, 4 * 1024 * 1024);
        buffer_done(&b);
}
END_TEST

START_TEST(test_reserve_commit) {
        Buffer b = BUFFER_NULL;
        uint8_t *room;

        ck_assert_int_eq(buffer_reserve(&b, 5, &room), 0);
        memcpy(room, "hello", 5);
        buffer_commit(&b, 3);
        ck_assert_uint_eq(buffer_length(&b), 3);
        ck_assert_mem_eq(buffer_bytes(&b), "hel", 3);
        buffer_done(&b);
}
END_TEST

START_TEST(test_impossible_size) {
        Buffer b = BUFFER_NULL;
        uint8_t *room;

        ck_assert_int_eq(buffer_append(&b, "x", 1), 0);
        ck_assert_int_eq(buffer_reserve(&b, SIZE_MAX, &room), -ENOMEM);
        ck_assert_int_eq(buffer_reserve(&b, SIZE_MAX / 2 + 2, &room), -ENOMEM);
        ck_assert_uint_eq(buffer_length(&b), 1);
        ck_assert_mem_eq(buffer_bytes(&b), "x", 1);
        ck_assert(b.oom); /* until buffer_done() */
        buffer_done(&b);
        ck_assert(!b.oom);
}
END_TEST

START_TEST(test_large_is_released) {
        Buffer b = BUFFER_NULL;
        uint8_t *room;

        ck_assert_int_eq(buffer_reserve(&b, 1024 * 1024, &room), 0);
        memset(room, 7, 1024 * 1024);
        buffer_commit(&b, 1024 * 1024);
        buffer_consume(&b, 1024 * 1024 - 1);
        ck_assert_ptr_nonnull(b.data);
        buffer_consume(&b, 1);
        ck_assert_ptr_null(b.data);
        ck_assert_int_eq(buffer_append(&b, "small", 5), 0);
        buffer_consume(&b, 5);
        ck_assert_ptr_nonnull(b.data);
        buffer_done(&b);
}
END_TEST

START_TEST(test_text) {
        Buffer b = BUFFER_NULL;

        ck_assert_str_eq(buffer_text(&b), "");
        buffer_printf(&b, "%s", "");
        ck_assert_str_eq(buffer_text(&b), "");
        for (unsigned i = 0; i < 1000; i++) {
                buffer_printf(&b, "%u%s", i % 10, i % 2 ? "," : "");
                ck_assert_uint_eq(strlen(buffer_text(&b)), buffer_length(&b));
        }
        ck_assert_uint_eq(buffer_length(&b), 1500);
        buffer_consume(&b, 3);
        ck_assert_int_eq(strncmp(buffer_text(&b), "23,45,", 6), 0);
        buffer_done(&b);
        for (size_t n = 510; n <= 514; n++) { /* around a size that is full */
                buffer_printf(&b, "%*s", (int) n, "x");
                ck_assert_uint_eq(strlen(buffer_text(&b)), n);
                ck_assert_int_eq(buffer_append(&b, "yz", 2), 0);
                ck_assert_uint_eq(strlen(buffer_text(&b)), n + 2);
                buffer_done(&b);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("buffer");
        TCase *tcase = tcase_create("buffer");

        tcase_add_test(tcase, test_empty);
        tcase_add_test(tcase, test_queue);
        tcase_add_test(tcase, test_nearly_full_queue_is_not_moved_each_time);
        tcase_add_test(tcase, test_reserve_commit);
        tcase_add_test(tcase, test_impossible_size);
        tcase_add_test(tcase, test_large_is_released);
        tcase_add_test(tcase, test_text);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
