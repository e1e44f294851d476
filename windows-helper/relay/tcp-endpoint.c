/* SPDX-License-Identifier: MIT */

/*
 * Accepting with AcceptEx(), a few operations at a time, as long as the limits allow it.
 */

#include "windows-helper/relay/tcp-endpoint.h"
#include "windows-helper/core/base/client-left.h"

#include <stdlib.h>
#include <string.h>

/* Clients that wait. Windows gives no more than 200 unless it is asked in this way (fact 9.3.29).
 */
#define TCP_BACKLOG 1024
#define TCP_ACCEPTS 2 /* operations in flight, so that one is there while another completes */
/* AcceptEx() needs 16 bytes more than each address (fact 1.3.2). */
#define TCP_ADDRESS_SIZE (sizeof(SocketAddress) + 16)
/* So many failures in a row mean that the socket is dead, not that a client has left. */
#define TCP_FAILURES_MAX 100
/* So many clients may have left before it is the turn of others. More do not fit into the queue. */
#define TCP_LEFT_MAX TCP_BACKLOG

typedef struct TcpAccept {
        LoopOp op;
        TcpEndpoint *endpoint;
        SOCKET socket; /* owned; INVALID_SOCKET: not in flight */
        uint8_t addresses[2 * TCP_ADDRESS_SIZE];
} TcpAccept;

struct TcpEndpoint {
        TcpOwner owner;
        RelayEntry entry;
        SOCKET socket; /* owned; INVALID_SOCKET: only while it is broken */
        bool closed, broken;
        unsigned n_failures; /* in a row */
        unsigned n_left;     /* clients that had left, in a row */
        unsigned n_accepting;
        ListNode paused;
        TcpAccept accepts[TCP_ACCEPTS];
};

static void tcp_endpoint_accept(TcpEndpoint *e);

static void tcp_endpoint_settle(TcpEndpoint *e) {
        if (e->closed && e->n_accepting == 0 && e->owner.n_links == 0)
                free(e);
}

static bool tcp_guest_has_share(const TcpEndpoint *e) {
        const TcpContext *c = e->owner.context;

        return peer_table_count(&c->peers.guests, &e->entry.connect.addr) >=
               c->limits->guest_connections;
}

/* What is in flight at other endpoints does not count, or thousands of them could not listen. So
 * there may be TCP_ACCEPTS connections for each of them more than the limit. */
static bool tcp_endpoint_is_full(const TcpEndpoint *e) {
        const TcpContext *c = e->owner.context;

        return c->n_links >= c->limits->connections || tcp_guest_has_share(e) ||
               e->owner.n_links + e->n_accepting >= c->limits->endpoint_connections;
}

static void tcp_endpoint_break(TcpEndpoint *e) {
        e->broken = true;
        e->owner.context->troubled(e->owner.context->userdata);
}

/* It is tried again later, and the connections that are there go on. */
static void tcp_endpoint_pause(TcpEndpoint *e) {
        list_append(&e->owner.context->paused, &e->paused);
        e->owner.context->troubled(e->owner.context->userdata);
}

/* Return: 0, and the operation is in flight; or a Windows error. */
static DWORD tcp_accept_try(TcpEndpoint *e, TcpAccept *a) {
        TcpContext *c = e->owner.context;
        SOCKET s = socket_new(c->loop, e->entry.listen.addr.family, SOCK_STREAM);
        DWORD n, error;

        if (s == INVALID_SOCKET)
                return WSAENOBUFS;
        if (!c->calls->accept(e->socket, s, a->addresses, 0, TCP_ADDRESS_SIZE, TCP_ADDRESS_SIZE, &n,
                              loop_op_prepare(&a->op)) &&
            WSAGetLastError() != WSA_IO_PENDING) {
                error = (DWORD) WSAGetLastError();
                (void) closesocket(s);
                return error;
        }
        a->socket = s;
        e->n_accepting++;
        return ERROR_SUCCESS;
}

/* Return: whether the operation is in flight. */
static bool tcp_accept_start(TcpEndpoint *e, TcpAccept *a) {
        DWORD error = tcp_accept_try(e, a);

        for (unsigned n_left = 0; client_left(error) && n_left < TCP_LEFT_MAX; n_left++)
                error = tcp_accept_try(e, a);
        if (error == WSAENOBUFS || client_left(error))
                tcp_endpoint_pause(e);
        else if (error != ERROR_SUCCESS)
                tcp_endpoint_break(e);
        return error == ERROR_SUCCESS;
}

/* Keep operations in flight, or wait until a connection ends. */
static void tcp_endpoint_accept(TcpEndpoint *e) {
        list_remove(&e->paused);
        for (unsigned i = 0; i < TCP_ACCEPTS && !e->closed && !e->broken; i++) {
                if (e->accepts[i].socket != INVALID_SOCKET)
                        continue;
                if (tcp_endpoint_is_full(e)) {
                        list_append(&e->owner.context->paused, &e->paused);
                        return;
                }
                if (!tcp_accept_start(e, &e->accepts[i]))
                        return;
        }
}

void tcp_endpoints_resume(TcpContext *c) {
        ListNode all;

        /* Those that must wait on are put back at the end of the list, so it is taken over first.
         */
        list_init(&all);
        list_take(&all, &c->paused);
        while (!list_is_empty(&all))
                tcp_endpoint_accept(LIST_ITEM(list_first(&all), TcpEndpoint, paused));
}

/* If there is room for others now, too, they accept again. */
static void tcp_endpoint_on_released(TcpOwner *owner, const IpAddr *guest) {
        TcpEndpoint *e = LIST_ITEM(owner, TcpEndpoint, owner);
        TcpContext *c = owner->context;

        if (c->n_links + 1 == c->limits->connections ||
            peer_table_count(&c->peers.guests, guest) + 1 == c->limits->guest_connections)
                tcp_endpoints_resume(c);
        else if (!list_is_empty(&e->paused))
                tcp_endpoint_accept(e);
        tcp_endpoint_settle(e);
}

/* The last tenth is for guests that do not have their share. */
static bool tcp_endpoint_is_greedy(const TcpEndpoint *e) {
        const TcpContext *c = e->owner.context;

        return c->n_links >= c->limits->connections - c->limits->connections / 10 &&
               tcp_guest_has_share(e);
}

static bool tcp_client_has_share(const TcpContext *c, const IpAddr *client) {
        return peer_table_count(&c->peers.clients, client) >= c->limits->client_connections ||
               peer_network_is_full(&c->peers, client,
                                    relay_network_share(c->limits->guest_connections));
}

/* A client that has its share is turned away at once, because waiting would cost the others the
 * place in front of the port. */
static void tcp_endpoint_take(TcpEndpoint *e, SOCKET s, const IpEndpoint *client,
                              const IpEndpoint *asked) {
        TcpContext *c = e->owner.context;

        if (tcp_client_has_share(c, &client->addr) || tcp_endpoint_is_greedy(e)) {
                socket_reset(s);
                return;
        }
        (void) tcp_link_new(&e->owner, s, client, asked, &e->entry);
}

/* The addresses come from the buffer of AcceptEx(), which costs no further call. */
static void tcp_accept_done(TcpAccept *a, SOCKET s) {
        TcpEndpoint *e = a->endpoint;
        SOCKADDR *local = NULL, *remote = NULL;
        SocketAddress ends[2] = {0};
        int n_local = 0, n_remote = 0;
        IpEndpoint client, asked;
        uint32_t scope;

        e->owner.context->calls->accept_addresses(a->addresses, 0, TCP_ADDRESS_SIZE,
                                                  TCP_ADDRESS_SIZE, &local, &n_local, &remote,
                                                  &n_remote);
        if (local && remote && n_local > 0 && n_remote > 0 && n_local <= (int) sizeof(ends[0]) &&
            n_remote <= (int) sizeof(ends[0])) {
                memcpy(&ends[0], local, (size_t) n_local);
                memcpy(&ends[1], remote, (size_t) n_remote);
        }
        (void) setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *) &e->socket,
                          sizeof(e->socket));
        if (socket_address_get(&ends[0], &asked, &scope) &&
            socket_address_get(&ends[1], &client, &scope))
                tcp_endpoint_take(e, s, &client, &asked);
        else
                socket_reset(s);
}

static void tcp_endpoint_on_accepted(LoopOp *op, DWORD error, DWORD n_bytes) {
        TcpAccept *a = op->userdata;
        TcpEndpoint *e = a->endpoint;
        SOCKET s = a->socket;

        a->socket = INVALID_SOCKET;
        e->n_accepting--;
        if (error == ERROR_SUCCESS) {
                e->n_failures = e->n_left = 0;
        } else if (!client_left(error) || ++e->n_left >= TCP_LEFT_MAX) {
                e->n_failures++; /* a socket that is dead may say of each client that it has left */
                e->n_left = 0;
        }
        if (e->closed || error != ERROR_SUCCESS)
                (void) closesocket(s);
        else
                tcp_accept_done(a, s);
        if (!e->closed && !e->broken && e->n_failures >= TCP_FAILURES_MAX)
                tcp_endpoint_break(e);
        else if (!e->closed)
                tcp_endpoint_accept(e);
        tcp_endpoint_settle(e);
}

static DWORD tcp_endpoint_listen(TcpEndpoint *e) {
        const IpEndpoint *listen_on = &e->entry.listen;
        SOCKET s = socket_new(e->owner.context->loop, listen_on->addr.family, SOCK_STREAM);
        DWORD error;

        if (s != INVALID_SOCKET && socket_bind(s, listen_on, false) &&
            listen(s, SOMAXCONN_HINT(TCP_BACKLOG)) == 0) {
                e->socket = s;
                return ERROR_SUCCESS;
        }
        error = (DWORD) WSAGetLastError();
        if (s != INVALID_SOCKET)
                (void) closesocket(s);
        return error;
}

DWORD tcp_endpoint_new(TcpEndpoint **ret_endpoint, TcpContext *context, const RelayEntry *entry) {
        TcpEndpoint *e = calloc(1, sizeof(*e));
        DWORD error;

        if (!e)
                return WSAENOBUFS;
        e->owner = (TcpOwner){.context = context, .released = tcp_endpoint_on_released};
        e->entry = *entry;
        list_init(&e->owner.links);
        list_init(&e->paused);
        for (unsigned i = 0; i < TCP_ACCEPTS; i++)
                e->accepts[i] = (TcpAccept){
                        .op = {.fn = tcp_endpoint_on_accepted, .userdata = &e->accepts[i]},
                        .endpoint = e,
                        .socket = INVALID_SOCKET,
                };
        error = tcp_endpoint_listen(e);
        if (error != ERROR_SUCCESS) {
                free(e);
                return error;
        }
        *ret_endpoint = e;
        tcp_endpoint_accept(e);
        return ERROR_SUCCESS;
}

DWORD tcp_endpoint_reopen(TcpEndpoint *e) {
        DWORD error;

        if (e->socket != INVALID_SOCKET)
                socket_close(e->socket); /* this completes the operations */
        e->socket = INVALID_SOCKET;
        error = tcp_endpoint_listen(e);
        if (error == ERROR_SUCCESS) {
                e->broken = false;
                e->n_failures = 0;
                tcp_endpoint_accept(e);
        } else if (error == WSAEADDRINUSE) {
                tcp_links_reset(&e->owner); /* it may be they that have the port (fact 9.3.22) */
        }
        return error;
}

TcpEndpoint *tcp_endpoint_close(TcpEndpoint *e) {
        if (!e)
                return NULL;
        e->closed = true;
        list_remove(&e->paused);
        if (e->socket != INVALID_SOCKET)
                socket_close(e->socket); /* this completes the operations */
        e->n_accepting++;                /* so that the end of a connection does not free it here */
        tcp_links_reset(&e->owner);
        e->n_accepting--;
        tcp_endpoint_settle(e);
        return NULL;
}

void tcp_endpoint_move(TcpEndpoint *e, const RelayEntry *entry) {
        e->entry = *entry;
        tcp_links_reset(&e->owner);
}

bool tcp_endpoint_is_broken(const TcpEndpoint *e) {
        return e->broken;
}
