/* SPDX-License-Identifier: MIT */

/*
 * Accepting with AcceptEx(), one operation in flight at a time.
 */

#include "windows-helper/net/listener.h"
#include "windows-helper/core/base/client-left.h"
#include "windows-helper/net/socket-api.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LISTENER_BACKLOG 64
/* So many peers in a row may have left. Then there is a pause, in case the socket is dead after all
 * and says so with these errors. */
#define LISTENER_LEFT_MAX 200
/* AcceptEx() needs 16 bytes more than each address (fact 1.3.2). */
#define LISTENER_ADDRESS_SIZE (TRANSPORT_ADDRESS_MAX + 16)
/* Accepting is tried again after this time when resources are short. */
#define LISTENER_RETRY_USEC 300000ULL
/* So many other failures within this time mean that the socket is dead. */
#define LISTENER_FAILURES_MAX  3
#define LISTENER_FAILURES_USEC 1000000ULL

struct Listener {
        const Transport *transport; /* borrowed */
        Loop *loop;                 /* borrowed */
        ListenerFn fn;
        void *userdata;

        SOCKET socket; /* owned */
        LPFN_ACCEPTEX accept_ex;
        LPFN_GETACCEPTEXSOCKADDRS addresses_ex;
        TransportAddress address;
        Peer peer;

        bool closed;
        bool accepting; /* the operation is in flight */
        LogLimit limit;
        unsigned n_left;      /* peers that have left, in a row */
        unsigned n_failures;  /* others, in a row; the first of them was … */
        uint64_t failed_usec; /* … at this time */
        DWORD error;          /* ERROR_SUCCESS, or why the socket is dead */
        SOCKET next;          /* owned; the socket for the next connection */
        uint64_t retry_usec;  /* LOOP_NO_DEADLINE: all is well */
        LoopOp op;
        uint8_t addresses[2 * LISTENER_ADDRESS_SIZE];
};

static int listener_socket(const Listener *l, bool listening, SOCKET *ret_socket) {
        SOCKET s;
        int error;

        s = socket_api->socket(l->transport->family, SOCK_STREAM, l->transport->protocol, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
        if (s == INVALID_SOCKET)
                return socket_api->last_error();
        error = l->transport->prepare(s, listening);
        if (error != 0) {
                (void) socket_api->closesocket(s);
                return error;
        }
        *ret_socket = s;
        return 0;
}

/* One failure is normal, because resources may be short. Several in a short time mean that the
 * socket is dead (facts 1.3.6, 2.6.1). A peer that has left is none of them: it says nothing about
 * the socket (fact 9.3.20), and anybody in a guest could close the listener in that way. */
static void listener_fail(Listener *l, DWORD error, uint64_t now_usec) {
        if (l->n_failures == 0 || now_usec - l->failed_usec > LISTENER_FAILURES_USEC) {
                l->n_failures = 0;
                l->failed_usec = now_usec;
        }
        if (++l->n_failures < LISTENER_FAILURES_MAX)
                return;
        l->error = error ? error : WSAENOTCONN;
        l->retry_usec = LOOP_NO_DEADLINE;
        (void) socket_api->closesocket(l->socket);
        l->socket = INVALID_SOCKET;
}

static void listener_pause(Listener *l) {
        l->n_left = 0;
        l->retry_usec = loop_now_usec() + LISTENER_RETRY_USEC;
}

/* Return: 0, and the operation is in flight; or a Windows error. */
static DWORD listener_try(Listener *l) {
        DWORD n_bytes;
        int error;

        memset(l->addresses, 0, sizeof(l->addresses)); /* so that no old address is taken for new */
        error = listener_socket(l, false, &l->next);
        if (error != 0)
                return (DWORD) error;
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): listener_open() has set it */
        if (l->accept_ex(l->socket, l->next, l->addresses, 0, LISTENER_ADDRESS_SIZE,
                         LISTENER_ADDRESS_SIZE, &n_bytes, loop_op_prepare(&l->op)) ||
            socket_api->last_error() == ERROR_IO_PENDING) {
                l->accepting = true;
                l->retry_usec = LOOP_NO_DEADLINE;
                return ERROR_SUCCESS;
        }
        error = socket_api->last_error();
        (void) socket_api->closesocket(l->next);
        return (DWORD) error;
}

static void listener_accept(Listener *l) {
        DWORD error;

        do
                error = listener_try(l);
        while (client_left(error) && ++l->n_left < LISTENER_LEFT_MAX);
        if (error == ERROR_SUCCESS)
                return;
        if (!client_left(error) && l->retry_usec == LOOP_NO_DEADLINE && /* the first in a row */
            log_may(&l->limit))
                (void) log_win_error(error, "Cannot accept connections, trying again");
        listener_pause(l);
        if (!client_left(error))
                listener_fail(l, error, loop_now_usec());
}

/* The peer's address comes from the buffers of AcceptEx(), because getsockname() of the new socket
 * returns something arbitrary (fact 3.1.3). */
static bool listener_ask_address(Listener *l, Peer *peer) {
        SOCKADDR *local = NULL, *remote = NULL;
        int n_local = 0, n_remote = 0;
        size_t n;

        if (!l->addresses_ex)
                return false;
        l->addresses_ex(l->addresses, 0, LISTENER_ADDRESS_SIZE, LISTENER_ADDRESS_SIZE, &local,
                        &n_local, &remote, &n_remote);
        n = socket_address_within(l->addresses, sizeof(l->addresses), remote, n_remote);
        return n > 0 && l->transport->peer((const uint8_t *) remote, n, peer);
}

/* If the companion of AcceptEx() is missing, or names no address in the buffer, the transport
 * searches the second half of the buffer (fact 1.3.7). */
static void listener_deliver(Listener *l, SOCKET socket) {
        Peer peer = l->peer;

        if (l->transport->peer && !listener_ask_address(l, &peer))
                (void) l->transport->peer(l->addresses + LISTENER_ADDRESS_SIZE,
                                          LISTENER_ADDRESS_SIZE, &peer);
        l->fn(l->userdata, socket, &peer);
}

static void listener_on_accepted(LoopOp *op, DWORD error, DWORD n_bytes) {
        Listener *l = op->userdata;
        SOCKET socket = l->next;

        l->accepting = false;
        if (l->closed) {
                (void) socket_api->closesocket(socket);
                free(l);
                return;
        }
        if (error != ERROR_SUCCESS) { /* facts 1.3.3, 1.3.6 */
                (void) socket_api->closesocket(socket);
                if (client_left(error))
                        l->n_left++;
                else
                        listener_fail(l, error, loop_now_usec());
        } else {
                l->n_left = l->n_failures = 0;
                /* If this fails, the socket still carries bytes. Only shutdown() may be refused. */
                (void) socket_api->setsockopt(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                              (char *) &l->socket, sizeof(l->socket));
                listener_deliver(l, socket);
        }
        if (l->error != ERROR_SUCCESS)
                return;
        if (l->n_left < LISTENER_LEFT_MAX)
                listener_accept(l);
        else
                listener_pause(l);
}

/* Return: 0 or a Windows error. */
static DWORD listener_open(Listener *l, const TransportAddress *address) {
        int error;

        error = listener_socket(l, true, &l->socket);
        if (error != 0)
                return (DWORD) error;
        if (socket_api->bind(l->socket, &address->header, address->size) != 0 ||
            socket_api->listen(l->socket, LISTENER_BACKLOG) != 0)
                return (DWORD) socket_api->last_error();
        l->address.size = sizeof(l->address.bytes);
        if (socket_api->getsockname(l->socket, &l->address.header, &l->address.size) != 0)
                l->address = *address; /* good enough for the log */
        error = socket_api->load(l->socket, &l->accept_ex, &l->addresses_ex);
        if (error != 0)
                return (DWORD) error;
        return socket_api->attach(l->loop, l->socket) < 0 ? ERROR_NOT_ENOUGH_MEMORY : ERROR_SUCCESS;
}

int listener_new(Listener **ret_listener, Loop *loop, const Transport *transport,
                 const TransportAddress *address, const Peer *peer, ListenerFn fn, void *userdata,
                 DWORD *ret_error) {
        Listener *l = calloc(1, sizeof(*l));
        DWORD error;

        if (!l) {
                *ret_error = ERROR_NOT_ENOUGH_MEMORY;
                return -ENOMEM;
        }
        *l = (Listener){
                .transport = transport,
                .loop = loop,
                .fn = fn,
                .userdata = userdata,
                .peer = *peer,
                .socket = INVALID_SOCKET,
                .retry_usec = LOOP_NO_DEADLINE,
                .op = {.fn = listener_on_accepted, .userdata = l},
        };
        error = listener_open(l, address);
        if (error != ERROR_SUCCESS) {
                listener_close(l);
                *ret_error = error;
                return win_errno(error);
        }
        listener_accept(l);
        *ret_listener = l;
        return 0;
}

Listener *listener_close(Listener *l) {
        if (!l)
                return NULL;
        l->closed = true;
        if (l->socket != INVALID_SOCKET)
                (void) socket_api->closesocket(l->socket); /* this completes the operation */
        if (!l->accepting)
                free(l);
        return NULL;
}

void listener_format(const Listener *l, char ret_text[TRANSPORT_TEXT_MAX]) {
        l->transport->format(&l->address, ret_text);
}

uint64_t listener_deadline(const Listener *l) {
        return l->retry_usec;
}

DWORD listener_error(const Listener *l) {
        return l->error;
}

bool listener_is_waiting(const Listener *l) {
        return l->accepting;
}

void listener_set_peer(Listener *l, const Peer *peer) {
        l->peer = *peer;
}

void listener_tick(Listener *l, uint64_t now_usec) {
        if (l->error == ERROR_SUCCESS && now_usec >= l->retry_usec)
                listener_accept(l);
}
