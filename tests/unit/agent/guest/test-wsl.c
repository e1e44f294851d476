/* SPDX-License-Identifier: MIT */

/*
 * Claim: the output of WSL's tools becomes the answers, even when the tools hang, fail or print
 * something odd. A guest waits for a while when its WSL is not ready yet, and not without tools.
 */

#include "agent/guest/wsl.h"

#include "tests/unit/agent/testing.h"

#include <signal.h>

static sd_event *event;
static Wsl *wsl;
static unsigned n_calls;
static WslAnswers last;
static bool last_settled;

static void setup(void) {
        sigset_t mask;

        test_setup();
        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        ck_assert_int_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
        setenv(WSL_FOLDER_VARIABLE, test_directory, 1);
        unsetenv("WSL_DISTRO_NAME");
        unsetenv(WSL_SILENT_VARIABLE);
        ck_assert_int_ge(sd_event_new(&event), 0);
        n_calls = 0;
        wsl = NULL;
}

static void teardown(void) {
        wsl_free(wsl);
        sd_event_unref(event);
        test_teardown();
}

static int on_answers(Wsl *w, void *userdata) {
        ck_assert_ptr_eq(w, wsl);
        n_calls++;
        last = *wsl_answers(w);
        last_settled = wsl_settled(w);
        return 0;
}

/* Writes a tool's script. It is replaced in one step, because it may be running. */
static void tool(const char *name, const char *script) {
        char text[1024], from[TEST_PATH_MAX];
        int n = snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);

        test_write("new", text, (size_t) n, 0755);
        (void) snprintf(from, sizeof(from), "%s", test_path("new"));
        ck_assert_int_eq(rename(from, test_path(name)), 0);
}

static void good_tools(void) {
        tool("wslinfo", "case $1 in\n"
                        "--networking-mode) echo nat;;\n"
                        "--vm-id) echo 90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CD;;\n"
                        "*) exit 1;;\n"
                        "esac");
        tool("wslpath", "[ \"$1 $2\" = '-w /' ] && printf '%s\\n' '\\\\wsl.localhost\\Debian\\'");
        test_write("1_interop", "", 0, 0644);
}

static void ask(void) {
        if (!wsl)
                ck_assert_int_eq(wsl_new(&wsl, event, on_answers, NULL), 0);
        ck_assert_int_eq(wsl_ask(wsl), 0);
}

static void wait_calls(unsigned n) {
        while (n_calls < n)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
}

static void ask_and_wait(unsigned n) {
        ask();
        wait_calls(n);
}

/* Run until nothing happens any more. */
static void assert_quiet(void) {
        unsigned before = n_calls;
        int r;

        do
                r = sd_event_run(event, 700 * USEC_PER_MSEC);
        while (r > 0);
        ck_assert_int_eq(r, 0);
        ck_assert_uint_eq(n_calls, before);
}

static void ask_in_vain(void) {
        ask();
        assert_quiet();
}

START_TEST(test_good_tools) {
        good_tools();
        ask();
        ck_assert(!wsl_settled(wsl)); /* never from inside the call */
        ck_assert(wsl_answers(wsl)->wsl);
        wait_calls(1);
        ck_assert(last_settled);
        ck_assert_int_eq(last.mode, WIRE_MODE_NAT);
        ck_assert_str_eq(last.word, "nat");
        ck_assert_str_eq(last.distro, "Debian");
        ck_assert(last.has_vm_id && last.vm_id[0] == 0x90 && last.vm_id[15] == 0xcd);
        assert_quiet();
        ask_in_vain(); /* the same answers again are not reported */
}
END_TEST

START_TEST(test_no_tools) {
        ask();
        ck_assert(wsl_settled(wsl)); /* nothing to wait for */
        ck_assert_int_eq(wsl_answers(wsl)->mode, WIRE_MODE_UNKNOWN);
        ck_assert_str_eq(wsl_answers(wsl)->word, "");
        ck_assert_str_eq(wsl_answers(wsl)->distro, "");
        assert_quiet();
        good_tools(); /* WSL was updated */
        ask_and_wait(1);
        ck_assert_int_eq(last.mode, WIRE_MODE_NAT);
}
END_TEST

/* WSL 2.0 to 2.5 has no --vm-id, and older versions have only wslpath. */
START_TEST(test_old_tools) {
        good_tools();
        tool("wslinfo", "[ \"$1\" = --networking-mode ] || { echo Usage; exit 1; }\necho mirrored");
        ask_and_wait(1);
        ck_assert(last_settled && last.mode == WIRE_MODE_MIRRORED);
        ck_assert_str_eq(last.distro, "Debian");
        ck_assert(!last.has_vm_id);
        assert_quiet();

        wsl = wsl_free(wsl);
        n_calls = 0;
        ck_assert_int_eq(unlink(test_path("wslinfo")), 0);
        ask_and_wait(1);
        ck_assert(last_settled && last.mode == WIRE_MODE_UNKNOWN);
        ck_assert_str_eq(last.distro, "Debian");
}
END_TEST

/* When the socket exists a failure is final: the answers settle after one round. */
START_TEST(test_failing_tools) {
        static const char *const scripts[] = {
                "echo 'wslinfo: internal error' >&2; exit 1", "exit 0", "kill -9 $$",
                "while :; do echo mirrored mirrored mirrored mirrored; done", "sleep 1000"};

        test_write("1_interop", "", 0, 0644);
        for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
                n_calls = 0;
                tool("wslinfo", scripts[i]);
                tool("wslpath", scripts[i]);
                ask_and_wait(1);
                ck_assert(last_settled);
                ck_assert_int_eq(last.mode, WIRE_MODE_UNKNOWN);
                ck_assert_str_eq(last.word, "");
                ck_assert_str_eq(last.distro, "");
                assert_quiet();
                wsl = wsl_free(wsl);
        }
}
END_TEST

START_TEST(test_unknown_word) {
        good_tools();
        tool("wslinfo", "echo wormhole");
        ask_and_wait(1);
        ck_assert_int_eq(last.mode, WIRE_MODE_UNKNOWN);
        ck_assert_str_eq(last.word, "wormhole");
        tool("wslinfo", "echo mirrored");
        ask_and_wait(2);
        tool("wslinfo", "echo Zugriff verweigert"); /* a running VM keeps its mode */
        ask_in_vain();
        ck_assert_int_eq(wsl_answers(wsl)->mode, WIRE_MODE_MIRRORED);
}
END_TEST

START_TEST(test_retried_until_wsl_is_ready) {
        char script[TEST_PATH_MAX + 64];

        good_tools();
        ck_assert_int_eq(unlink(test_path("1_interop")), 0);
        (void) snprintf(script, sizeof(script), "[ -e %s ] || exit 1\necho mirrored",
                        test_path("1_interop"));
        tool("wslinfo", script);
        ask();
        for (unsigned i = 0; i < 8; i++) /* at least the first round and its end */
                ck_assert_int_ge(sd_event_run(event, 300 * USEC_PER_MSEC), 0);
        ck_assert(!wsl_settled(wsl));
        ck_assert_uint_le(n_calls, 1); /* the name may be known already */
        test_write("1_interop", "", 0, 0644);
        while (!wsl_settled(wsl))
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_eq(last.mode, WIRE_MODE_MIRRORED);
        assert_quiet();
}
END_TEST

/* Waiting has an end, the retries go on, and an answer that comes late still counts. */
START_TEST(test_settled_before_the_last_retry) {
        uint64_t before = now_usec();

        tool("wslinfo", "exit 1");
        ask();
        while (!wsl_settled(wsl))
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_ge(now_usec() - before, WSL_DELAY_MAX_USEC);
        ck_assert_uint_lt(now_usec() - before, WSL_RETRY_USEC);
        ck_assert_uint_eq(n_calls, 1);
        tool("wslinfo", "echo bridged");
        wait_calls(2);
        ck_assert_int_eq(last.mode, WIRE_MODE_BRIDGED);
}
END_TEST

/* A slow or missing tool says nothing about the mode. */
START_TEST(test_answer_stays) {
        setenv(WSL_SILENT_VARIABLE, "3000", 1);
        good_tools();
        tool("wslinfo", "echo mirrored");
        ask_and_wait(1);
        ck_assert(!last.silent);
        tool("wslinfo", "exit 1");
        ask_in_vain(); /* WSL may be busy */
        ask_in_vain(); /* and still be */
        wait_calls(2); /* nobody has asked */
        ck_assert(last.silent);
        assert_quiet();
        ck_assert_int_eq(unlink(test_path("wslinfo")), 0);
        ask_in_vain();
        ck_assert_int_eq(wsl_answers(wsl)->mode, WIRE_MODE_MIRRORED);
        ck_assert_str_eq(wsl_answers(wsl)->word, "mirrored");
        tool("wslinfo", "echo nat");
        ask_and_wait(3);
        ck_assert(last.mode == WIRE_MODE_NAT && !last.silent);
        tool("wslinfo", "exit 1");
        ask_in_vain(); /* the count begins anew */
}
END_TEST

static void remember(const char *distro, const char *word) {
        Kept kept = {0};

        strcpy(kept.distro, distro);
        strcpy(kept.word, word);
        ck_assert_int_eq(wsl_new(&wsl, event, on_answers, NULL), 0);
        wsl_remember(wsl, &kept);
}

/* What an earlier run knew holds as long as the tools are silent, and no longer. */
START_TEST(test_kept_until_wsl_answers) {
        good_tools();
        tool("wslinfo", "exit 1");
        tool("wslpath", "exit 1");
        setenv(WSL_SILENT_VARIABLE, "50", 1);
        remember("Ubuntu", "mirrored");
        ck_assert_str_eq(wsl_answers(wsl)->distro, "Ubuntu");
        ask_and_wait(1);
        ck_assert(last_settled && !last.silent && last.distro_kept && last.mode_kept);
        wait_calls(2); /* nobody has asked again */
        ck_assert(last.silent && last.distro_kept && last.mode_kept);
        ck_assert_str_eq(last.distro, "Ubuntu");
        ck_assert_int_eq(last.mode, WIRE_MODE_MIRRORED);
        ck_assert_str_eq(last.word, "mirrored");
        tool("wslpath", "printf '%s\\n' '\\\\wsl.localhost\\Debian\\'"); /* it is a copy */
        wait_calls(3);
        ck_assert(last.silent && !last.distro_kept && last.mode_kept);
        ck_assert_str_eq(last.distro, "Debian");
        tool("wslinfo", "echo nat");
        wait_calls(4);
        ck_assert(last.mode == WIRE_MODE_NAT && !last.silent && !last.mode_kept);
        assert_quiet(); /* and nobody asks any more */
}
END_TEST

/* The pauses double, so that a dead WSL costs next to nothing. */
START_TEST(test_silent_tools_are_asked_less_and_less) {
        char script[TEST_PATH_MAX + 64];
        struct stat st;
        uint64_t end = now_usec() + 2 * USEC_PER_SEC;

        good_tools();
        (void) snprintf(script, sizeof(script), "echo x >>%s; exit 1", test_path("count"));
        tool("wslpath", script);
        setenv(WSL_SILENT_VARIABLE, "100", 1);
        ask();
        while (now_usec() < end)
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        ck_assert_int_eq(stat(test_path("count"), &st), 0);
        ck_assert_int_ge(st.st_size / 2, 2);
        ck_assert_int_le(st.st_size / 2, 5); /* after 0, 0.1, 0.3, 0.7 and 1.5 s */
}
END_TEST

/* Not a failure: the question is not known, or the name is one that an identity cannot have. */
START_TEST(test_answers_that_are_no_silence) {
        good_tools();
        tool("wslinfo", "[ \"$1\" = --networking-mode ] || exit 1\necho nat");
        tool("wslpath", "echo 'C:\\'");
        ask_and_wait(1);
        ck_assert(last_settled && !last.silent);
        assert_quiet();
}
END_TEST

/* A request while a round runs leads to one more round, however many requests there are. */
START_TEST(test_asked_meanwhile) {
        /* Two rounds of a question for the mode and one for the VM. */
        const off_t expected = 2 * (off_t) strlen("--networking-mode\n--vm-id\n");
        char script[TEST_PATH_MAX + 64];
        struct stat st = {0};

        good_tools();
        (void) snprintf(script, sizeof(script), "echo $1 >>%s; sleep 0.2; echo nat",
                        test_path("count"));
        tool("wslinfo", script);
        ask_and_wait(1);
        ck_assert_int_eq(truncate(test_path("count"), 0), 0);
        for (unsigned i = 0; i < 50; i++)
                ask();
        while (st.st_size < expected) { /* or this test is ended */
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
                ck_assert_int_eq(stat(test_path("count"), &st), 0);
        }
        assert_quiet();
        ck_assert_int_eq(stat(test_path("count"), &st), 0);
        ck_assert_int_eq(st.st_size, expected);
}
END_TEST

static void assert_name(const Kept *kept, const char *expected) {
        char name[WIRE_DISTRO_MAX + 1];

        wsl_distro_name(kept, name);
        ck_assert_str_eq(name, expected);
}

START_TEST(test_blocking_name) {
        Kept kept = {0};
        sigset_t mask, after;

        sigemptyset(&mask);
        ck_assert_int_eq(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
        setenv("WSL_DISTRO_NAME", "FromEnvironment", 1);
        good_tools();
        assert_name(&kept, "Debian");
        tool("wslpath", "exit 1");
        assert_name(&kept, "FromEnvironment");
        tool("wslpath", "sleep 1000");
        assert_name(&kept, "FromEnvironment");
        ck_assert_int_eq(unlink(test_path("wslpath")), 0);
        assert_name(&kept, "FromEnvironment");
        strcpy(kept.distro, "Kept");
        assert_name(&kept, "Kept");
        good_tools();
        assert_name(&kept, "Debian");
        ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &after), 0);
        ck_assert_int_eq(sigismember(&after, SIGCHLD), 0); /* as before */
}
END_TEST

START_TEST(test_freed_while_it_runs) {
        good_tools();
        tool("wslinfo", "sleep 1000");
        ask();
        wsl = wsl_free(wsl);
        assert_quiet();
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("wsl");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 100);
        tcase_add_test(t, test_good_tools);
        tcase_add_test(t, test_no_tools);
        tcase_add_test(t, test_old_tools);
        tcase_add_test(t, test_failing_tools);
        tcase_add_test(t, test_unknown_word);
        tcase_add_test(t, test_retried_until_wsl_is_ready);
        tcase_add_test(t, test_settled_before_the_last_retry);
        tcase_add_test(t, test_answer_stays);
        tcase_add_test(t, test_kept_until_wsl_answers);
        tcase_add_test(t, test_silent_tools_are_asked_less_and_less);
        tcase_add_test(t, test_answers_that_are_no_silence);
        tcase_add_test(t, test_asked_meanwhile);
        tcase_add_test(t, test_blocking_name);
        tcase_add_test(t, test_freed_while_it_runs);
        return test_run(t, "wsl");
}
