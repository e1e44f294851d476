/* SPDX-License-Identifier: MIT */

/*
 * Claim: while the table cannot be read, the log says so once, the program reports nothing, and it
 * goes on when the table is there.
 */

#include "agent/loopback/carrier.h"

#include "agent/loopback/table/report.h"
#include "agent/util/small-file.h"

#include "tests/unit/agent/testing.h"

static unsigned n_reads;
static bool fails;

int __real_small_file_read(const char *path, size_t max, char **ret_text);
int __wrap_small_file_read(const char *path, size_t max, char **ret_text);

int __wrap_small_file_read(const char *path, size_t max, char **ret_text) {
        n_reads++;
        return fails ? -EMFILE : __real_small_file_read(path, max, ret_text);
}

static unsigned log_lines(const char *part) {
        char line[512];
        FILE *f = fopen(test_path("log"), "re");
        unsigned n = 0;

        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof(line), f))
                n += strstr(line, part) != NULL;
        (void) fclose(f);
        return n;
}

START_TEST(test_unread_table) {
        const Journal journal = {.target = JOURNAL_TARGET_TERMINAL, .level = LOG_INFO};
        CarrierFiles files;
        sd_event *event = NULL;
        Carrier *carrier = NULL;

        test_mkdir("agent");
        test_mkdir("report");
        ck_assert_ptr_nonnull(freopen(test_path("log"), "w", stderr));
        setlinebuf(stderr);
        files.agent = strdup(test_path("agent"));
        files.report = strdup(test_path("report"));
        ck_assert_int_ge(sd_event_new(&event), 0);
        fails = true;
        ck_assert_int_eq(carrier_new(&carrier, event, &journal, &files), 0);
        while (n_reads < 2)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_eq(access(test_path("report/" LOOPBACK_REPORT_FILE), F_OK), -1);
        ck_assert_uint_eq(log_lines("trying again"), 1);

        fails = false;
        ck_assert_int_eq(small_file_replace(test_path("agent/" LOOPBACK_TABLE_FILE),
                                            "wslbridge-loopback 1\n"),
                         0);
        ck_assert_int_eq(sd_event_loop(event), 0); /* it ends when no service is left */
        ck_assert_uint_eq(log_lines("No service is left"), 1);
        ck_assert_uint_eq(log_lines("trying again"), 1);
        carrier_free(carrier);
        sd_event_unref(event);
        free((char *) files.agent);
        free((char *) files.report);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("carrier");

        tcase_add_checked_fixture(t, test_setup, test_teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_unread_table);
        return test_run(t, "carrier");
}
