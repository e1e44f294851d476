/* SPDX-License-Identifier: MIT */

/* Claim: the key is read from the right place, and a file that is not secret is rejected. */

#include "agent/channel/key.h"

#include "tests/unit/agent/testing.h"

#define DIGITS "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void check_key(const uint8_t *key) {
        for (unsigned i = 0; i < WIRE_KEY_SIZE; i++)
                ck_assert_uint_eq(key[i], i);
}

START_TEST(test_text) {
        static const struct {
                const char *text;
                int outcome;
        } cases[] = {
                {DIGITS, 0},
                {DIGITS "\n", 0},
                {" \t" DIGITS "\r\n\n", 0},
                {"", KEY_E_MISSING},
                {" \n", KEY_E_MISSING},
                {"unpaired", KEY_E_MISSING},
                {"unpaired\n", KEY_E_MISSING},
                {DIGITS "0", KEY_E_BAD},
                {DIGITS DIGITS, KEY_E_BAD},
                {"0x" DIGITS, KEY_E_BAD},
                {"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", KEY_E_BAD},
                {"00 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1", KEY_E_BAD},
                {"secret", KEY_E_BAD},
        };
        uint8_t key[WIRE_KEY_SIZE];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                memset(key, 0xaa, sizeof(key));
                ck_assert_int_eq(key_parse(cases[i].text, strlen(cases[i].text), key),
                                 cases[i].outcome);
                if (cases[i].outcome == 0)
                        check_key(key);
                else
                        ck_assert_uint_eq(key[0], 0xaa); /* untouched on failure */
        }
        /* A NUL is neither white space nor a digit. */
        ck_assert_int_eq(key_parse(DIGITS "\0", 2 * WIRE_KEY_SIZE + 1, key), KEY_E_BAD);
}
END_TEST

static int load(const char *credentials, uint8_t *ret_key, char **ret_problem) {
        *ret_problem = NULL;
        return key_load(test_directory, credentials, ret_key, ret_problem);
}

START_TEST(test_places) {
        uint8_t key[WIRE_KEY_SIZE];
        char *problem;

        /* There is nothing anywhere, not even the directories. */
        ck_assert_int_eq(load(NULL, key, &problem), KEY_E_MISSING);
        /* The unit always hands over something, so its mount did not arrive. */
        ck_assert_int_eq(load("/nonexistent", key, &problem), KEY_E_BAD);
        ck_assert_ptr_nonnull(strstr(problem, "mount --make-shared /run"));
        free(problem);

        test_mkdir("etc/wslbridge");
        test_write("etc/wslbridge/key", DIGITS, strlen(DIGITS), 0600);
        ck_assert_int_eq(load("/nonexistent", key, &problem), 0);
        ck_assert_int_eq(load(NULL, key, &problem), 0);
        check_key(key);

        /* The credential comes first; its open group bits are those of its ACL. The default value
         * of the unit does not hide the file. */
        test_mkdir("credentials");
        test_write("credentials/key", "x", 1, 0440);
        ck_assert_int_eq(load(test_path("credentials"), key, &problem), KEY_E_BAD);
        ck_assert_ptr_nonnull(strstr(problem, "credential"));
        free(problem);
        unlink(test_path("credentials/key")); /* only root can write to it */
        test_write("credentials/key", KEY_UNPAIRED, strlen(KEY_UNPAIRED), 0440);
        ck_assert_int_eq(load(test_path("credentials"), key, &problem), 0);
        unlink(test_path("etc/wslbridge/key"));
        ck_assert_int_eq(load(test_path("credentials"), key, &problem), KEY_E_MISSING);
        unlink(test_path("credentials/key"));
        test_write("credentials/key", DIGITS, strlen(DIGITS), 0440);
        ck_assert_int_eq(load(test_path("credentials"), key, &problem), 0);
}
END_TEST

START_TEST(test_distrust) {
        static const struct {
                mode_t mode;
                const char *what;
        } cases[] = {
                {0640, "chmod 600"}, {0604, "chmod 600"}, {0620, "chmod 600"}, {0666, "chmod"}};
        uint8_t key[WIRE_KEY_SIZE];
        char *problem;

        test_mkdir("etc/wslbridge");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                test_write("etc/wslbridge/key", DIGITS, strlen(DIGITS), cases[i].mode);
                ck_assert_int_eq(load(NULL, key, &problem), KEY_E_BAD);
                ck_assert_ptr_nonnull(strstr(problem, cases[i].what));
                ck_assert_ptr_nonnull(strstr(problem, KEY_FILE));
                free(problem);
        }
        test_write("etc/wslbridge/key", DIGITS, strlen(DIGITS), 0400);
        ck_assert_int_eq(load(NULL, key, &problem), 0);

        /* Not a regular file: it is not used, and a FIFO is not read for ever. */
        unlink(test_path("etc/wslbridge/key"));
        ck_assert_int_eq(mkfifo(test_path("etc/wslbridge/key"), 0600), 0);
        ck_assert_int_eq(load(NULL, key, &problem), KEY_E_BAD);
        free(problem);
        unlink(test_path("etc/wslbridge/key"));
        test_mkdir("etc/wslbridge/key");
        ck_assert_int_eq(load(NULL, key, &problem), KEY_E_BAD);
        free(problem);
}
END_TEST

START_TEST(test_foreign_owner) {
        uint8_t key[WIRE_KEY_SIZE];
        char *problem;

        if (geteuid() != 0)
                return; /* only root can give a file away; CI runs as root */
        test_mkdir("etc/wslbridge");
        test_write("etc/wslbridge/key", DIGITS, strlen(DIGITS), 0600);
        ck_assert_int_eq(chown(test_path("etc/wslbridge/key"), 65534, 65534), 0);
        ck_assert_int_eq(load(NULL, key, &problem), KEY_E_BAD);
        ck_assert_ptr_nonnull(strstr(problem, "chown root"));
        free(problem);
}
END_TEST

/* The service does not run as root, so it cannot read a key that was written after its start. The
 * message must say what to do. */
START_TEST(test_unreadable) {
        uint8_t key[WIRE_KEY_SIZE];
        char *problem;

        if (geteuid() != 0)
                return; /* as above */
        test_mkdir("etc/wslbridge");
        test_mkdir("credentials");
        test_write("etc/wslbridge/key", DIGITS, strlen(DIGITS), 0600);
        unlink(test_path("credentials/key")); /* only root can write to it */
        test_write("credentials/key", KEY_UNPAIRED, strlen(KEY_UNPAIRED), 0444);
        ck_assert_int_eq(chmod(test_directory, 0755), 0);
        ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_int_eq(load(test_path("credentials"), key, &problem), KEY_E_LATER);
        ck_assert_ptr_nonnull(strstr(problem, "run 'systemctl restart wslbridge-agent'"));
        free(problem);
        ck_assert_int_eq(load("/nonexistent", key, &problem), KEY_E_BAD);
        ck_assert_ptr_nonnull(strstr(problem, "mount --make-shared /run"));
        free(problem);
        ck_assert_int_eq(load(NULL, key, &problem), KEY_E_BAD);
        ck_assert_ptr_nonnull(strstr(problem, "as root"));
        free(problem);
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("key");

        tcase_add_checked_fixture(t, test_setup, test_teardown);
        tcase_add_test(t, test_text);
        tcase_add_test(t, test_places);
        tcase_add_test(t, test_distrust);
        tcase_add_test(t, test_foreign_owner);
        tcase_add_test(t, test_unreadable);
        return test_run(t, "key");
}
