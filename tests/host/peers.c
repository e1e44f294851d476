/* SPDX-License-Identifier: MIT */

/*
 * The test host's sockets: it accepts connections and carries bytes to and from the controller.
 */

#include "tests/host/test-host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* After sys/socket.h: it uses sa_family_t without including it. */
#include <linux/vm_sockets.h>

#define PEER_READ_SIZE 65536
#define LISTEN_BACKLOG 16

static int peers_listen_unix(const char *path) {
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        struct stat st;
        int fd;

        if (strlen(path) >= sizeof(addr.sun_path))
                return -ENAMETOOLONG;
        strcpy(addr.sun_path, path);
        if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
                (void) unlink(path); /* left by a run that was killed */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *) &addr, sizeof(addr)) < 0 ||
            listen(fd, LISTEN_BACKLOG) < 0) {
                int r = -errno;

                (void) close(fd);
                return r;
        }
        return fd;
}

static int peers_listen_vsock(const char *port) {
        struct sockaddr_vm addr = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
        char *end;
        int fd;

        errno = 0;
        addr.svm_port = (unsigned) strtoul(port, &end, 10);
        if (errno || end == port || *end)
                return -EINVAL;
        fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *) &addr, sizeof(addr)) < 0 ||
            listen(fd, LISTEN_BACKLOG) < 0) {
                int r = -errno;

                (void) close(fd);
                return r;
        }
        return fd;
}

int peers_listen(TestHost *h) {
        int fd = -EINVAL;

        if (strncmp(h->listen, "unix:", 5) == 0)
                fd = peers_listen_unix(h->listen + 5);
        else if (strncmp(h->listen, "vsock:", 6) == 0)
                fd = peers_listen_vsock(h->listen + 6);
        h->listen_fd = fd;
        return fd < 0 ? fd : 0;
}

void peer_free(TestPeer *p) {
        (void) close(p->fd);
        buffer_done(&p->out);
        free(p);
}

void peers_accept(TestHost *h) {
        struct sockaddr_vm addr = {.svm_family = AF_UNSPEC};
        socklen_t size = sizeof(addr);
        int fd = accept4(h->listen_fd, (struct sockaddr *) &addr, &size,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        Peer info = {.source_known = false};
        TestPeer *p;

        if (fd < 0)
                return;
        p = h->n_peers < TEST_HOST_PEERS_MAX ? calloc(1, sizeof(*p)) : NULL;
        if (!p) {
                (void) close(fd);
                return;
        }
        p->host = h;
        p->fd = fd;
        if (addr.svm_family == AF_VSOCK)
                info = (Peer){.source_known = true, .source = addr.svm_port};
        if (controller_connect(h->controller, p, &info, test_host_now(), &p->connection) < 0) {
                peer_free(p);
                return;
        }
        h->peers[h->n_peers++] = p;
        commands_event(h, "connect");
}

/* Only mark the peer. peers_flush() removes it, so that the loop's list does not change. */
static void peer_gone(TestPeer *p) {
        if (p->connection) {
                controller_disconnect(p->connection, test_host_now());
                p->connection = NULL;
                commands_event(p->host, "disconnect");
        }
        p->closing = true;
        buffer_done(&p->out);
}

void peer_readable(TestPeer *p) {
        static uint8_t data[PEER_READ_SIZE];
        ssize_t n = recv(p->fd, data, sizeof(data), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0 || !p->connection) {
                peer_gone(p);
                return;
        }
        p->host->received_usec = test_host_now();
        controller_receive(p->connection, data, (size_t) n, p->host->received_usec);
        commands_note_states(p->host);
}

static void peer_flush(TestPeer *p) {
        while (buffer_length(&p->out) > 0 && p->delayed_usec <= test_host_now()) {
                ssize_t n =
                        send(p->fd, buffer_bytes(&p->out), buffer_length(&p->out), MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN)
                        return;
                if (n < 0) {
                        peer_gone(p);
                        return;
                }
                buffer_consume(&p->out, (size_t) n);
        }
}

void peers_flush(TestHost *h) {
        for (size_t i = h->n_peers; i > 0; i--) {
                TestPeer *p = h->peers[i - 1];

                peer_flush(p);
                if (p->closing && buffer_length(&p->out) == 0) {
                        peer_gone(p);
                        h->peers[i - 1] = h->peers[--h->n_peers];
                        peer_free(p);
                }
        }
}

int peers_send(void *userdata, void *handle, const uint8_t *data, size_t n) {
        TestPeer *p = handle;
        int r = buffer_append(&p->out, data, n);

        if (r == 0 && n > 1 && data[1] == WIRE_RESULT) {
                if (p->host->delay_ms > 0)
                        p->delayed_usec = test_host_now() + p->host->delay_ms * UINT64_C(1000);
                commands_note_result(p->host, data, n);
        }
        return r;
}

void peers_close(void *userdata, void *handle) {
        TestPeer *p = handle;

        p->closing = true;
}
