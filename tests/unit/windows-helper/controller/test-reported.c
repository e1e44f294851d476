/* SPDX-License-Identifier: MIT */

/* What is logged about a guest's services: each change once, and a change of very many in a few
 * lines. And when the guest is told again. At the end, the limits of the log by itself. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/controller/controller-log-private.h"

#include <stdio.h>
#include <string.h>

static World w;
static FakeAgent *guest;
static char lines[WORLD_TEXT_MAX]; /* about services: level, event and text, since lines_are() */

static void log_services(MemoryHost *m, LogLevel level, EventId event, const char *text) {
        static const char name[] = "'Ubuntu' (a0000000): ";
        size_t n = strlen(lines);

        if (event != EVENT_SERVICE_STATE && event != EVENT_SERVICE_PROBLEM)
                return;
        ck_assert_msg(strncmp(text, name, strlen(name)) == 0, "%s", text);
        (void) snprintf(lines + n, sizeof(lines) - n, "%s%s%s\n",
                        level == LOG_LEVEL_WARNING ? "warning " : "",
                        event == EVENT_SERVICE_PROBLEM ? "problem " : "", text + strlen(name));
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

/* In a long list, each service is looked for from where the one before it was. */
START_TEST(test_long_lists) {
        ask_many(0, 40, "");
        lines[0] = '\0';
        ask_many(0, 40, "web=0.0.0.0:80");
        lines_are("service 'web' is active\n");
        ask_many(0, 16, "web=0.0.0.0:80");
        lines[0] = '\0';
        ask_many(0, 1, "web=0.0.0.0:80"); /* 15 have gone between the two */
        lines_are("");
}
END_TEST

static ControllerLog limited;
static ControllerHost limited_host;
static VmId vms[CONTROLLER_LOG_PEERS_MAX + 2];
static char owners[CONTROLLER_LOG_PEERS_MAX + 2][64];
static char written[WORLD_TEXT_MAX];

static void write_line(void *userdata, LogLevel level, EventId event, const char *text) {
        size_t n = strlen(written);

        (void) snprintf(written + n, sizeof(written) - n, "%s\n", text);
}

#define written_is(text)                         \
        do {                                     \
                ck_assert_str_eq(written, text); \
                written[0] = '\0';               \
        } while (0)

static void setup_limits(void) {
        limited_host = (ControllerHost){.log = write_line};
        limited = (ControllerLog){.host = &limited_host};
        written[0] = '\0';
        for (unsigned i = 0; i < CONTROLLER_LOG_PEERS_MAX + 2; i++) {
                vms[i] = (VmId){{(uint8_t) (i + 1)}};
                (void) snprintf(owners[i], sizeof(owners[i]), "%08x0000/VM%u", i, i);
        }
}

static LogCause cause(unsigned i) {
        return (LogCause){.owner = owners[i], .vm = &vms[i]};
}

/* @n lines of a stranger, each another one. Ten at once are written. */
static void strangers(unsigned i, unsigned first, unsigned n) {
        LogCause c = cause(i);

        for (unsigned k = first; k < first + n; k++)
                controller_log_stranger(&limited, &c, "line %u", k);
}

/* There is room for so many. The newcomer takes the place of the one that was silent longest, and
 * what that one still had to tell is told. */
START_TEST(test_who_makes_room_in_the_log) {
        for (unsigned i = 0; i < CONTROLLER_LOG_PEERS_MAX; i++) {
                controller_log_flush(&limited, 1 + i);
                strangers(i, 0, 12);
        }
        ck_assert_ptr_null(strstr(written, "left out"));
        controller_log_flush(&limited, 200);
        written[0] = '\0';
        strangers(0, 12, 1); /* it is known, so this is left out, too */
        strangers(1, 0, 1);  /* a repetition */
        written_is("");
        strangers(CONTROLLER_LOG_PEERS_MAX, 0, 1);
        written_is("log lines left out about 'VM2' (00000002): 2\nline 0\n");
        strangers(CONTROLLER_LOG_PEERS_MAX + 1, 0, 1);
        written_is("log lines left out about 'VM3' (00000003): 2\nline 0\n");
        strangers(0, 13, 1);
        written_is("");
}
END_TEST

/* What is left out of is told when the time comes, for each when its own has come. */
START_TEST(test_when_the_log_tells_what_it_left_out) {
        static const uint64_t at[][3] = {{1, 3, 2}, {3, 2, 1}, {2, 1, 3}};
        char expected[128] = "";

        ck_assert_uint_eq(controller_log_deadline(&limited), UINT64_MAX);
        for (uint64_t now = 1; now <= 3; now++) {
                controller_log_flush(&limited, now);
                for (unsigned i = 0; i < 3; i++)
                        if (at[_i][i] == now)
                                strangers(i, 0, 10 + i + 1);
        }
        written[0] = '\0';
        for (uint64_t now = 1; now <= 3; now++) {
                uint64_t due = now + LOG_LIMIT_REFILL_USEC;
                unsigned i = 0;

                while (at[_i][i] != now)
                        i++;
                ck_assert_uint_eq(controller_log_deadline(&limited), due);
                controller_log_flush(&limited, due - 1);
                written_is("");
                controller_log_flush(&limited, due);
                (void) snprintf(expected, sizeof(expected),
                                "log lines left out about 'VM%u' (0000000%u): %u\n", i, i, i + 1);
                written_is(expected);
        }
        ck_assert_uint_eq(controller_log_deadline(&limited), UINT64_MAX);
}
END_TEST

/* Each text once, as long as it is one of the last few. Repetitions are counted with the rest. */
START_TEST(test_strangers_that_repeat_themselves) {
        LogCause c = cause(0);

        controller_log_flush(&limited, 1);
        strangers(0, 0, CONTROLLER_LOG_REPEATS);
        written[0] = '\0';
        strangers(0, 0, CONTROLLER_LOG_REPEATS);
        written_is("");
        strangers(0, CONTROLLER_LOG_REPEATS, 1);
        strangers(0, 0, 1);
        written_is("line 8\nline 0\n"); /* 0 was the oldest, and 1 is now */
        strangers(0, 2, 1);
        strangers(0, 1, 1); /* too much at once: this is not a repetition */
        written_is("");
        controller_log_admitted(&limited, &c);
        written_is("log lines left out about 'VM0' (00000000): 9\n");
        controller_log_flush(&limited, 1 + LOG_LIMIT_REFILL_USEC);
        written_is("log lines left out about 'VM0' (00000000): 1\n");
        controller_log_flush(&limited, 1 + 2 * LOG_LIMIT_REFILL_USEC);
        strangers(0, 2, 1); /* news again since somebody was admitted */
        written_is("line 2\n");
}
END_TEST

/* A VM's strangers have one limit, whatever they call themselves; who has a key has an own one, and
 * so has the host. What was asked for at the level debug has none. */
START_TEST(test_whose_limit_it_is) {
        LogCause one = cause(0), other = {owners[1], &vms[0], false};
        LogCause keyed = {owners[2], &vms[0], true}, also = {owners[3], &vms[0], true};

        controller_log_flush(&limited, 1);
        for (unsigned i = 0; i < 50; i++) {
                LogCause *c = i % 2 ? &one : &other;

                controller_log_peer(&limited, c, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "line");
                controller_log_peer(&limited, &keyed, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "line");
                controller_log(&limited, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "host line");
        }
        written[0] = '\0';
        controller_log_peer(&limited, &one, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "line");
        controller_log_peer(&limited, &keyed, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "line");
        controller_log(&limited, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "host line");
        written_is("");
        controller_log_peer(&limited, &also, LOG_LEVEL_NOTICE, EVENT_ADDRESS, "line");
        written_is("line\n");
        controller_log(&limited, LOG_LEVEL_DEBUG, EVENT_NONE, "%u", 1);
        written_is("1\n");
        controller_log_flush(&limited, 1 + LOG_LIMIT_REFILL_USEC);
        written_is("log lines left out about 'VM0' (00000000): 1\n"
                   "log lines left out about 'VM2' (00000002): 1\n"
                   "log lines left out about the port forwardings: 1\n");
}
END_TEST

START_TEST(test_names) {
        static const char *const names[][2] = {
                {"0123456789abcdef/Ubuntu", "'Ubuntu' (01234567)"},
                {"0123456789abcdef/it's", "'it?s' (01234567)"},
                {"0123456789abcdef/", "'' (01234567)"},
                {"nobody", "'nobody' (nobody)"},
        };
        char name[CONTROLLER_NAME_MAX];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                controller_log_name(names[i][0], name);
                ck_assert_str_eq(name, names[i][1]);
        }
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
        tcase_add_test(tc, test_long_lists);
        suite_add_tcase(suite, tc);
        tc = tcase_create("limits");
        tcase_add_checked_fixture(tc, setup_limits, NULL);
        tcase_add_test(tc, test_who_makes_room_in_the_log);
        tcase_add_loop_test(tc, test_when_the_log_tells_what_it_left_out, 0, 3);
        tcase_add_test(tc, test_strangers_that_repeat_themselves);
        tcase_add_test(tc, test_whose_limit_it_is);
        tcase_add_test(tc, test_names);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
