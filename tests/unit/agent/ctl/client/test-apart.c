/* SPDX-License-Identifier: MIT */

/*
 * Claim: a function in a process apart gives its answer, or there is none after two seconds, even
 * if that process does not end when it is killed. It holds none of our output.
 */

#include "agent/ctl/client/apart.h"
#include "agent/util/cleanup.h"
#include "tests/suite.h"
#include "tests/unit/agent/deaf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LONG_TEXT 40000 /* more than one read() of a pipe gives */

typedef struct Answer {
        char text[LONG_TEXT];
        dev_t outputs[3];
} Answer;

static Answer answer;

static void give(const void *question, void *ret) {
        Answer *a = ret;
        struct stat st;

        memset(a->text, *(const char *) question, sizeof(a->text));
        for (int fd = 0; fd < 3; fd++)
                a->outputs[fd] = fstat(fd, &st) == 0 ? st.st_rdev : 0;
}

static void be_silent(const void *question, void *ret) {
        memset(ret, 'x', LONG_TEXT);
        while (true)
                (void) pause();
}

static void crash(const void *question, void *ret) {
        memset(ret, 'x', LONG_TEXT);
        _exit(0);
}

static void assert_nothing(void) {
        static const Answer none;

        ck_assert_mem_eq(&answer, &none, sizeof(none));
}

static void assert_no_child(void) {
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
}

START_TEST(gives_its_answer) {
        struct stat null;

        ck_assert_int_eq(stat("/dev/null", &null), 0);
        ck_assert_int_eq(apart_run(give, "q", &answer, sizeof(answer)), 0);
        ck_assert_int_eq(answer.text[0], 'q');
        ck_assert_int_eq(answer.text[LONG_TEXT - 1], 'q');
        for (int fd = 0; fd < 3; fd++)
                ck_assert_uint_eq(answer.outputs[fd], null.st_rdev);
        assert_no_child();
}
END_TEST

START_TEST(crashes) {
        ck_assert_int_eq(apart_run(crash, "q", &answer, sizeof(answer)), -ECHILD);
        assert_nothing();
        assert_no_child();
}
END_TEST

/* Once it ends when it is killed, and once it does not. */
START_TEST(is_silent) {
        uint64_t begin = now_usec(), limit = APART_LIMIT_MSEC * USEC_PER_MSEC;

        deaf = _i == 1;
        ck_assert_int_eq(apart_run(be_silent, "q", &answer, sizeof(answer)), -ETIME);
        ck_assert_uint_ge(now_usec() - begin, limit);
        ck_assert_uint_lt(now_usec() - begin, 2 * limit);
        assert_nothing();
        if (deaf)
                deaf_end();
        assert_no_child();
}
END_TEST

int main(void) {
        Suite *s = suite_create("apart");
        TCase *c = tcase_create("apart");

        tcase_set_timeout(c, 30);
        tcase_add_test(c, gives_its_answer);
        tcase_add_test(c, crashes);
        tcase_add_loop_test(c, is_silent, 0, 2);
        suite_add_tcase(s, c);
        return suite_run(s);
}
