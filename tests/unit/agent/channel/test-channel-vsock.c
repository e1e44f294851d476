/* SPDX-License-Identifier: MIT */

/*
 * Claim: the kernel is asked for the right vsock connection. There is no real vsock: the linker
 * puts the functions below in place of the system calls (--wrap), so that no packet ever leaves
 * the machine that runs the tests.
 */

#include "tests/unit/agent/channel/channel-peer.h"

#include <linux/vm_sockets.h>

int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *sa, socklen_t size);
int __real_connect(int fd, const struct sockaddr *sa, socklen_t size);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t size);

static int socket_error, connect_error; /* what the fakes answer; 0: succeed on a unix socket */
static unsigned ports_in_use;           /* from the highest privileged one down */
static unsigned n_sockets, n_binds, last_port;
static struct sockaddr_vm asked;

/* Never writable, because its buffer is full; a socket that is being connected looks like that. */
static int socket_that_stays_busy(int type) {
        static const char bytes[4096];
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
        while (send(fds[0], bytes, sizeof(bytes), 0) > 0) {
        }
        return fds[0]; /* the other end stays open until the test's process ends */
}

int __wrap_socket(int domain, int type, int protocol) {
        if (domain != AF_VSOCK)
                return __real_socket(domain, type, protocol);
        n_sockets++;
        ck_assert_int_eq(type, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket_error) {
                errno = socket_error;
                return -1;
        }
        return connect_error == EINPROGRESS ? socket_that_stays_busy(type)
                                            : __real_socket(AF_UNIX, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t size) {
        const struct sockaddr_vm *vm = (const struct sockaddr_vm *) sa;

        if (sa->sa_family != AF_VSOCK)
                return __real_bind(fd, sa, size);
        n_binds++;
        last_port = vm->svm_port;
        ck_assert_uint_eq(vm->svm_cid, VMADDR_CID_ANY);
        if (last_port > 1023 - ports_in_use) {
                errno = EADDRINUSE;
                return -1;
        }
        return 0;
}

int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t size) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        if (sa->sa_family != AF_VSOCK)
                return __real_connect(fd, sa, size);
        memcpy(&asked, sa, sizeof(asked));
        if (connect_error) {
                errno = connect_error;
                return -1;
        }
        (void) snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", test_directory);
        return __real_connect(fd, (const struct sockaddr *) &un, sizeof(un));
}

static char unix_path[CONFIG_HELPER_PATH_MAX + 1];

/* The peer listens on the unix socket; the channel believes in a vsock. */
static void listen_and_use_vsock(bool listen_too) {
        memcpy(unix_path, target.path, sizeof(unix_path));
        if (listen_too)
                peer_listen();
        target = (ConfigHelper){.kind = CONFIG_HELPER_VSOCK, .cid = 2, .port = CONFIG_VSOCK_PORT};
        n_sockets = n_binds = 0;
        socket_error = connect_error = 0;
        ports_in_use = 0;
}

START_TEST(test_connects_from_a_privileged_port) {
        listen_and_use_vsock(true);
        ports_in_use = 3;
        connect_well();
        ck_assert_uint_eq(asked.svm_cid, VMADDR_CID_HOST);
        ck_assert_uint_eq(asked.svm_port, 1465076802);
        ck_assert_uint_eq(n_binds, 4);
        ck_assert_uint_eq(last_port, 1020);
        ck_assert_uint_eq(n_ready, 1);
}
END_TEST

/* Not a Hyper-V guest, or no module: not an error of the agent, but not worth many tries either. */
START_TEST(test_kernel_without_vsock) {
        static const struct {
                int socket_error, connect_error;
        } cases[] = {{EAFNOSUPPORT, 0}, {0, ENODEV}};
        uint64_t end = now_usec() + 2 * USEC_PER_SEC;

        listen_and_use_vsock(false);
        socket_error = cases[_i].socket_error;
        connect_error = cases[_i].connect_error;
        configure(test_key);
        while (now_usec() < end)
                step(NULL);
        ck_assert_uint_eq(n_downs, 1); /* the next try is 22 to 30 s away */
        ck_assert_int_eq(last_down.cause, CHANNEL_NO_VSOCK);

        /* The module was loaded, and then something else happened: the next try comes at once. */
        socket_error = connect_error = 0;
        memcpy(target.path, unix_path, sizeof(unix_path));
        peer_listen();
        peer_session();
        ck_assert_int_eq(channel_hurry(channel), 0);
        UNTIL(n_ready == 1, test_key);
}
END_TEST

/* A missing listener is ETIMEDOUT after 2 s, or ECONNRESET. Each try has a fresh socket. */
START_TEST(test_every_try_has_a_fresh_socket) {
        listen_and_use_vsock(false);
        connect_error = ECONNRESET;
        configure(test_key);
        UNTIL(n_downs == 3, NULL);
        ck_assert_int_eq(last_down.cause, CHANNEL_UNREACHABLE);
        ck_assert_int_eq(last_down.error, ECONNRESET);
        ck_assert_uint_eq(n_sockets, 3);
}
END_TEST

/* connect() returns EINPROGRESS and nothing follows: the channel's own time limit ends it. */
START_TEST(test_connect_that_hangs) {
        uint64_t begin = now_usec();

        listen_and_use_vsock(false);
        connect_error = EINPROGRESS;
        configure(test_key);
        UNTIL(n_downs == 1, NULL);
        ck_assert_int_eq(last_down.cause, CHANNEL_UNREACHABLE);
        ck_assert_int_eq(last_down.error, ETIMEDOUT);
        ck_assert_uint_ge(now_usec() - begin, CHANNEL_CONNECT_USEC);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("channel over vsock");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_connects_from_a_privileged_port);
        tcase_add_loop_test(t, test_kernel_without_vsock, 0, 2);
        tcase_add_test(t, test_every_try_has_a_fresh_socket);
        tcase_add_test(t, test_connect_that_hangs);
        return test_run(t, "channel-vsock");
}
