/* SPDX-License-Identifier: MIT */
#include "windows-helper/listener.h"
#include "windows-helper/log.h"

#include <errno.h>
#include <mswsock.h>
#include <stdlib.h>

#define LISTENER_BACKLOG    64
#define LISTENER_RETRY_USEC 1000000ULL

struct Listener {
        const Transport *transport; /* borrowed */
        Loop *loop;                 /* borrowed */
        ListenerFn fn;
        void *userdata;

        SOCKET socket; /* owned */
        LPFN_ACCEPTEX accept_ex;
        TransportAddress address;

        bool closed;
        bool accepting;      /* the operation is in flight */
        SOCKET next;         /* owned; the socket it will fill */
        uint64_t retry_usec; /* LOOP_NO_DEADLINE: all is well */
        LoopOp op;
        uint8_t addresses[2 * (TRANSPORT_ADDRESS_MAX + 16)]; /* AcceptEx wants 16 more (fact 1.3) */
};

static int listener_socket(const Listener *l, bool listening, SOCKET *ret_socket) {
        SOCKET s;
        int error;

        s = WSASocketW(l->transport->family, SOCK_STREAM, l->transport->protocol, NULL, 0,
                       WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
        if (s == INVALID_SOCKET)
                return WSAGetLastError();
        error = l->transport->prepare(s, listening);
        if (error != 0) {
                (void) closesocket(s);
                return error;
        }
        *ret_socket = s;
        return 0;
}

static void listener_accept(Listener *l) {
        DWORD n_bytes;
        int error;

        error = listener_socket(l, false, &l->next);
        if (error == 0) {
                if (l->accept_ex(l->socket, l->next, l->addresses, 0, TRANSPORT_ADDRESS_MAX + 16,
                                 TRANSPORT_ADDRESS_MAX + 16, &n_bytes, loop_op_prepare(&l->op)) ||
                    WSAGetLastError() == ERROR_IO_PENDING) {
                        l->accepting = true;
                        l->retry_usec = LOOP_NO_DEADLINE;
                        return;
                }
                error = WSAGetLastError();
                (void) closesocket(l->next);
        }
        if (l->retry_usec == LOOP_NO_DEADLINE) /* the first failure speaks for the episode */
                (void) log_win_error((DWORD) error, "Failed to accept connections, retrying");
        l->retry_usec = loop_now_usec() + LISTENER_RETRY_USEC;
}

static void listener_on_accepted(LoopOp *op, DWORD error, DWORD n_bytes) {
        Listener *l = op->userdata;
        SOCKET socket = l->next;

        l->accepting = false;
        if (l->closed) {
                (void) closesocket(socket);
                free(l);
                return;
        }
        if (error != ERROR_SUCCESS || setsockopt(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                                 (char *) &l->socket, sizeof(l->socket)) != 0)
                (void) closesocket(socket); /* the peer was gone before it was accepted */
        else
                l->fn(l->userdata, socket);
        listener_accept(l);
}

static int listener_open(Listener *l, const TransportAddress *address) {
        GUID id = WSAID_ACCEPTEX;
        DWORD n_bytes;
        int error;

        error = listener_socket(l, true, &l->socket);
        if (error != 0)
                return log_win_error((DWORD) error, "Failed to make a listening socket");
        if (bind(l->socket, &address->header, address->size) != 0 ||
            listen(l->socket, LISTENER_BACKLOG) != 0) {
                char text[TRANSPORT_TEXT_MAX];

                error = WSAGetLastError();
                l->transport->format(address, text);
                return log_win_error((DWORD) error, "Failed to listen on %s", text);
        }
        l->address.size = sizeof(l->address.bytes);
        if (getsockname(l->socket, &l->address.header, &l->address.size) != 0 ||
            WSAIoctl(l->socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &l->accept_ex,
                     sizeof(l->accept_ex), &n_bytes, NULL, NULL) != 0)
                return log_win_error((DWORD) WSAGetLastError(), "Failed to prepare for accepting");
        return loop_attach(l->loop, (HANDLE) l->socket);
}

int listener_new(Listener **ret_listener, Loop *loop, const Transport *transport,
                 const TransportAddress *address, ListenerFn fn, void *userdata) {
        Listener *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        *l = (Listener){
                .transport = transport,
                .loop = loop,
                .fn = fn,
                .userdata = userdata,
                .socket = INVALID_SOCKET,
                .retry_usec = LOOP_NO_DEADLINE,
                .op = {.fn = listener_on_accepted, .userdata = l},
        };
        r = listener_open(l, address);
        if (r < 0) {
                listener_close(l);
                return r;
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
                (void) closesocket(l->socket); /* completes the operation in flight */
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

void listener_tick(Listener *l, uint64_t now_usec) {
        if (now_usec >= l->retry_usec)
                listener_accept(l);
}
