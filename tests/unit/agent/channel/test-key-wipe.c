/* SPDX-License-Identifier: MIT */

/* Nothing of a key file stays in memory but the key that the caller has got. */

#include "agent/channel/key.h"
#include "protocol/session/session.h"

#include "tests/unit/agent/testing.h"
#include "tests/unit/memory-scan.h"

#define DIGITS (2 * WIRE_KEY_SIZE)

static MemorySecret digits, bytes;

/* Hexadecimal digits, and the bytes that they stand for, both masked. */
static void setup(void) {
        static const char hex[] = "0123456789abcdef";

        test_setup();
        bytes.n = WIRE_KEY_SIZE;
        digits.n = DIGITS;
        for (size_t i = 0; i < WIRE_KEY_SIZE; i++) {
                uint8_t byte = (uint8_t) (i * 37 + 11);

                bytes.masked[i] = byte ^ MEMORY_MASK;
                digits.masked[2 * i] = (uint8_t) (hex[byte >> 4] ^ MEMORY_MASK);
                digits.masked[2 * i + 1] = (uint8_t) (hex[byte & 15] ^ MEMORY_MASK);
        }
        test_mkdir("etc");
        test_mkdir("etc/wslbridge");
}

/* @n: digits that the file has; @last: of these */
static void write_key_file(size_t n, char last) {
        uint8_t text[DIGITS];

        memory_unmask(&digits, text);
        text[n - 1] = (uint8_t) last;
        test_write("etc/wslbridge/key", (const char *) text, n, 0600);
        session_wipe(text, sizeof(text));
}

/* Deep in the stack, where what is called later does not write over what is left behind. */
static __attribute__((noinline)) int load_deep(uint8_t ret_key[WIRE_KEY_SIZE], char **ret_problem) {
        volatile uint8_t deep[65536];
        int r;

        deep[0] = 0;
        r = key_load(test_directory, NULL, ret_key, ret_problem);
        deep[sizeof(deep) - 1] = 0;
        return r;
}

START_TEST(test_a_key) {
        uint8_t key[WIRE_KEY_SIZE];
        char *problem = NULL;

        write_key_file(DIGITS, (char) (digits.masked[DIGITS - 1] ^ MEMORY_MASK));
        ck_assert_int_eq(load_deep(key, &problem), 0);
        ck_assert_uint_eq(memory_copies(&bytes), 1);
        ck_assert_uint_eq(memory_copies(&digits), 0);
        session_wipe(key, sizeof(key));
        ck_assert_uint_eq(memory_copies(&bytes), 0);
}
END_TEST

/* All but the last digit are there. Then the first 31 bytes are those of the key. */
START_TEST(test_a_key_with_a_mistake) {
        uint8_t key[WIRE_KEY_SIZE];
        char *problem = NULL;

        write_key_file(DIGITS, 'x');
        digits.n = DIGITS - 1;
        bytes.n = WIRE_KEY_SIZE - 1;
        ck_assert_int_eq(load_deep(key, &problem), KEY_E_BAD);
        ck_assert_uint_eq(memory_copies(&digits), 0);
        ck_assert_uint_eq(memory_copies(&bytes), 0);
        free(problem);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("key-wipe");

        tcase_add_checked_fixture(t, setup, test_teardown);
        tcase_add_test(t, test_a_key);
        tcase_add_test(t, test_a_key_with_a_mistake);
        return test_run(t, "key-wipe");
}
