/* SPDX-License-Identifier: MIT */

/* Opening sockets towards the host and towards this guest's own servers; see socket.h. */

#include "agent/loopback/socket.h"

#include "agent/util/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define BACKLOG 1024 /* connections that wait while accepting pauses */

void socket_address(const IpAddr *addr, uint16_t port, SocketAddress *ret_address) {
        *ret_address = (SocketAddress){0};
        if (addr->family == IP_FAMILY_V4) {
                struct sockaddr_in *in = (struct sockaddr_in *) &ret_address->storage;

                in->sin_family = AF_INET;
                in->sin_port = htons(port);
                memcpy(&in->sin_addr, addr->bytes, sizeof(in->sin_addr));
                ret_address->n = sizeof(*in);
        } else {
                struct sockaddr_in6 *in = (struct sockaddr_in6 *) &ret_address->storage;

                in->sin6_family = AF_INET6;
                in->sin6_port = htons(port);
                memcpy(&in->sin6_addr, addr->bytes, sizeof(in->sin6_addr));
                ret_address->n = sizeof(*in);
        }
}

bool socket_parse(const SocketAddress *address, IpAddr *ret_addr, uint16_t *ret_port) {
        IpAddr addr = {0};
        uint16_t port;

        if (address->storage.ss_family == AF_INET) {
                const struct sockaddr_in *in = (const struct sockaddr_in *) &address->storage;

                addr.family = IP_FAMILY_V4;
                memcpy(addr.bytes, &in->sin_addr, sizeof(in->sin_addr));
                port = ntohs(in->sin_port);
        } else if (address->storage.ss_family == AF_INET6) {
                const struct sockaddr_in6 *in = (const struct sockaddr_in6 *) &address->storage;

                addr.family = IP_FAMILY_V6;
                memcpy(addr.bytes, &in->sin6_addr, sizeof(in->sin6_addr));
                port = ntohs(in->sin6_port);
        } else {
                return false;
        }
        *ret_addr = addr;
        if (ret_port)
                *ret_port = port;
        return true;
}

static int open_socket(uint8_t family, bool udp, int *ret_fd) {
        int fd = socket(family == IP_FAMILY_V4 ? AF_INET : AF_INET6,
                        (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

static int set_on(int fd, int level, int option) {
        const int on = 1;

        return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

int socket_open_port(const LoopbackHost *host, const LoopbackPort *port, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        SocketAddress address;
        bool bound;
        int r;

        r = open_socket(host->guest.family, port->udp, &fd);
        if (r == 0 && host->guest.family == IP_FAMILY_V6)
                r = set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
        /* Connections of a listener before this one may still be ending. Not for UDP, where it
         * would let another program take the port as well. */
        if (r == 0 && !port->udp)
                r = set_on(fd, SOL_SOCKET, SO_REUSEADDR);
        if (r < 0)
                return r;
        bound = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, host->interface,
                           (socklen_t) strlen(host->interface) + 1) == 0;
        if (!bound && errno != EPERM)
                return -errno;
        socket_address(&host->guest, port->port, &address);
        if (bind(fd, (const struct sockaddr *) &address.storage, address.n) < 0)
                return -errno;
        if (!port->udp && listen(fd, BACKLOG) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return bound;
}

/* A kernel whose own limits are lower (net.core.rmem_max) sets those. */
void socket_set_buffers(int fd, unsigned size) {
        const int value = (int) size;

        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));
}

int socket_connect(const LoopbackPort *port, bool v6, unsigned buffer_size, int *ret_fd) {
        static const IpAddr v6_loopback = {.family = IP_FAMILY_V6, .bytes = {[15] = 1}};
        const IpAddr v4_loopback = ip_v4(127, 0, 0, 1);
        _cleanup_close_ int fd = -1;
        SocketAddress address;
        int r;

        socket_address(v6 ? &v6_loopback : &v4_loopback, port->port, &address);
        r = open_socket(v6 ? IP_FAMILY_V6 : IP_FAMILY_V4, port->udp, &fd);
        /* What arrives is passed on as it arrives; the sender has decided about its size. */
        if (r == 0 && !port->udp)
                r = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
        if (r == 0 && !port->udp)
                r = set_on(fd, SOL_SOCKET, SO_OOBINLINE); /* see pair.c */
        if (r < 0)
                return r;
        if (buffer_size > 0)
                socket_set_buffers(fd, buffer_size);
        if (connect(fd, (const struct sockaddr *) &address.storage, address.n) < 0)
                r = -errno;
        if (r == 0 || r == -EINPROGRESS)
                *ret_fd = TAKE_FD(fd);
        return r;
}

int socket_error(int fd) {
        int error = 0;
        socklen_t n = sizeof(error);

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
                return -errno;
        return -error;
}

void socket_will_reset(int fd) {
        const struct linger now = {.l_onoff = 1};

        (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}
