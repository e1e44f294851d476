/* SPDX-License-Identifier: MIT */

/*
 * Claim: connecting uses a privileged source port where it can, and treats every answer of a unix
 * socket correctly. AF_VSOCK is not used here, because the tests must not touch what the kernel of
 * this machine has behind it.
 */

#include "agent/channel/connect.h"
#include "tests/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static unsigned n_calls, last_port, free_from;
static int refusal;

static int fake_bind(int fd, unsigned port) {
        ck_assert_int_eq(fd, 7);
        if (n_calls > 0)
                ck_assert_uint_eq(port, last_port - 1);
        n_calls++;
        last_port = port;
        return port <= free_from ? refusal : -EADDRINUSE;
}

START_TEST(test_source_port) {
        static const struct {
                unsigned free_from; /* ports above are in use */
                int answer;         /* for the first other one */
                unsigned port, n_calls;
        } cases[] = {
                {1023, 0, 1023, 1},    {1020, 0, 1020, 4},
                {512, 0, 512, 512},    {511, 0, 0, 512}, /* all in use: go on unbound */
                {1023, -EACCES, 0, 1},                   /* not root */
                {1000, -EPERM, 0, 24}, {1023, -EINVAL, 0, 1},
        };

        free_from = cases[_i].free_from;
        refusal = cases[_i].answer;
        n_calls = 0;
        ck_assert_uint_eq(connect_bind_privileged(7, fake_bind), cases[_i].port);
        ck_assert_uint_eq(n_calls, cases[_i].n_calls);
}
END_TEST

START_TEST(test_unix) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        ConfigHelper helper = {.kind = CONFIG_HELPER_UNIX};
        char directory[] = "/tmp/wslbridge-connect-XXXXXX";
        int listener, fd = -1;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        (void) snprintf(helper.path, sizeof(helper.path), "%s/socket", directory);
        ck_assert_int_eq(connect_start(&helper, &fd), -ENOENT);
        ck_assert_int_eq(fd, -1);

        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(listener, 0);
        memcpy(sa.sun_path, helper.path, strlen(helper.path) + 1);
        ck_assert_int_eq(bind(listener, (struct sockaddr *) &sa, sizeof(sa)), 0);
        ck_assert_int_eq(connect_start(&helper, &fd), -ECONNREFUSED);

        /* The queue has room for one, and the kernel lets one more in. A full queue is a failure,
         * never "pending". */
        ck_assert_int_eq(listen(listener, 0), 0);
        ck_assert_int_eq(connect_start(&helper, &fd), 0);
        ck_assert_int_eq(connect_finish(fd), 0);
        ck_assert_int_eq(connect_start(&helper, &(int){-1}), -EAGAIN);

        close(fd);
        close(listener);
        unlink(helper.path);
        rmdir(directory);
}
END_TEST

int main(void) {
        Suite *s = suite_create("connect");
        TCase *t = tcase_create("connect");

        tcase_add_loop_test(t, test_source_port, 0, 7);
        tcase_add_test(t, test_unix);
        suite_add_tcase(s, t);
        return suite_run(s);
}
