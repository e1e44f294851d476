/* SPDX-License-Identifier: MIT */

/*
 * Claim: the end of a direction is passed on, however many pieces came before it and wherever the
 * receiver was slow.
 */

#include "agent/loopback/pair.h"

#include "agent/util/cleanup.h"

#include "tests/unit/agent/testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define PIECES_MAX 70                  /* more than are moved before others have their turn */
#define WAIT_USEC  (USEC_PER_SEC / 20) /* for what comes through the loopback, usually at once */
#define TRIES      200                 /* for each byte, and without anything to do */

static unsigned n_refused; /* so many writes to a socket are still refused, as by a full one */

/* The kernel's, in pieces of one byte. */
ssize_t splice(int from, __off64_t *from_at, int to, __off64_t *to_at, size_t n, unsigned flags) {
        int type;
        socklen_t size = sizeof(type);

        if (getsockopt(to, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && n_refused > 0) {
                n_refused--;
                errno = EAGAIN;
                return -1;
        }
        return syscall(SYS_splice, from, from_at, to, to_at, n > 0 ? 1 : 0, flags);
}

static void on_end(void *userdata) {
        *(bool *) userdata = true;
}

static int listen_anywhere(struct sockaddr_in *ret_address) {
        socklen_t n = sizeof(*ret_address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        *ret_address = (struct sockaddr_in){.sin_family = AF_INET,
                                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        ck_assert_int_eq(bind(fd, (struct sockaddr *) ret_address, n), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *) ret_address, &n), 0);
        return fd;
}

/* A connection to a listener of this process. @ret_client: the other end. */
static int connection(int *ret_client) {
        struct sockaddr_in address;
        int listener = listen_anywhere(&address), fd;

        *ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(*ret_client, (struct sockaddr *) &address, sizeof(address)), 0);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        ck_assert_int_ge(fd, 0);
        (void) close(listener);
        return fd;
}

/* Let the event loop run until the server has read the end. Return: how many bytes came before it;
 * -1: it did not come. */
static ssize_t bytes_until_end(sd_event *event, int server) {
        char buffer[2 * PIECES_MAX];
        unsigned n_idle = 0;
        size_t n = 0;

        for (unsigned i = 0; i < TRIES + n_idle; i++) {
                ssize_t k;

                n_idle += sd_event_run(event, WAIT_USEC) == 0;
                if (n_idle > TRIES)
                        return -1; /* nothing is asked for any more */
                while ((k = recv(server, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
                        n += (size_t) k;
                if (k == 0)
                        return (ssize_t) n;
        }
        return -1;
}

/* Carry @n bytes and the end, of which the first @refused writes to the server are refused. */
static void carry(unsigned n, unsigned refused) {
        struct sockaddr_in address;
        int listener = listen_anywhere(&address), client, fd = connection(&client), server;
        LoopbackPort port = {.port = ntohs(address.sin_port)};
        Shared shared = {0};
        PairList list = {0};
        bool ended = false;
        char data[PIECES_MAX] = {0};

        ck_assert_int_ge(sd_event_new(&shared.event), 0);
        if (n > 0)
                ck_assert_int_eq(send(client, data, n, 0), n);
        ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
        n_refused = refused;
        ck_assert_int_eq(pair_new(&shared, &list, &port, fd, on_end, &ended), 0);
        server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(server, 0);
        ck_assert_msg(bytes_until_end(shared.event, server) == n,
                      "%u bytes with %u refusals, and then their end", n, refused);
        pair_list_done(&list);
        pipes_done(&shared.pipes);
        sd_event_unref(shared.event);
        (void) close(server);
        (void) close(client);
        (void) close(listener);
}

START_TEST(test_the_end_arrives) {
        for (unsigned n = 0; n <= PIECES_MAX; n++)
                for (unsigned refused = 0; refused < 2; refused++)
                        carry(n, refused);
}
END_TEST

int main(void) {
        TCase *c = tcase_create("pair");

        tcase_add_test(c, test_the_end_arrives);
        return test_run(c, "pair");
}
