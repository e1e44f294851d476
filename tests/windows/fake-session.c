/* SPDX-License-Identifier: MIT */

/*
 * Two copying directions with one operation each.
 */

#include "tests/windows/fake-session.h"

#include <mswsock.h>
#include <stdint.h>
#include <stdlib.h>
#include <ws2tcpip.h>

#define PUMP_SIZE (32 * 1024)

/* One direction: receive, send all of that, receive again, one operation at a time. */
typedef struct Pump {
        Session *session;
        SOCKET from, to; /* borrowed */
        LoopOp op;
        bool sending;
        DWORD n, sent;
        char data[PUMP_SIZE];
} Pump;

struct Session {
        SessionList *list; /* NULL: cut */
        Session *next, *previous;
        SOCKET client, server; /* owned */
        LoopOp connect_op;
        unsigned n_pending, n_ended;
        bool dead;
        Pump pumps[2];
};

int session_address_size(const SOCKADDR_STORAGE *address) {
        return address->ss_family == AF_INET6 ? (int) sizeof(SOCKADDR_IN6)
                                              : (int) sizeof(SOCKADDR_IN);
}

static void session_unlink(Session *s) {
        if (!s->list)
                return;
        if (s->previous)
                s->previous->next = s->next;
        else
                s->list->first = s->next;
        if (s->next)
                s->next->previous = s->previous;
        s->list = NULL;
}

static void session_kill(Session *s) {
        if (!s->dead) {
                s->dead = true;
                session_unlink(s);
                (void) closesocket(s->client);
                (void) closesocket(s->server);
        }
}

static void session_settle(Session *s) {
        if (s->dead && s->n_pending == 0)
                free(s);
}

static void pump_start(Pump *p) {
        WSABUF buffer = {.len = p->sending ? p->n - p->sent : PUMP_SIZE,
                         .buf = p->data + (p->sending ? p->sent : 0)};
        OVERLAPPED *overlapped = loop_op_prepare(&p->op);
        DWORD flags = 0;
        int r;

        r = p->sending ? WSASend(p->to, &buffer, 1, NULL, 0, overlapped, NULL)
                       : WSARecv(p->from, &buffer, 1, NULL, &flags, overlapped, NULL);
        if (r == SOCKET_ERROR && WSAGetLastError() != WSA_IO_PENDING) {
                session_kill(p->session);
                return;
        }
        p->session->n_pending++;
}

static void pump_on_done(LoopOp *op, DWORD error, DWORD n_bytes) {
        Pump *p = op->userdata;
        Session *s = p->session;

        s->n_pending--;
        if (error != ERROR_SUCCESS) {
                session_kill(s);
        } else if (p->sending) {
                p->sent += n_bytes;
                p->sending = p->sent < p->n;
        } else if (n_bytes == 0) { /* half-closed: pass it on; the other direction stays open */
                (void) shutdown(p->to, SD_SEND);
                if (++s->n_ended == 2)
                        session_kill(s);
                session_settle(s);
                return;
        } else {
                p->n = n_bytes;
                p->sent = 0;
                p->sending = true;
        }
        if (!s->dead)
                pump_start(p);
        session_settle(s);
}

static void session_on_connected(LoopOp *op, DWORD error, DWORD n_bytes) {
        Session *s = op->userdata;

        s->n_pending--;
        if (error != ERROR_SUCCESS || s->dead ||
            setsockopt(s->server, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0) {
                session_kill(s);
        } else {
                pump_start(&s->pumps[0]);
                if (!s->dead)
                        pump_start(&s->pumps[1]);
        }
        session_settle(s);
}

static bool session_connect(Session *s, Loop *loop, const SOCKADDR_STORAGE *target) {
        SOCKADDR_STORAGE any = {.ss_family = target->ss_family};
        GUID id = WSAID_CONNECTEX;
        LPFN_CONNECTEX connect_ex;
        BOOL yes = TRUE;
        DWORD n;

        (void) setsockopt(s->client, IPPROTO_TCP, TCP_NODELAY, (char *) &yes, sizeof(yes));
        (void) setsockopt(s->server, IPPROTO_TCP, TCP_NODELAY, (char *) &yes, sizeof(yes));
        if (loop_attach(loop, (HANDLE) s->client) < 0 ||
            loop_attach(loop, (HANDLE) s->server) < 0 ||
            bind(s->server, (SOCKADDR *) &any, session_address_size(&any)) != 0 ||
            WSAIoctl(s->server, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &connect_ex,
                     sizeof(connect_ex), &n, NULL, NULL) != 0)
                return false;
        if (!connect_ex(s->server, (const SOCKADDR *) target, session_address_size(target), NULL, 0,
                        NULL, loop_op_prepare(&s->connect_op)) &&
            WSAGetLastError() != ERROR_IO_PENDING)
                return false;
        s->n_pending++;
        return true;
}

void session_start(SessionList *list, Loop *loop, SOCKET client, const SOCKADDR_STORAGE *target) {
        Session *s = calloc(1, sizeof(*s));

        if (!s) {
                (void) closesocket(client);
                return;
        }
        s->client = client;
        s->server = WSASocketW(target->ss_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                               WSA_FLAG_OVERLAPPED);
        s->connect_op = (LoopOp){.fn = session_on_connected, .userdata = s};
        for (unsigned i = 0; i < 2; i++) {
                Pump *p = &s->pumps[i];

                p->session = s;
                p->from = i == 0 ? s->client : s->server;
                p->to = i == 0 ? s->server : s->client;
                p->op = (LoopOp){.fn = pump_on_done, .userdata = p};
        }
        s->list = list;
        s->next = list->first;
        if (s->next)
                s->next->previous = s;
        list->first = s;
        if (s->server == INVALID_SOCKET || !session_connect(s, loop, target)) {
                session_kill(s);
                session_settle(s);
        }
}

void session_cut_all(SessionList *list) {
        while (list->first) {
                Session *s = list->first;

                session_kill(s);
                session_settle(s);
        }
}
