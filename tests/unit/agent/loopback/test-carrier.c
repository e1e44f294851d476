/* SPDX-License-Identifier: MIT */

/*
 * Claim: while the table cannot be read, the log says so once, the program reports nothing, and it
 * goes on when the table is there. If the kernel does not let it listen on one interface only, the
 * log says so once, and the ports are open all the same. When there is no memory, it gives up and
 * keeps none.
 */

#include "agent/loopback/carrier.h"

#include "agent/loopback/table/report.h"
#include "agent/util/small-file.h"

#include "tests/unit/agent/testing.h"

#include <sys/socket.h>

static unsigned n_reads;
static bool fails;

int __real_small_file_read(const char *path, size_t max, char **ret_text);
int __wrap_small_file_read(const char *path, size_t max, char **ret_text);

int __wrap_small_file_read(const char *path, size_t max, char **ret_text) {
        n_reads++;
        return fails ? -EMFILE : __real_small_file_read(path, max, ret_text);
}

static bool refuses; /* to bind a socket to an interface */

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n) {
        if (refuses && level == SOL_SOCKET && name == SO_BINDTODEVICE) {
                errno = EPERM; /* as a kernel before 5.7 answers to a user */
                return -1;
        }
        return __real_setsockopt(fd, level, name, value, n);
}

int __real_bind(int fd, const struct sockaddr *addr, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t n);

/* This machine need not have the guest's address. */
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t n) {
        return refuses ? 0 : __real_bind(fd, addr, n);
}

static bool no_memory; /* for a report, after a part of it */

void __real_loopback_report_format(const LoopbackReport *r, Buffer *out);
void __wrap_loopback_report_format(const LoopbackReport *r, Buffer *out);

void __wrap_loopback_report_format(const LoopbackReport *r, Buffer *out) {
        __real_loopback_report_format(r, out);
        out->oom = out->oom || no_memory;
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

static const Journal journal = {.target = JOURNAL_TARGET_TERMINAL, .level = LOG_INFO};
static CarrierFiles files;
static sd_event *event;
static Carrier *carrier;

static void setup(void) {
        test_setup();
        test_mkdir("agent");
        test_mkdir("report");
        ck_assert_ptr_nonnull(freopen(test_path("log"), "w", stderr));
        setlinebuf(stderr);
        files.agent = strdup(test_path("agent"));
        files.report = strdup(test_path("report"));
        ck_assert_int_ge(sd_event_new(&event), 0);
}

static void teardown(void) {
        carrier = carrier_free(carrier);
        event = sd_event_unref(event);
        free((char *) files.agent);
        free((char *) files.report);
        test_teardown();
}

static void write_table(const char *text) {
        ck_assert_int_eq(small_file_replace(test_path("agent/" LOOPBACK_TABLE_FILE), text), 0);
}

START_TEST(test_unread_table) {
        fails = true;
        ck_assert_int_eq(carrier_new(&carrier, event, &journal, &files), 0);
        while (n_reads < 2)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_eq(access(test_path("report/" LOOPBACK_REPORT_FILE), F_OK), -1);
        ck_assert_uint_eq(log_lines("trying again"), 1);

        fails = false;
        write_table("wslbridge-loopback 1\n");
        ck_assert_int_eq(sd_event_loop(event), 0); /* it ends when no service is left */
        ck_assert_uint_eq(log_lines("No service is left"), 1);
        ck_assert_uint_eq(log_lines("trying again"), 1);
}
END_TEST

static bool reports(const char *expected) {
        _cleanup_free_ char *text = NULL;

        return small_file_read(test_path("report/" LOOPBACK_REPORT_FILE), LOOPBACK_TEXT_MAX,
                               &text) == 0 &&
               strcmp(text, expected) == 0;
}

START_TEST(test_any_interface) {
        refuses = true;
        write_table("wslbridge-loopback 1\nhost 10.9.0.2 10.9.0.1 eth7\ntcp 28080\nudp 25353\n");
        ck_assert_int_eq(carrier_new(&carrier, event, &journal, &files), 0);
        while (!reports("wslbridge-loopback 2\nhost 10.9.0.2 10.9.0.1 eth7\ntcp 28080 0\n"
                        "udp 25353 0\n"))
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_eq(
                log_lines("Cannot listen on eth7 only: Operation not permitted. A machine "
                          "that has the address 10.9.0.1 on another network"),
                1);
        ck_assert_uint_eq(log_lines("trying again"), 0);
}
END_TEST

/* What it keeps is what the leak sanitizer finds. */
START_TEST(test_no_memory) {
        refuses = no_memory = true;
        write_table("wslbridge-loopback 1\nhost 10.9.0.2 10.9.0.1 eth7\ntcp 28080\n");
        ck_assert_int_eq(carrier_new(&carrier, event, &journal, &files), -ENOMEM);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("carrier");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_unread_table);
        tcase_add_test(t, test_any_interface);
        tcase_add_test(t, test_no_memory);
        return test_run(t, "carrier");
}
