/* SPDX-License-Identifier: MIT */

/*
 * Moving bytes. A receive of no bytes waits until there is something; then bytes are read into the
 * memory that all share and are sent at once. Only what the receiver does not take is copied, and
 * an overlapped send waits with it. A sender that has filled the memory probably has more: it is
 * read again at its next turn, one chunk like all others, without asking the system in between.
 */

#include "windows-helper/relay/tcp-link.h"
#include "windows-helper/core/relay/proxy-v2.h"
#include "windows-helper/core/relay/tcp-flow.h"

#include <stdlib.h>
#include <string.h>

#define TCP_CHUNKS_ALONE \
        4 /* that a pipe moves in one turn while no other one is ready; else it is 1 */
/* When so many bytes wait for slow receivers, each further pipe may add only little. */
#define TCP_HELD_PLENTY   (32U * 1024 * 1024)
#define TCP_CHUNK_IN_NEED 4096
/* A receiver that takes all at once gets more at once. One that stalls then has little in the
 * system (fact 9.3.16). */
#define TCP_CHUNK_FIRST (64 * 1024)

/* The bytes of one direction. */
typedef struct TcpPipe {
        LoopOp receive, send;
        Later later; /* Windows had no memory for either of them */
        char *held;  /* owned; NULL: none */
        uint32_t n_held, n_sent;
        uint32_t chunk; /* bytes to move at once */
        bool more;      /* the last chunk was full */
        ListNode turn;
} TcpPipe;

typedef struct TcpLink {
        TcpOwner *owner;     /* borrowed; outlives us */
        TcpContext *context; /* borrowed */
        Peers peers;
        ListNode sibling, waiting;
        uint64_t deadline_usec; /* for the guest's answer */
        Flow flow;
        /* Owned: the socket from which each direction comes, the client's and the guest's. It is
         * the receiver of the other direction. */
        SOCKET senders[_FLOW_SIDE_END];
        TcpPipe pipes[_FLOW_SIDE_END];
        LoopOp connect;
        unsigned n_pending;
        IpEndpoint client_end, asked;
        bool proxy_v2;
} TcpLink;

static void tcp_pipe_drop(TcpLink *l, TcpPipe *pipe) {
        l->context->n_held -= pipe->n_held;
        pipe->n_held = pipe->n_sent = 0;
        free(pipe->held);
        pipe->held = NULL;
}

/* Called at the end of every completion: nothing of the connection is touched after the last. */
static void tcp_link_free_if_over(TcpLink *l) {
        TcpOwner *owner = l->owner;
        IpAddr guest;

        if (l->n_pending > 0 || l->flow.state == FLOW_CONNECTING || l->flow.state == FLOW_OPEN)
                return;
        guest = l->peers.guest->addr;
        tcp_pipe_drop(l, &l->pipes[FLOW_TO_GUEST]);
        tcp_pipe_drop(l, &l->pipes[FLOW_TO_CLIENT]);
        peers_give(&l->peers, &l->context->peers);
        list_remove(&l->waiting);
        list_remove(&l->sibling);
        l->context->n_links--;
        owner->n_links--;
        free(l);
        owner->released(owner, &guest);
}

static void tcp_link_end(TcpLink *l, void (*end)(SOCKET s)) {
        list_remove(&l->waiting);
        for (unsigned i = 0; i < _FLOW_SIDE_END; i++) {
                list_remove(&l->pipes[i].turn);
                later_remove(&l->pipes[i].later);
                if (l->senders[i] != INVALID_SOCKET)
                        end(l->senders[i]);
        }
        l->senders[FLOW_TO_GUEST] = l->senders[FLOW_TO_CLIENT] = INVALID_SOCKET;
}

/* Return: whether the operation that was just started is in flight; or it is one of @pipe, for
 * which Windows has no memory now, and is tried again. */
static bool tcp_link_started(TcpLink *l, TcpPipe *pipe, bool done) {
        int error = done ? WSA_IO_PENDING : WSAGetLastError();

        if (error == WSAENOBUFS && pipe)
                later_add(l->context->later, &pipe->later);
        else if (error == WSA_IO_PENDING)
                l->n_pending++; /* a success completes through the port, too (fact 9.3.2) */
        else
                return false;
        return true;
}

static bool tcp_link_wait(TcpLink *l, FlowSide side) {
        WSABUF none = {.len = 0, .buf = (char *) l};
        TcpPipe *pipe = &l->pipes[side];
        DWORD flags = 0;

        return tcp_link_started(l, pipe,
                                WSARecv(l->senders[side], &none, 1, NULL, &flags,
                                        loop_op_prepare(&pipe->receive), NULL) == 0);
}

static bool tcp_link_send_held(TcpLink *l, FlowSide side) {
        TcpPipe *pipe = &l->pipes[side];
        WSABUF rest = {.len = pipe->n_held - pipe->n_sent, .buf = pipe->held + pipe->n_sent};

        return tcp_link_started(l, pipe,
                                WSASend(l->senders[!side], &rest, 1, NULL, 0,
                                        loop_op_prepare(&pipe->send), NULL) == 0);
}

/* Send @n bytes of the shared memory, and keep what is not taken (fact 9.3.16). */
static FlowInput tcp_link_push(TcpLink *l, FlowSide side, uint32_t n) {
        TcpPipe *pipe = &l->pipes[side];
        int n_sent = send(l->senders[!side], (const char *) l->context->scratch, (int) n, 0);

        if (n_sent < 0 && !socket_error_passes(WSAGetLastError()))
                return FLOW_FAILED;
        if (n_sent < 0)
                n_sent = 0;
        if ((uint32_t) n_sent == n)
                return FLOW_EMPTY;
        pipe->held = malloc(n - (uint32_t) n_sent);
        if (!pipe->held)
                return FLOW_FAILED;
        pipe->n_held = n - (uint32_t) n_sent;
        l->context->n_held += pipe->n_held;
        memcpy(pipe->held, l->context->scratch + n_sent, pipe->n_held);
        return FLOW_HELD;
}

static FlowInput tcp_link_move(TcpLink *l, FlowSide side, unsigned n_chunks) {
        TcpContext *c = l->context;
        TcpPipe *pipe = &l->pipes[side];

        pipe->more = false;
        for (unsigned i = 0; i < n_chunks; i++) {
                uint32_t size = c->n_held < TCP_HELD_PLENTY ? pipe->chunk : TCP_CHUNK_IN_NEED;
                int n = recv(l->senders[side], (char *) c->scratch, (int) size, 0);
                FlowInput input;

                if (n == 0)
                        return FLOW_END;
                if (n < 0)
                        return WSAGetLastError() == WSAEWOULDBLOCK ? FLOW_EMPTY : FLOW_FAILED;
                input = tcp_link_push(l, side, (uint32_t) n);
                if (input == FLOW_HELD)
                        pipe->chunk = TCP_CHUNK_FIRST;
                if (input != FLOW_EMPTY || (uint32_t) n < size)
                        return input;
                if (pipe->chunk < TCP_CHUNK)
                        pipe->chunk *= 2;
        }
        pipe->more = true;
        return FLOW_EMPTY;
}

static void tcp_link_await_turn(TcpContext *c, TcpPipe *pipe) {
        list_append(&c->ready, &pipe->turn);
        if (c->turns_posted)
                return;
        c->turns_posted = true;
        loop_post(c->loop, &c->turns);
}

/* Do what the flow says until it waits for a completion. */
static void tcp_link_run(TcpLink *l, FlowSide side, FlowAction action, unsigned n_chunks) {
        while (action != FLOW_DO_NOTHING) {
                FlowInput input = FLOW_FAILED;

                switch (action) {
                case FLOW_DO_MOVE:
                        input = tcp_link_move(l, side, n_chunks);
                        break;
                case FLOW_DO_WAIT:
                        if (l->pipes[side].more)
                                tcp_link_await_turn(l->context, &l->pipes[side]);
                        else if (!tcp_link_wait(l, side))
                                break;
                        return;
                case FLOW_DO_SEND:
                        if (tcp_link_send_held(l, side))
                                return;
                        break;
                case FLOW_DO_END: /* what Windows does then: facts 9.3.23 and 9.3.24 */
                        if (shutdown(l->senders[!side], SD_SEND) == 0)
                                return;
                        break;
                case FLOW_DO_FINISH:
                        tcp_link_end(l, socket_close);
                        return;
                case FLOW_DO_RESET:
                        tcp_link_end(l, socket_reset);
                        return;
                case FLOW_DO_NOTHING:
                case _FLOW_ACTION_END:
                        return;
                }
                action = flow_step(&l->flow, side, input);
        }
}

static void tcp_link_input(TcpLink *l, FlowSide side, FlowInput input) {
        tcp_link_run(l, side, flow_step(&l->flow, side, input), 1);
}

static FlowSide tcp_link_side(const TcpLink *l, const LoopOp *op) {
        const TcpPipe *pipe = &l->pipes[FLOW_TO_GUEST];

        return op == &pipe->receive || op == &pipe->send ? FLOW_TO_GUEST : FLOW_TO_CLIENT;
}

static void tcp_pipe_again(Later *later) {
        TcpPipe *pipe = LIST_ITEM(later, TcpPipe, later);
        TcpLink *l = pipe->receive.userdata;
        FlowAction action = pipe->held ? FLOW_DO_SEND : FLOW_DO_WAIT;

        tcp_link_run(l, tcp_link_side(l, &pipe->receive), action, 1);
        tcp_link_free_if_over(l);
}

static void tcp_link_on_received(LoopOp *op, DWORD error, DWORD n_bytes) {
        TcpLink *l = op->userdata;

        l->n_pending--;
        tcp_link_input(l, tcp_link_side(l, op), error ? FLOW_FAILED : FLOW_READABLE);
        tcp_link_free_if_over(l);
}

static void tcp_link_on_sent(LoopOp *op, DWORD error, DWORD n_bytes) {
        TcpLink *l = op->userdata;
        FlowSide side = tcp_link_side(l, op);
        TcpPipe *pipe = &l->pipes[side];
        bool sending = l->flow.state == FLOW_OPEN;

        l->n_pending--;
        pipe->n_sent += n_bytes;
        if (sending && error == ERROR_SUCCESS && pipe->n_sent < pipe->n_held) {
                if (!tcp_link_send_held(l, side))
                        tcp_link_input(l, side, FLOW_FAILED);
        } else {
                tcp_pipe_drop(l, pipe);
                tcp_link_input(l, side, error ? FLOW_FAILED : FLOW_SENT);
        }
        tcp_link_free_if_over(l);
}

/* Nothing was sent to the guest yet, so there is room for a header (fact 9.3.15). */
static bool tcp_link_send_header(TcpLink *l) {
        uint8_t header[PROXY_V2_MAX];
        int n = (int) proxy_v2_encode(&l->client_end, &l->asked, header);

        return send(l->senders[FLOW_TO_CLIENT], (const char *) header, n, 0) == n;
}

static void tcp_link_on_connected(LoopOp *op, DWORD error, DWORD n_bytes) {
        TcpLink *l = op->userdata;
        FlowAction action;

        l->n_pending--;
        list_remove(&l->waiting);
        if (error == ERROR_SUCCESS && l->flow.state == FLOW_CONNECTING) {
                /* Without this, shutdown() fails. */
                (void) setsockopt(l->senders[FLOW_TO_CLIENT], SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT,
                                  NULL, 0);
                if (l->proxy_v2 && !tcp_link_send_header(l))
                        error = WSAECONNABORTED;
        }
        action = flow_step(&l->flow, FLOW_TO_GUEST, error ? FLOW_FAILED : FLOW_CONNECTED);
        tcp_link_run(l, FLOW_TO_GUEST, action, 1);
        if (action == FLOW_DO_MOVE && l->flow.state == FLOW_OPEN)
                tcp_link_run(l, FLOW_TO_CLIENT, action, 1);
        tcp_link_free_if_over(l);
}

static DWORD tcp_link_connect(TcpLink *l, const IpEndpoint *guest) {
        SocketAddress address;
        int size = socket_address_set(&address, guest, 0);
        SOCKET s = socket_new_outgoing(l->context->loop, guest->addr.family);

        l->senders[FLOW_TO_CLIENT] = s;
        if (s == INVALID_SOCKET ||
            !tcp_link_started(l, NULL,
                              l->context->calls->connect(s, &address.header, size, NULL, 0, NULL,
                                                         loop_op_prepare(&l->connect))))
                return (DWORD) WSAGetLastError();
        return ERROR_SUCCESS;
}

DWORD tcp_link_new(TcpOwner *owner, SOCKET socket, const IpEndpoint *client,
                   const IpEndpoint *asked, const RelayEntry *entry) {
        TcpContext *c = owner->context;
        TcpLink *l = calloc(1, sizeof(*l));
        DWORD error = WSAENOBUFS;

        if (!l || !peers_take(&l->peers, &c->peers, &client->addr, &entry->connect.addr)) {
                free(l);
                socket_reset(socket);
                return error;
        }
        l->owner = owner;
        l->context = c;
        l->client_end = *client;
        l->asked = *asked;
        l->proxy_v2 = entry->proxy_v2;
        l->senders[FLOW_TO_GUEST] = socket;
        l->connect = (LoopOp){.fn = tcp_link_on_connected, .userdata = l};
        for (unsigned i = 0; i < _FLOW_SIDE_END; i++) {
                l->pipes[i].receive = (LoopOp){.fn = tcp_link_on_received, .userdata = l};
                l->pipes[i].send = (LoopOp){.fn = tcp_link_on_sent, .userdata = l};
                l->pipes[i].chunk = TCP_CHUNK_FIRST;
                list_init(&l->pipes[i].turn);
                later_init(&l->pipes[i].later, tcp_pipe_again);
        }
        l->deadline_usec = loop_now_usec() + c->limits->connect_ms * UINT64_C(1000);
        list_append(&c->connecting, &l->waiting);
        list_append(&owner->links, &l->sibling);
        c->n_links++;
        owner->n_links++;
        socket_prepare_stream(socket);
        error = tcp_link_connect(l, &entry->connect);
        if (error != ERROR_SUCCESS) {
                tcp_link_input(l, FLOW_TO_GUEST, FLOW_FAILED);
                tcp_link_free_if_over(l);
        }
        return error;
}

static void tcp_link_reset(TcpLink *l) {
        tcp_link_input(l, FLOW_TO_GUEST, FLOW_FAILED);
        tcp_link_free_if_over(l);
}

void tcp_links_reset(TcpOwner *owner) {
        ListNode *next;

        for (ListNode *node = list_first(&owner->links); node; node = next) {
                next = list_next(&owner->links, node);
                tcp_link_reset(LIST_ITEM(node, TcpLink, sibling));
        }
}

static void tcp_link_take_turn(TcpPipe *pipe, unsigned n_chunks) {
        TcpLink *l = pipe->receive.userdata;
        FlowSide side = tcp_link_side(l, &pipe->receive);

        list_remove(&pipe->turn);
        tcp_link_run(l, side, flow_step(&l->flow, side, FLOW_READABLE), n_chunks);
        tcp_link_free_if_over(l);
}

/* What is in flight meanwhile completes behind this, so that the others have their turn, too. */
static void tcp_links_on_turns(LoopOp *op, DWORD error, DWORD n_bytes) {
        TcpContext *c = op->userdata;
        unsigned n_chunks;
        ListNode all;

        c->turns_posted = false;
        /* Those that have still more are put back at the end of the list, so it is taken over
         * first. */
        list_init(&all);
        list_take(&all, &c->ready);
        n_chunks = list_is_empty(&all) || list_next(&all, list_first(&all)) ? 1 : TCP_CHUNKS_ALONE;
        while (!list_is_empty(&all))
                tcp_link_take_turn(LIST_ITEM(list_first(&all), TcpPipe, turn), n_chunks);
}

void tcp_links_init(TcpContext *c) {
        c->turns = (LoopOp){.fn = tcp_links_on_turns, .userdata = c};
        list_init(&c->connecting);
        list_init(&c->paused);
        list_init(&c->ready);
}

void tcp_links_tick(TcpContext *c, uint64_t now_usec) {
        while (tcp_links_deadline(c) <= now_usec)
                tcp_link_reset(LIST_ITEM(list_first(&c->connecting), TcpLink, waiting));
}

uint64_t tcp_links_deadline(const TcpContext *c) {
        if (list_is_empty(&c->connecting))
                return UINT64_MAX;
        return LIST_ITEM(list_first(&c->connecting), TcpLink, waiting)->deadline_usec;
}
