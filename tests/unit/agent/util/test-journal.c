/* SPDX-License-Identifier: MIT */

/* Claim: log lines go to the right target, honour the level, and have the right form on standard
 * error. */

#include "agent/util/journal.h"

#include "tests/unit/agent/testing.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

START_TEST(test_journal_stream) {
        static const struct {
                const char *value;
                bool matches;
        } cases[] = {
                {"8:12345", true},  {NULL, false},  {"", false},         {"8:12346", false},
                {"9:12345", false}, {"8", false},   {"8:12345x", false}, {"8:", false},
                {"12345:8", false}, {"a:b", false}, {":", false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_msg(journal_stream_matches(cases[i].value, 8, 12345) == cases[i].matches,
                              "%s", cases[i].value);
        }
}
END_TEST

/* The text on standard error while @target is in force, from a file below the test's directory. */
static void capture(JournalTarget target, int level, char *ret_text, size_t size) {
        const Journal journal = {.target = target, .level = level};
        FILE *f;
        size_t n;

        ck_assert_ptr_nonnull(freopen(test_path("log"), "w", stderr));
        journal_line(&journal, LOG_DEBUG, "a %s", "debug line");
        journal_fields(&journal, LOG_WARNING, FIELDS(.service = "web", .error = EIO),
                       "a warning: %d%%", 100);
        (void) fflush(stderr);
        f = fopen(test_path("log"), "re");
        ck_assert_ptr_nonnull(f);
        n = fread(ret_text, 1, size - 1, f);
        ret_text[n] = '\0';
        (void) fclose(f);
}

START_TEST(test_lines) {
        char text[256];

        capture(JOURNAL_TARGET_STDERR, LOG_DEBUG, text, sizeof(text));
        ck_assert_str_eq(text, "<7>a debug line\n<4>a warning: 100%\n");
        capture(JOURNAL_TARGET_STDERR, LOG_INFO, text, sizeof(text));
        ck_assert_str_eq(text, "<4>a warning: 100%\n");
        capture(JOURNAL_TARGET_TERMINAL, LOG_INFO, text, sizeof(text));
        ck_assert_str_eq(text, "a warning: 100%\n");
}
END_TEST

START_TEST(test_target) {
        char value[64];
        struct stat st;
        Journal journal;

        ck_assert_ptr_nonnull(freopen(test_path("log"), "w", stderr));
        unsetenv("JOURNAL_STREAM");
        journal_open(&journal, LOG_INFO);
        ck_assert_int_eq(journal.target, JOURNAL_TARGET_STDERR);
        ck_assert_int_eq(journal.level, LOG_INFO);

        ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
        (void) snprintf(value, sizeof(value), "%ju:%ju", (uintmax_t) st.st_dev,
                        (uintmax_t) st.st_ino);
        setenv("JOURNAL_STREAM", value, 1);
        journal_open(&journal, LOG_INFO);
        ck_assert_int_eq(journal.target, JOURNAL_TARGET_JOURNAL);

        /* $JOURNAL_STREAM is inherited, but standard error has been redirected since. */
        ck_assert_ptr_nonnull(freopen(test_path("other"), "w", stderr));
        journal_open(&journal, LOG_INFO);
        ck_assert_int_eq(journal.target, JOURNAL_TARGET_STDERR);
}
END_TEST

/* With a journal of our own, in a mount namespace: what arrives there has the fields. */
START_TEST(test_journal_entry) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
        const Journal journal = {.target = JOURNAL_TARGET_JOURNAL, .level = LOG_INFO};
        char entry[4096] = "\n";
        int fd;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
                return; /* not root */
        ck_assert_int_eq(mkdir("/run/systemd", 0755), 0);
        ck_assert_int_eq(mkdir("/run/systemd/journal", 0755), 0);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &sa, sizeof(sa)), 0);
        journal_fields(&journal, LOG_NOTICE,
                       FIELDS(.id = "0123", .service = "web", .address = "172.20.1.2",
                              .state = "active", .error = EIO),
                       "it %s", "works");
        ck_assert_int_gt(recv(fd, entry + 1, sizeof(entry) - 2, 0), 0);
        ck_assert_ptr_nonnull(strstr(entry, "\nMESSAGE=it works\n"));
        ck_assert_ptr_nonnull(strstr(entry, "\nPRIORITY=5\n"));
        ck_assert_ptr_nonnull(strstr(entry, "\nMESSAGE_ID=0123\n"));
        ck_assert_ptr_nonnull(strstr(entry, "\nWSLBRIDGE_SERVICE=web\n"));
        ck_assert_ptr_nonnull(strstr(entry, "\nWSLBRIDGE_ADDRESS=172.20.1.2\n"));
        ck_assert_ptr_nonnull(strstr(entry, "\nWSLBRIDGE_STATE=active\n"));
        ck_assert_ptr_nonnull(strstr(entry, "\nERRNO=5\n"));
        ck_assert_ptr_nonnull(strstr(entry, "test-journal.c\n")); /* CODE_FILE is the caller's */
        ck_assert_ptr_nonnull(strstr(entry, "\nCODE_FUNC=test_journal_entry"));
        close(fd);
}
END_TEST

/* A line that is too long is cut. It is not lost, and stays one line. */
START_TEST(test_long_line) {
        const Journal journal = {.target = JOURNAL_TARGET_STDERR, .level = LOG_INFO};
        char *text = malloc(2 * JOURNAL_LINE_SIZE);
        struct stat st;

        memset(text, 'x', 2 * JOURNAL_LINE_SIZE - 1);
        text[2 * JOURNAL_LINE_SIZE - 1] = '\0';
        ck_assert_ptr_nonnull(freopen(test_path("log"), "w", stderr));
        journal_line(&journal, LOG_INFO, "%s", text);
        (void) fflush(stderr);
        ck_assert_int_eq(stat(test_path("log"), &st), 0);
        ck_assert_int_eq(st.st_size, 3 + JOURNAL_LINE_SIZE - 1 + 1);
        free(text);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("journal");

        tcase_add_checked_fixture(t, test_setup, test_teardown);
        tcase_add_test(t, test_journal_stream);
        tcase_add_test(t, test_lines);
        tcase_add_test(t, test_target);
        tcase_add_test(t, test_journal_entry);
        tcase_add_test(t, test_long_line);
        return test_run(t, "journal");
}
