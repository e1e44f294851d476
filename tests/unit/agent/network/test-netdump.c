/* SPDX-License-Identifier: MIT */

/*
 * Claim: no answer of the kernel that is not whole is taken for the truth. Here the kernel's real
 * answers are read, and others take their place.
 */

#include "agent/network/dump-socket.h"
#include "agent/network/netdump.h"
#include "tests/suite.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

typedef enum Answer {
        ANSWER_TRUE,
        ANSWER_REFUSED, /* NLMSG_ERROR */
        ANSWER_TORN,    /* NLM_F_DUMP_INTR */
        ANSWER_CUT,     /* MSG_TRUNC */
        ANSWER_ENDED,   /* NLMSG_DONE with an error */
        ANSWER_OLD_END, /* NLMSG_DONE without a number */
} Answer;

static Answer answer;
static int answer_error;
static unsigned n_wrong; /* so many answers are still changed */

/* Put an answer of one message in place of that in @m, and of the rest of the dump. */
static ssize_t replace(int fd, struct msghdr *m, uint16_t type, size_t size) {
        struct nlmsghdr *hdr = m->msg_iov[0].iov_base;
        char rest[1024];

        while (recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
                ;
        hdr->nlmsg_type = type;
        hdr->nlmsg_flags = type == NLMSG_DONE ? NLM_F_MULTI : 0;
        hdr->nlmsg_len = NLMSG_LENGTH(size);
        memset(NLMSG_DATA(hdr), 0, size);
        if (size > 0)
                memcpy(NLMSG_DATA(hdr), &answer_error, sizeof(answer_error));
        return (ssize_t) hdr->nlmsg_len;
}

/* libnl calls this one. */
ssize_t recvmsg(int fd, struct msghdr *m, int flags) {
        static ssize_t (*real)(int, struct msghdr *, int);
        ssize_t n;

        if (!real)
                *(void **) &real = dlsym(RTLD_NEXT, "recvmsg");
        n = real(fd, m, flags);
        if (n < 0 || n_wrong == 0)
                return n;
        n_wrong--;
        switch (answer) {
        case ANSWER_TRUE:
                break;
        case ANSWER_REFUSED:
                return replace(fd, m, NLMSG_ERROR, sizeof(struct nlmsgerr));
        case ANSWER_TORN:
                ((struct nlmsghdr *) m->msg_iov[0].iov_base)->nlmsg_flags |= NLM_F_DUMP_INTR;
                break;
        case ANSWER_CUT:
                m->msg_flags |= MSG_TRUNC;
                return n / 2;
        case ANSWER_ENDED:
                return replace(fd, m, NLMSG_DONE, sizeof(answer_error));
        case ANSWER_OLD_END:
                return replace(fd, m, NLMSG_DONE, 0);
        }
        return n;
}

static void answers(Answer kind, int error, unsigned n) {
        answer = kind;
        answer_error = error;
        n_wrong = n;
}

/* --- the socket */

static const struct {
        const char *name;
        Answer answer;
        int error, result;
        bool has_messages;
} cases[] = {
        {"whole", ANSWER_TRUE, 0, 0, true},
        {"refused", ANSWER_REFUSED, -EPERM, -EPERM, false},
        {"changed meanwhile", ANSWER_TORN, 0, -EAGAIN, true},
        {"longer than the buffer", ANSWER_CUT, 0, -EIO, false},
        {"ended too early", ANSWER_ENDED, -ENOBUFS, -ENOBUFS, false},
        {"nothing", ANSWER_ENDED, 0, 0, false},
        {"nothing, of a kernel that sends no number", ANSWER_OLD_END, 0, 0, false},
};

static int no_use(struct nlmsghdr *hdr, void *userdata) {
        return 0;
}

START_TEST(socket_answers) {
        const struct ifinfomsg request = {.ifi_family = AF_UNSPEC};
        DumpSocket s = {.fn = no_use};

        ck_assert_int_eq(dump_socket_open(&s, NETLINK_ROUTE), 0);
        answers(cases[_i].answer, cases[_i].error, 1);
        ck_assert_msg(dump_socket_read(&s, RTM_GETLINK, &request, sizeof(request)) ==
                              cases[_i].result,
                      "%s", cases[_i].name);
        ck_assert_msg((s.n_messages > 0) == cases[_i].has_messages, "%s", cases[_i].name);
        dump_socket_close(&s);
}
END_TEST

static int full(struct nlmsghdr *hdr, void *userdata) {
        return -ENOMEM;
}

START_TEST(error_of_the_caller_comes_back) {
        const struct ifinfomsg request = {.ifi_family = AF_UNSPEC};
        DumpSocket s = {.fn = full};

        ck_assert_int_eq(dump_socket_open(&s, NETLINK_ROUTE), 0);
        ck_assert_int_eq(dump_socket_read(&s, RTM_GETLINK, &request, sizeof(request)), -ENOMEM);
        ck_assert_uint_eq(s.n_messages, 1);
        dump_socket_close(&s);
}
END_TEST

/* --- the tables; every namespace has the link "lo" */

static NetDump *dump;
static Snapshot snapshot;

static void setup(void) {
        answers(ANSWER_TRUE, 0, 0);
        snapshot = SNAPSHOT_NULL;
        ck_assert_int_eq(netdump_new(&dump), 0);
}

static void teardown(void) {
        snapshot_done(&snapshot);
        netdump_free(dump);
}

/* The first answer is about links. */
START_TEST(empty_table_is_read_once_more) {
        answers(ANSWER_ENDED, 0, 1);
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), 0);
        ck_assert_uint_gt(snapshot.n_links, 0);
}
END_TEST

START_TEST(table_that_stays_empty_is_believed) {
        answers(ANSWER_ENDED, 0, DUMP_TRIES);
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), 0);
        ck_assert_uint_eq(snapshot.n_links, 0);
}
END_TEST

START_TEST(end_with_an_error_changes_nothing) {
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), 0);
        answers(ANSWER_ENDED, -ENOBUFS, 1);
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), -ENOBUFS);
        ck_assert_uint_gt(snapshot.n_links, 0);
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), 0); /* over a new socket */
}
END_TEST

/* As for a family that this kernel does not have: there is no more than what has come. */
START_TEST(end_with_an_error_that_lasts_is_the_end) {
        answers(ANSWER_ENDED, -EOPNOTSUPP, 1); /* it came first, so the table is looked at again */
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), 0);
        ck_assert_uint_gt(snapshot.n_links, 0);
        answers(ANSWER_ENDED, -EOPNOTSUPP, DUMP_TRIES);
        ck_assert_int_eq(netdump_read(dump, true, &snapshot), 0);
        ck_assert_uint_eq(snapshot.n_links, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("agent-network-netdump");
        TCase *of_socket = tcase_create("the socket"), *of_tables = tcase_create("the tables");

        tcase_add_loop_test(of_socket, socket_answers, 0, sizeof(cases) / sizeof(*cases));
        tcase_add_test(of_socket, error_of_the_caller_comes_back);
        suite_add_tcase(suite, of_socket);
        tcase_add_checked_fixture(of_tables, setup, teardown);
        tcase_add_test(of_tables, empty_table_is_read_once_more);
        tcase_add_test(of_tables, table_that_stays_empty_is_believed);
        tcase_add_test(of_tables, end_with_an_error_changes_nothing);
        tcase_add_test(of_tables, end_with_an_error_that_lasts_is_the_end);
        suite_add_tcase(suite, of_tables);
        return suite_run(suite);
}
