/* SPDX-License-Identifier: MIT */

/*
 * Waiting for datagrams: a receive of no bytes that leaves them in the queue.
 */

#include "windows-helper/relay/datagram-port.h"

bool datagram_error_is_of_peer(int error) {
        return error == WSAECONNRESET || error == WSAENETRESET || error == WSAECONNREFUSED;
}

static void datagram_port_post(DatagramPort *p) {
        p->n_pending++;
        loop_post(p->loop, &p->again);
}

/* A receive that finds a datagram at once fails with WSAEMSGSIZE. Whether a completion comes
 * nevertheless is not documented (fact 9.3.13). So the packet of our own is posted, which is behind
 * that completion in the queue: when it arrives, nothing of the receive is left, and a completion
 * that nobody waited for was seen before and ignored. */
static void datagram_port_wait(DatagramPort *p) {
        WSABUF none = {.len = 0, .buf = (char *) p};
        DWORD flags = MSG_PEEK;
        int error = 0;

        if (WSARecv(p->socket, &none, 1, NULL, &flags, loop_op_prepare(&p->receive), NULL) != 0)
                error = WSAGetLastError();
        if (error == 0 || error == WSA_IO_PENDING) {
                p->waiting = true;
                p->n_pending++;
        } else if (error == WSAENOBUFS) {
                later_add(p->later_list, &p->later);
        } else {
                p->dead = error != WSAEMSGSIZE && !datagram_error_is_of_peer(error);
                datagram_port_post(p);
        }
}

static void datagram_port_again(Later *later) {
        datagram_port_wait(LIST_ITEM(later, DatagramPort, later));
}

static void datagram_port_on_ready(LoopOp *op, DWORD error, DWORD n_bytes) {
        DatagramPort *p = op->userdata;
        bool more = false;

        if (op == &p->receive) {
                if (!p->waiting)
                        return;
                p->waiting = false;
        }
        /* What is going on here counts as pending, so that closing it does not free it. */
        if (!p->closed && p->dead)
                p->events->failed(p);
        else if (!p->closed && op == &p->receive && error != ERROR_SUCCESS &&
                 error != ERROR_MORE_DATA && p->events->refused)
                p->events->refused(p);
        else if (!p->closed)
                more = p->events->readable(p);
        if (!p->closed && !p->dead && more)
                datagram_port_post(p);
        else if (!p->closed && !p->dead)
                datagram_port_wait(p);
        if (--p->n_pending == 0 && p->closed)
                p->events->gone(p);
}

void datagram_port_open(DatagramPort *p, Loop *loop, LaterList *later, SOCKET socket,
                        const DatagramPortEvents *events) {
        BOOL off = FALSE;
        DWORD n;

        *p = (DatagramPort){
                .loop = loop,
                .later_list = later,
                .socket = socket,
                .events = events,
                .receive = {.fn = datagram_port_on_ready, .userdata = p},
                .again = {.fn = datagram_port_on_ready, .userdata = p},
        };
        later_init(&p->later, datagram_port_again);
        (void) WSAIoctl(socket, SIO_UDP_CONNRESET, &off, sizeof(off), NULL, 0, &n, NULL, NULL);
        (void) WSAIoctl(socket, SIO_UDP_NETRESET, &off, sizeof(off), NULL, 0, &n, NULL, NULL);
        datagram_port_wait(p);
}

void datagram_port_close(DatagramPort *p) {
        if (p->closed)
                return;
        p->closed = true;
        later_remove(&p->later);
        socket_close(p->socket);
        if (p->n_pending == 0)
                p->events->gone(p);
}
