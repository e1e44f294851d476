/* SPDX-License-Identifier: MIT */

/*
 * From which address an answer leaves. The relay says it in a control message, which Wine ignores
 * (fact 10.1.14). So what the relay gives to Winsock is caught and compared with what Windows
 * expects. Windows may refuse it, which Wine never does (fact 9.3.19). Each case prints a line.
 */

#include "windows-helper/relay/udp-endpoint.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX    50
#define STEP_USEC    UINT64_C(200000)
#define CLIENT_PORT  4711
#define INTERFACE    12 /* of the host, in which datagrams come in */
#define LINK         7  /* that of a link-local client */
#define CONTROL_ROOM 64

typedef struct Case {
        const char *what, *listen, *asked, *client;
        uint32_t scope; /* of the client's address; also the interface that the answer names */
        bool names;     /* the answer says from which address it is to leave */
} Case;

static const Case cases[] = {
        {"IPv4, the first address", "0.0.0.0", "192.168.50.1", "192.168.50.2", 0, true},
        {"IPv4, the second address", "0.0.0.0", "192.168.50.9", "192.168.50.2", 0, true},
        {"IPv4, another network", "0.0.0.0", "192.168.51.1", "192.168.50.2", 0, true},
        {"IPv4, a socket of one address", "127.0.0.1", "127.0.0.1", "192.168.50.2", 0, false},
        {"IPv6, the first address", "::", "fd50::1", "fd50::2", 0, true},
        {"IPv6, the second address", "::", "fd50::9", "fd50::2", 0, true},
        {"IPv6, another network", "::", "fd51::1", "fd50::2", 0, true},
        {"IPv6, link-local", "::", "fe80::1", "fe80::2", LINK, true},
        {"IPv6, a socket of one address", "::1", "::1", "fd50::2", 0, false},
};

/* What the relay asks Winsock to send, the last time. */
typedef struct Sent {
        unsigned n; /* attempts */
        SOCKET socket;
        SocketAddress to;
        int to_size;
        uint8_t control[CONTROL_ROOM];
        size_t n_control;
        char text[16];
} Sent;

static UdpContext context;
static LaterList later;
static Sent sent;
static SOCKET door; /* on which the datagram came in */
static const Case *now;
static int refusal; /* of every answer that names an address; 0: none */
static int n_failed;

static void check(const Case *c, const char *what, bool good) {
        printf("%s %s: %s\n", good ? "ok" : "FAILED", c->what, what);
        n_failed += !good;
}

static IpAddr address_of(const char *text) {
        IpAddr addr = {0};

        (void) ip_parse(text, &addr);
        return addr;
}

/* A control message as 64-bit Windows lays it out (fact 9.3.14), in numbers, because the relay
 * takes the same names from the same header. Return: its size with the padding. */
static size_t control_by_hand(uint8_t ret_bytes[CONTROL_ROOM], const char *asked,
                              uint32_t interface_) {
        IpAddr addr = address_of(asked);
        size_t n = addr.family == IP_FAMILY_V6 ? 16 : 4;
        uint64_t length = 16 + n + 4;
        int32_t level = addr.family == IP_FAMILY_V6 ? 41 : 0, type = 19;

        memset(ret_bytes, 0, CONTROL_ROOM);
        memcpy(ret_bytes, &length, 8);
        memcpy(ret_bytes + 8, &level, 4);
        memcpy(ret_bytes + 12, &type, 4);
        memcpy(ret_bytes + 16, addr.bytes, n);
        memcpy(ret_bytes + 16 + n, &interface_, 4);
        return (length + 7) & ~UINT64_C(7);
}

/* Take a datagram, which came from the case's client to the address that it asked. */
static INT WSAAPI fake_receive(SOCKET s, WSAMSG *message, DWORD *ret_n, OVERLAPPED *overlapped,
                               LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        IpEndpoint client = {address_of(now->client), .port = CLIENT_PORT};
        int n = recv(s, message->lpBuffers->buf, (int) message->lpBuffers->len, 0);

        if (n < 0)
                return SOCKET_ERROR;
        door = s;
        message->namelen = socket_address_set((SocketAddress *) message->name, &client, now->scope);
        message->Control.len =
                (ULONG) control_by_hand((uint8_t *) message->Control.buf, now->asked, INTERFACE);
        *ret_n = (DWORD) n;
        return 0;
}

static INT WSAAPI fake_send(SOCKET s, WSAMSG *message, DWORD flags, DWORD *ret_n,
                            OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        sent = (Sent){.n = sent.n + 1,
                      .socket = s,
                      .to_size = message->namelen,
                      .n_control = message->Control.len};
        memcpy(&sent.to, message->name, min((size_t) message->namelen, sizeof(sent.to)));
        memcpy(sent.control, message->Control.buf, min(sent.n_control, sizeof(sent.control)));
        memcpy(sent.text, message->lpBuffers->buf,
               min((size_t) message->lpBuffers->len, sizeof(sent.text) - 1));
        *ret_n = message->lpBuffers->len;
        WSASetLastError(refusal);
        return refusal != 0 && (message->Control.len > 0 || !now->names) ? SOCKET_ERROR : 0;
}

static void on_trouble(void *userdata) {
        printf("FAILED an endpoint is broken\n");
        n_failed++;
}

/* A socket of this machine, and where it is. */
static SOCKET socket_on(const char *text, IpEndpoint *ret_endpoint) {
        SOCKET s = socket(*text == ':' ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
        IpEndpoint any = {address_of(text), .port = 0};
        SocketAddress address;
        int size = socket_address_set(&address, &any, 0);
        u_long on = 1;
        uint32_t scope;

        (void) bind(s, &address.header, size);
        (void) getsockname(s, &address.header, &size);
        (void) ioctlsocket(s, FIONBIO, &on);
        (void) socket_address_get(&address, ret_endpoint, &scope);
        return s;
}

/* One datagram from the case's client, which the service answers. Return: whether it came so far.
 */
static bool ask(SOCKET service, const IpEndpoint *listen) {
        const char *here = listen->addr.family == IP_FAMILY_V6 ? "::1" : "127.0.0.1";
        IpEndpoint to = {address_of(here), .port = listen->port}, any;
        SOCKET client = socket_on(here, &any);
        SocketAddress address;
        int size = socket_address_set(&address, &to, 0), n = -1;
        char text[16];

        sent = (Sent){0};
        (void) sendto(client, "question", 8, 0, &address.header, size);
        for (int i = 0; i < STEPS_MAX && n < 0; i++) {
                loop_step(context.loop, loop_now_usec() + STEP_USEC);
                size = sizeof(address);
                n = recvfrom(service, text, sizeof(text), 0, &address.header, &size);
        }
        (void) closesocket(client);
        if (n != 8)
                return false;
        (void) sendto(service, "answer", 6, 0, &address.header, size);
        for (int i = 0; i < STEPS_MAX && sent.n == 0; i++)
                loop_step(context.loop, loop_now_usec() + STEP_USEC);
        return sent.n > 0 && strcmp(sent.text, "answer") == 0;
}

/* The same, with an endpoint of its own. */
static bool is_answered(const Case *c, SOCKET service, const IpEndpoint *connect) {
        RelayEntry entry = {.connect = *connect};
        UdpEndpoint *e = NULL;
        bool good;

        now = c;
        (void) closesocket(socket_on(c->listen, &entry.listen)); /* for its port */
        good = udp_endpoint_new(&e, &context, &entry, false) == ERROR_SUCCESS &&
               ask(service, &entry.listen);
        (void) udp_endpoint_close(e);
        return good;
}

/* Whether the last one went to the case's client, by the socket that this one asked. */
static bool is_to_client(const Case *c) {
        IpEndpoint client = {address_of(c->client), .port = CLIENT_PORT};
        SocketAddress to;
        int size = socket_address_set(&to, &client, c->scope);

        return sent.socket == door && sent.to_size == size &&
               memcmp(&sent.to, &to, (size_t) size) == 0;
}

static void test_answer(const Case *c, SOCKET service, const IpEndpoint *connect) {
        uint8_t control[CONTROL_ROOM] = {0};
        size_t n = c->names ? control_by_hand(control, c->asked, c->scope) : 0;

        check(c, "an answer", is_answered(c, service, connect) && sent.n == 1);
        check(c, "from the address that was asked",
              sent.n_control == n && memcmp(sent.control, control, sizeof(control)) == 0);
        check(c, "to the client, by the socket that it asked", is_to_client(c));
}

/* Windows chooses the address, instead of the answer being lost. */
static void test_refusal(const Case *c, SOCKET service, const IpEndpoint *connect) {
        refusal = WSAEWOULDBLOCK;
        check(c, "not sent again at once when the queue is full",
              is_answered(c, service, connect) && sent.n == 1 && !context.source_refused);
        refusal = WSAENOBUFS;
        check(c, "nor when Windows has no memory, which says nothing of the address",
              is_answered(c, service, connect) && sent.n == 1 && !context.source_refused);
        refusal = WSAEINVAL;
        check(c, "sent again when the address is refused, if there was one",
              is_answered(c, service, connect) && sent.n == (c->names ? 2 : 1) &&
                      sent.n_control == 0 && is_to_client(c) && context.source_refused == c->names);
        refusal = 0;
        context.source_refused = false;
}

int main(void) {
        static RelayLimits limits;
        HashSecret secret = {0};
        IpEndpoint connect;
        SocketCalls calls;
        SOCKET service;
        WSADATA wsa;

        (void) WSAStartup(MAKEWORD(2, 2), &wsa);
        if (loop_new(&context.loop) < 0 || socket_calls_load(&calls) < 0)
                return 1;
        calls.receive_message = fake_receive;
        calls.send_message = fake_send;
        relay_limits_init(&limits);
        later_list_init(&later);
        context.calls = &calls;
        context.later = &later;
        context.troubled = on_trouble;
        udp_sessions_init(&context.sessions, &limits, &secret);
        service = socket_on("127.0.0.1", &connect);
        for (size_t i = 0; i < ARRAYSIZE(cases); i++) {
                test_answer(&cases[i], service, &connect);
                test_refusal(&cases[i], service, &connect);
        }
        (void) closesocket(service);
        return n_failed > 0;
}
