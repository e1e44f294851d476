/* SPDX-License-Identifier: MIT */

/*
 * Claim: no matter what an executed program does, its end is reported exactly once, the loop never
 * waits for it, and it leaves nothing behind: no process, no zombie, no descriptor.
 */

#include "agent/util/command.h"

#include "tests/unit/agent/deaf.h"
#include "tests/unit/agent/testing.h"

#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LIMIT_USEC (20 * USEC_PER_SEC) /* only the programs that should reach it do */

static sd_event *event;
static Command *command;
static unsigned n_calls;
static CommandOutcome outcome;
static char output[COMMAND_OUTPUT_MAX + 1];
static size_t n_output;

static void setup(void) {
        sigset_t mask;

        test_setup();
        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        ck_assert_int_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
        /* The children of a killed program become children of this process, which can wait for
         * them. */
        ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        /* The module must not depend on how the tests were started. */
        ck_assert_int_eq(close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        command = NULL;
        n_calls = 0;
}

static void teardown(void) {
        command_free(command);
        sd_event_unref(event);
        test_teardown();
}

static int on_end(Command *c, CommandOutcome o, const char *bytes, size_t n, void *userdata) {
        ck_assert_ptr_eq(c, command);
        ck_assert_ptr_eq(userdata, &n_calls);
        n_calls++;
        outcome = o;
        n_output = n < sizeof(output) ? n : sizeof(output) - 1;
        memcpy(output, bytes, n_output);
        output[n_output] = '\0';
        command = command_free(command);
        return 0;
}

static void start(const char *script, uint64_t limit_usec) {
        char text[1024];
        int n = snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);

        test_write("tool", text, (size_t) n, 0755);
        ck_assert_int_eq(command_start(&command, event,
                                       (const char *[]){test_path("tool"), "one", "two", NULL},
                                       limit_usec, on_end, &n_calls),
                         0);
        ck_assert_uint_eq(n_calls, 0);
}

static void run_to_end(void) {
        while (n_calls == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_eq(n_calls, 1);
}

/* The loop reaps killed programs, and we reap their orphans. A program leads a group of its own; if
 * we took it, the loop would fail. */
static void assert_nothing_left(void) {
        siginfo_t info;
        int r;

        do {
                ck_assert_int_ge(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
                info.si_pid = 0;
                r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
                if (r == 0 && info.si_pid > 0 && getpgid(info.si_pid) != info.si_pid)
                        (void) waitid(P_PID, (id_t) info.si_pid, &info, WEXITED | WNOHANG);
        } while (r == 0);
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_uint_eq(n_calls, 1);
}

static void run(const char *script) {
        start(script, LIMIT_USEC);
        run_to_end();
        assert_nothing_left();
}

START_TEST(test_output) {
        run("echo nat");
        ck_assert_int_eq(outcome, COMMAND_OK);
        ck_assert_str_eq(output, "nat\n");
}
END_TEST

START_TEST(test_arguments) {
        run("echo \"$#:$1:$2\"");
        ck_assert_str_eq(output, "2:one:two\n");
}
END_TEST

START_TEST(test_output_in_pieces) {
        run("printf a; sleep 0.05; printf b; sleep 0.05; printf c");
        ck_assert_int_eq(outcome, COMMAND_OK);
        ck_assert_str_eq(output, "abc");
}
END_TEST

START_TEST(test_no_output) {
        run("exit 0");
        ck_assert_int_eq(outcome, COMMAND_OK);
        ck_assert_uint_eq(n_output, 0);
}
END_TEST

START_TEST(test_failures) {
        static const char *const scripts[] = {
                "echo nat; exit 1",
                "kill -9 $$",
                "echo nat; kill -SEGV $$",
                "no-such-program",
        };

        for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
                n_calls = 0;
                run(scripts[i]);
                ck_assert_int_eq(outcome, COMMAND_FAILED);
        }
}
END_TEST

START_TEST(test_not_executable) {
        test_write("plain", "nat\n", 4, 0644);
        ck_assert_int_eq(command_start(&command, event, (const char *[]){test_path("plain"), NULL},
                                       LIMIT_USEC, on_end, &n_calls),
                         -EACCES);
        ck_assert_int_eq(command_start(&command, event, (const char *[]){"/nowhere/tool", NULL},
                                       LIMIT_USEC, on_end, &n_calls),
                         -ENOENT);
        ck_assert_int_eq(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

/* It is killed with all that it has started. If only the shell were killed, the sleep would be
 * left. */
START_TEST(test_slow) {
        start("echo nat; sleep 1000; echo more", 100 * USEC_PER_MSEC);
        run_to_end();
        ck_assert_int_eq(outcome, COMMAND_SLOW);
        assert_nothing_left();
}
END_TEST

START_TEST(test_deaf_to_signals) {
        start("trap '' TERM INT HUP; while :; do sleep 1000; done", 100 * USEC_PER_MSEC);
        run_to_end();
        ck_assert_int_eq(outcome, COMMAND_SLOW);
        assert_nothing_left();
}
END_TEST

START_TEST(test_megabytes) {
        run("while :; do echo 0123456789012345678901234567890123456789; done");
        ck_assert_int_eq(outcome, COMMAND_CHATTY);
}
END_TEST

START_TEST(test_limit_of_output) {
        char script[64];

        (void) snprintf(script, sizeof(script), "printf '%%%ds' x", COMMAND_OUTPUT_MAX);
        run(script);
        ck_assert_int_eq(outcome, COMMAND_OK);
        ck_assert_uint_eq(n_output, COMMAND_OUTPUT_MAX);
        n_calls = 0;
        (void) snprintf(script, sizeof(script), "printf '%%%ds' x", COMMAND_OUTPUT_MAX + 1);
        run(script);
        ck_assert_int_eq(outcome, COMMAND_CHATTY);
}
END_TEST

/* The end of the program counts, not the end of what it has left behind with its output. That would
 * never end, and is killed. */
START_TEST(test_background) {
        run("sleep 1000 & echo nat");
        ck_assert_int_eq(outcome, COMMAND_OK);
        ck_assert_str_eq(output, "nat\n");
        n_calls = 0;
        run("sleep 1000 & exit 1");
        ck_assert_int_eq(outcome, COMMAND_FAILED);
}
END_TEST

START_TEST(test_output_closed_early) {
        run("echo nat; exec >&-; sleep 0.2; exit 3");
        ck_assert_int_eq(outcome, COMMAND_FAILED);
}
END_TEST

/* The program gets nothing from the agent: no descriptors, no blocked or ignored signals, no
 * environment, no standard error. */
START_TEST(test_surroundings) {
        sigset_t all;
        int fd;

        sigfillset(&all);
        ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
        ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        setenv("SECRET", "x", 1);
        run("ls /proc/self/fd | wc -l\n" /* including the one of ls */
            /* the last seven digits: the signals up to 28 */
            "for s in SigBlk SigIgn; do grep ^$s /proc/self/status | tail -c 8; done\n"
            "echo $LC_ALL $PATH $SECRET\n"
            "cat\n"
            "ls -l /proc/self/fd/2 | sed 's/.* -> //'\n");
        ck_assert_int_eq(outcome, COMMAND_OK);
        ck_assert_str_eq(output, "4\n0000000\n0000000\nC /usr/bin:/bin\n"
                                 "/dev/null\n");
        (void) close(fd);
}
END_TEST

START_TEST(test_freed_while_it_runs) {
        start("sleep 1000", LIMIT_USEC);
        command = command_free(command);
        n_calls = 1; /* a call would change this */
        assert_nothing_left();
}
END_TEST

START_TEST(test_error_ends_the_loop) {
        /* Unless SIGCHLD is blocked, the loop accepts no child. Then none may be left. */
        sigset_t mask;

        sigemptyset(&mask);
        ck_assert_int_eq(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
        test_write("tool", "#!/bin/sh\nsleep 1000\n", 21, 0755);
        ck_assert_int_eq(command_start(&command, event, (const char *[]){test_path("tool"), NULL},
                                       LIMIT_USEC, on_end, &n_calls),
                         -EBUSY);
        /* An orphan may take a moment to end. One that lives on would never end. */
        while (waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED) == 0)
                ;
        ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* The same, and the program goes on. */
START_TEST(test_loop_does_not_take_what_goes_on) {
        uint64_t begin = now_usec();
        sigset_t mask;

        sigemptyset(&mask);
        ck_assert_int_eq(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
        test_write("tool", "#!/bin/sh\nexec sleep 30\n", 24, 0755);
        deaf = true;
        ck_assert_int_eq(command_start(&command, event, (const char *[]){test_path("tool"), NULL},
                                       LIMIT_USEC, on_end, &n_calls),
                         -EBUSY);
        ck_assert_uint_lt(now_usec() - begin, 5 * USEC_PER_SEC);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0); /* a child that runs */
        deaf_end();
}
END_TEST

int main(void) {
        TCase *t = tcase_create("command");

        if (prctl(PR_SET_CHILD_SUBREAPER, 0) < 0) {
                printf("an emulator of processors that does not know PR_SET_CHILD_SUBREAPER\n");
                return 77;
        }
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_output);
        tcase_add_test(t, test_arguments);
        tcase_add_test(t, test_output_in_pieces);
        tcase_add_test(t, test_no_output);
        tcase_add_test(t, test_failures);
        tcase_add_test(t, test_not_executable);
        tcase_add_test(t, test_slow);
        tcase_add_test(t, test_deaf_to_signals);
        tcase_add_test(t, test_megabytes);
        tcase_add_test(t, test_limit_of_output);
        tcase_add_test(t, test_background);
        tcase_add_test(t, test_output_closed_early);
        tcase_add_test(t, test_surroundings);
        tcase_add_test(t, test_freed_while_it_runs);
        tcase_add_test(t, test_error_ends_the_loop);
        tcase_add_test(t, test_loop_does_not_take_what_goes_on);
        return test_run(t, "command");
}
