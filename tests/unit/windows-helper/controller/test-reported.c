/* SPDX-License-Identifier: MIT */

/* What is logged about a guest's services: each change once, and a change of very many in a few
 * lines. And when the guest is told again. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/controller/controller-log-private.h"

#include <stdio.h>
#include <string.h>

static World w;
static FakeAgent *guest;
static char lines[WORLD_TEXT_MAX]; /* about services: level, event and text, since lines_are() */

static void log_services(MemoryHost *m, LogLevel level, EventId event, const char *text) {
        size_t n = strlen(lines);

        if (event == EVENT_SERVICE_STATE || event == EVENT_SERVICE_PROBLEM)
                (void) snprintf(lines + n, sizeof(lines) - n, "%s%s%s\n",
                                level == LOG_LEVEL_WARNING ? "warning " : "",
                                event == EVENT_SERVICE_PROBLEM ? "problem " : "",
                                strstr(text, ": ") + 2);
}

static void setup(void) {
        world_start_two(&w);
        guest = &w.agents[0];
        w.host.log = log_services;
        lines[0] = '\0';
}

static void teardown(void) {
        world_done(&w);
}

#define lines_are(text)                        \
        do {                                   \
                ck_assert_str_eq(lines, text); \
                lines[0] = '\0';               \
        } while (0)

START_TEST(test_each_change_once) {
        unsigned n;

        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        lines_are("service 'web' is active\nservice 'ssh' is active\n");
        agent_ask(guest, "172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        lines_are(""); /* as before */
        agent_ask(guest, "172.20.0.3", "web=0.0.0.0:80 dns=0.0.0.0:53 ssh=0.0.0.0:22");
        lines_are("service 'dns' is active\n");
        agent_ask(guest, "172.20.0.3", "ssh=0.0.0.0:22");
        lines_are("");
        n = guest->n_results;
        agent_ask(guest, "172.20.0.3", "sshd=0.0.0.0:22"); /* the same under another name */
        lines_are("service 'sshd' is active\n");
        ck_assert_uint_eq(guest->n_results, n + 1);
}
END_TEST

/* A service that does not work, or that nobody can reach, is a warning, and an event of its own. */
START_TEST(test_problems) {
        static const char taken[] = "warning problem service 'web' is conflict: ";

        world_foreign(&w, "v4tov4 0.0.0.0/80", "192.168.1.9/80");
        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        ck_assert_msg(strncmp(lines, taken, strlen(taken)) == 0, "%s", lines);
        ck_assert_ptr_nonnull(strstr(lines, "\nservice 'ssh' is active\n"));
        lines[0] = '\0';
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL);
        lines_are("service 'web' is active\n");
}
END_TEST

/* @n services from @first on, in this order. */
static void ask_many(unsigned first, unsigned n, const char *last) {
        char services[WORLD_TEXT_MAX] = "";
        size_t at = 0;

        for (unsigned i = first; i < first + n; i++)
                at += (size_t) snprintf(services + at, sizeof(services) - at, "s%u=0.0.0.0:%u ", i,
                                        1000 + i);
        (void) snprintf(services + at, sizeof(services) - at, "%s", last);
        agent_ask(guest, "172.20.0.2", services);
}

static unsigned n_lines(void) {
        unsigned n = 0;

        for (const char *c = lines; *c; c++)
                n += *c == '\n';
        return n;
}

START_TEST(test_very_many) {
        ask_many(0, CONTROLLER_LOG_LINES_MAX, "");
        ck_assert_uint_eq(n_lines(), CONTROLLER_LOG_LINES_MAX);
        ck_assert_ptr_null(strstr(lines, "besides"));
        lines[0] = '\0';
        world_foreign(&w, "v4tov4 0.0.0.0/1109", "192.168.1.9/80");
        ask_many(100, CONTROLLER_LOG_LINES_MAX + 2, "");
        ck_assert_uint_eq(n_lines(), CONTROLLER_LOG_LINES_MAX + 1);
        ck_assert_ptr_nonnull(
                strstr(lines, "services changed besides these: 2; active: 9 of 10\n"));
}
END_TEST

/* Services may come in front of one that stays. It is found again behind a few. */
START_TEST(test_order) {
        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80");
        lines[0] = '\0';
        ask_many(0, 3, "web=0.0.0.0:80");
        ck_assert_ptr_null(strstr(lines, "'web'"));
        ck_assert_uint_eq(n_lines(), 3);
        lines[0] = '\0';
        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80"); /* it moves to the front */
        lines_are("");
        ask_many(0, 15, "web=0.0.0.0:80");
        lines[0] = '\0';
        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80");
        lines_are("");
        ask_many(0, 16, "web=0.0.0.0:80");
        lines[0] = '\0';
        agent_ask(guest, "172.20.0.2", "web=0.0.0.0:80"); /* too far */
        lines_are("service 'web' is active\n");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reported");
        TCase *tc = tcase_create("reported");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_each_change_once);
        tcase_add_test(tc, test_problems);
        tcase_add_test(tc, test_very_many);
        tcase_add_test(tc, test_order);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
