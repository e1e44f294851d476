/* SPDX-License-Identifier: MIT */

/*
 * A forwarder that does nothing but what it must: one thread, one completion port, and for each
 * direction one buffer, which is received and then sent. It is the baseline of the relay in the
 * benchmark and knows nothing of wslbridge. It has no limits, no time-outs and one client for UDP.
 *
 *   bare-loop.exe tcp PORT GUEST GUEST-PORT
 *   bare-loop.exe udp PORT GUEST GUEST-PORT
 */

#include <stdio.h>
#include <stdlib.h>
#include <winsock2.h>

/* After it. */
#include <ws2tcpip.h>

#define CHUNK (256 * 1024) /* as the relay's largest */

/* One direction. The first member, because a completion has only its address. */
typedef struct Pump {
        OVERLAPPED overlapped;
        SOCKET from, to;
        struct Pump *back; /* the other direction */
        DWORD n, n_sent;   /* bytes in .data, and how many of them were sent */
        BOOL sending, ended;
        SOCKADDR_IN sender; /* of a datagram */
        int sender_size;
        char data[CHUNK];
} Pump;

static HANDLE port;

static void give_up(const char *what) {
        (void) fprintf(stderr, "%s: error %d\n", what, WSAGetLastError());
        exit(EXIT_FAILURE);
}

static SOCKADDR_IN address_of(const char *address, const char *number) {
        SOCKADDR_IN in = {.sin_family = AF_INET};

        in.sin_port = htons((USHORT) atoi(number));
        if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
                give_up(address);
        return in;
}

static SOCKET attached(SOCKET s) {
        if (!CreateIoCompletionPort((HANDLE) s, port, 0, 0))
                give_up("CreateIoCompletionPort");
        return s;
}

/* The pumps of both directions. Neither has an operation in flight. */
static Pump *pumps_new(SOCKET one, SOCKET other) {
        Pump *out = calloc(1, sizeof(*out)), *back = calloc(1, sizeof(*back));

        if (!out || !back)
                give_up("calloc");
        out->from = back->to = one;
        out->to = back->from = other;
        out->back = back;
        back->back = out;
        return out;
}

/* --- TCP */

static void stream_end(Pump *p) {
        p->ended = TRUE;
        (void) shutdown(p->to, SD_SEND);
        if (!p->back->ended)
                return;
        (void) closesocket(p->from);
        (void) closesocket(p->to);
        free(p->back);
        free(p);
}

/* Begin the next receive, or the next send of what is left. */
static void stream_go_on(Pump *p) {
        WSABUF part = {.len = p->sending ? p->n - p->n_sent : CHUNK,
                       .buf = p->data + (p->sending ? p->n_sent : 0)};
        DWORD flags = 0;
        int r;

        memset(&p->overlapped, 0, sizeof(p->overlapped));
        if (p->sending)
                r = WSASend(p->to, &part, 1, NULL, 0, &p->overlapped, NULL);
        else
                r = WSARecv(p->from, &part, 1, NULL, &flags, &p->overlapped, NULL);
        if (r != 0 && WSAGetLastError() != WSA_IO_PENDING)
                stream_end(p);
}

static void stream_on_done(Pump *p, BOOL good, DWORD n) {
        if (!good || n == 0) {
                stream_end(p);
                return;
        }
        if (p->sending) {
                p->n_sent += n;
                p->sending = p->n_sent < p->n;
        } else {
                p->n = n;
                p->n_sent = 0;
                p->sending = TRUE;
        }
        stream_go_on(p);
}

/* The other thread: accept and connect. */
static void stream_accept(SOCKET listener, const SOCKADDR_IN *guest) {
        for (;;) {
                SOCKET client = accept(listener, NULL, NULL);
                SOCKET server = WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
                const BOOL on = TRUE;
                Pump *out;

                if (connect(server, (const SOCKADDR *) guest, sizeof(*guest)) != 0)
                        give_up("connect");
                (void) setsockopt(client, IPPROTO_TCP, TCP_NODELAY, (const char *) &on, sizeof(on));
                (void) setsockopt(server, IPPROTO_TCP, TCP_NODELAY, (const char *) &on, sizeof(on));
                out = pumps_new(attached(client), attached(server));
                (void) PostQueuedCompletionStatus(port, 0, 1, &out->overlapped);
        }
}

/* --- UDP */

static void datagram_wait(Pump *p) {
        WSABUF whole = {.len = CHUNK, .buf = p->data};
        DWORD flags = 0;

        memset(&p->overlapped, 0, sizeof(p->overlapped));
        p->sender_size = sizeof(p->sender);
        if (WSARecvFrom(p->from, &whole, 1, NULL, &flags, (SOCKADDR *) &p->sender, &p->sender_size,
                        &p->overlapped, NULL) != 0 &&
            WSAGetLastError() != WSA_IO_PENDING)
                give_up("WSARecvFrom");
}

/* To whoever has sent the last datagram of the other direction. */
static void datagram_on_done(Pump *p, BOOL good, DWORD n) {
        if (good)
                (void) sendto(p->to, p->data, (int) n, 0, (const SOCKADDR *) &p->back->sender,
                              sizeof(p->back->sender));
        datagram_wait(p);
}

/* --- both */

static DWORD WINAPI move_bytes(void *udp) {
        for (;;) {
                OVERLAPPED *overlapped = NULL;
                DWORD n = 0;
                ULONG_PTR key;
                BOOL good = GetQueuedCompletionStatus(port, &n, &key, &overlapped, INFINITE);
                Pump *p = (Pump *) overlapped;

                if (!p)
                        return 1;
                if (udp) {
                        datagram_on_done(p, good, n);
                } else if (key) {
                        Pump *back = p->back;

                        stream_go_on(p);
                        stream_go_on(back);
                } else {
                        stream_on_done(p, good, n);
                }
        }
}

int main(int argc, char **argv) {
        WSADATA wsa;
        SOCKADDR_IN here, guest;
        BOOL udp;
        SOCKET s;

        if (argc != 5 || WSAStartup(MAKEWORD(2, 2), &wsa) != 0)
                return EXIT_FAILURE;
        udp = strcmp(argv[1], "udp") == 0;
        here = address_of("0.0.0.0", argv[2]);
        guest = address_of(argv[3], argv[4]);
        port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
        s = WSASocketW(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
        if (bind(s, (const SOCKADDR *) &here, sizeof(here)) != 0)
                give_up("bind");
        if (udp) {
                const int size = 1 << 20;
                SOCKET server = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
                SOCKADDR_IN any = {.sin_family = AF_INET};
                Pump *out = pumps_new(attached(s), attached(server));

                (void) setsockopt(s, SOL_SOCKET, SO_RCVBUF, (const char *) &size, sizeof(size));
                if (bind(server, (const SOCKADDR *) &any, sizeof(any)) != 0)
                        give_up("bind");
                out->back->sender = guest;
                datagram_wait(out->back);
                datagram_wait(out);
                move_bytes((void *) 1);
        }
        if (listen(s, 200) != 0 || !CreateThread(NULL, 0, move_bytes, NULL, 0, NULL))
                give_up("listen");
        stream_accept(s, &guest);
        return EXIT_SUCCESS;
}
