/* SPDX-License-Identifier: MIT */

/* Sockets of the channel; see connect.h. */

#include "agent/channel/connect.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* After sys/socket.h: it uses sa_family_t without including it. */
#include <linux/vm_sockets.h>

static int bind_vsock(int fd, unsigned port) {
        struct sockaddr_vm sa = {
                .svm_family = AF_VSOCK,
                .svm_cid = VMADDR_CID_ANY,
                .svm_port = port,
        };

        return bind(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0 ? -errno : 0;
}

unsigned connect_bind_privileged(int fd, ConnectBind bind_port) {
        for (unsigned port = CONNECT_PORT_FIRST; port >= CONNECT_PORT_LAST; port--) {
                int r = bind_port(fd, port);

                if (r == 0)
                        return port;
                if (r != -EADDRINUSE)
                        return 0; /* EACCES or EPERM: not root, or already bound: go on unbound */
        }
        return 0;
}

static int connect_socket(int fd, const struct sockaddr *sa, socklen_t size) {
        if (connect(fd, sa, size) == 0)
                return 0;
        /* AF_UNIX returns EAGAIN when the listener's queue is full. That counts as a failed try,
         * since no event would say when to go on. */
        return errno == EINPROGRESS ? CONNECT_E_PENDING : -errno;
}

int connect_start(const ConfigHelper *helper, int *ret_fd) {
        bool vsock = helper->kind == CONFIG_HELPER_VSOCK;
        _cleanup_close_ int fd = -1;
        int r;

        fd = socket(vsock ? AF_VSOCK : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (vsock) {
                struct sockaddr_vm sa = {
                        .svm_family = AF_VSOCK,
                        .svm_cid = helper->cid,
                        .svm_port = helper->port,
                };

                /* SO_VM_SOCKETS_CONNECT_TIMEOUT keeps its default of 2 s. A missing listener on the
                 * Windows side shows as this timeout (fact 2.4.1). While Windows does not answer
                 * WSL either, bind() may wait without a limit (fact 6.2.14); then the watchdog
                 * helps. */
                (void) connect_bind_privileged(fd, bind_vsock);
                r = connect_socket(fd, (const struct sockaddr *) &sa, sizeof(sa));
        } else {
                struct sockaddr_un sa = {.sun_family = AF_UNIX};

                size_t n = strlen(helper->path) + 1;

                if (n > sizeof(sa.sun_path))
                        return -ENAMETOOLONG;
                memcpy(sa.sun_path, helper->path, n);
                r = connect_socket(fd, (const struct sockaddr *) &sa, sizeof(sa));
        }
        if (r >= 0)
                *ret_fd = TAKE_FD(fd);
        return r;
}

int connect_finish(int fd) {
        socklen_t size = sizeof(int);
        int error = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        return -error;
}
