/* SPDX-License-Identifier: MIT */

/* How much of what one peer sends without a pause is received in one turn of the loop, and what
 * another peer has of that turn. Each case prints a line. */

#include "windows-helper/net/stream.h"

#include <stdio.h>

#define PART_MAX  (64 * 1024 + 16 * 1024) /* the receive that passes the bound is whole */
#define SENT      (512 * 1024)            /* as much waits in the system for each peer */
#define DELAY_MS  200                     /* for the system to move it */
#define TURN_USEC UINT64_C(100000)
#define TURNS_MAX 100

typedef struct Peer {
        SOCKET socket; /* its own end */
        Stream *stream;
        size_t n; /* bytes received from it */
        bool ended;
} Peer;

static Loop *loop;
static StreamList list;
static Peer loud, quiet;
static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s: %zu and %zu bytes\n", good ? "ok" : "FAILED", what, loud.n, quiet.n);
        n_failed += !good;
}

static void on_received(Stream *s, const uint8_t *data, size_t n) {
        ((Peer *) stream_userdata(s))->n += n;
}

static void on_ended(Stream *s) {
        ((Peer *) stream_userdata(s))->ended = true;
}

static const StreamEvents events = {.received = on_received, .ended = on_ended};

static bool peer_connect(Peer *p, SOCKET listener) {
        struct sockaddr_in at;
        int size = sizeof(at), room = SENT;
        u_long yes = 1;
        SOCKET end;

        p->socket = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
        (void) setsockopt(p->socket, SOL_SOCKET, SO_SNDBUF, (char *) &room, sizeof(room));
        (void) setsockopt(listener, SOL_SOCKET, SO_RCVBUF, (char *) &room, sizeof(room));
        if (getsockname(listener, (struct sockaddr *) &at, &size) != 0 ||
            connect(p->socket, (struct sockaddr *) &at, size) != 0)
                return false;
        end = accept(listener, NULL, NULL);
        (void) ioctlsocket(p->socket, FIONBIO, &yes);
        return end != INVALID_SOCKET && stream_new(&p->stream, &list, loop, end, &events, p) == 0;
}

static bool connect_all(void) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        SOCKET listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);

        return bind(listener, (struct sockaddr *) &at, sizeof(at)) == 0 &&
               listen(listener, 2) == 0 && peer_connect(&loud, listener) &&
               peer_connect(&quiet, listener);
}

static void send_much(const Peer *p) {
        static const char data[SENT];

        (void) send(p->socket, data, sizeof(data), 0);
        Sleep(DELAY_MS);
}

/* Turns, until so much has been received from the quiet one, and something from the loud one.
 * Returns how much that is. */
static size_t turn(size_t n_quiet) {
        size_t before = loud.n;

        for (unsigned i = 0; i < TURNS_MAX && (quiet.n < n_quiet || loud.n == before); i++)
                loop_turn(loop, loop_now_usec() + TURN_USEC);
        return loud.n - before;
}

static void test_flood(void) {
        size_t n, before;

        send_much(&loud);
        for (size_t i = 1; i <= 3; i++) {
                (void) send(quiet.socket, "1", 1, 0);
                Sleep(DELAY_MS);
                n = turn(i);
                check("a part of it, and what the other one has sent",
                      n > 0 && n <= PART_MAX && quiet.n == i);
                before = loud.n;
                loop_turn(loop, loop_now_usec() + TURN_USEC);
                check("no more before the stream may go on", loud.n == before);
                stream_list_turn(&list);
        }
}

/* A stream that rests is ended. Nothing of it is in flight that could complete. */
static void test_end_at_rest(void) {
        (void) turn(quiet.n); /* it rests again */
        stream_abort(loud.stream);
        check("no event comes from the call", !loud.ended && list.n_streams == 2);
        stream_list_turn(&list);
        check("but before the next turn", loud.ended && list.n_streams == 1);
        stream_abort(quiet.stream);
        for (unsigned i = 0; i < TURNS_MAX && list.n_streams > 0; i++)
                loop_turn(loop, loop_now_usec() + TURN_USEC);
        check("the other one ends by a completion", quiet.ended && list.n_streams == 0);
}

int main(void) {
        WSADATA winsock;

        if (WSAStartup(MAKEWORD(2, 2), &winsock) != 0 || loop_new(&loop) < 0 || !connect_all())
                return 1;
        test_flood();
        test_end_at_rest();
        loop_free(loop);
        (void) WSACleanup();
        return n_failed > 0;
}
