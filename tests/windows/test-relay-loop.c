/* SPDX-License-Identifier: MIT */

/*
 * The relay's loop when Windows fails: a post that is refused, a UDP socket that dies, and one for
 * which there is no memory now. And what it asks Windows to keep from its UDP sockets, which Wine
 * reports all the same. Each case prints a line.
 */

#include "windows-helper/relay/udp-endpoint.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX 50
#define STEP_USEC UINT64_C(200000)

static int n_failed, n_refused, n_ran, n_received;
static int next_error; /* of receiving; 0: none */
static UdpContext context;
static LaterList later;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

/* The program calls kernel32 through this pointer, which is ours instead of the library's. While
 * n_refused counts down, there is no memory. */
static BOOL WINAPI fake_post(HANDLE port, DWORD n_bytes, ULONG_PTR key, OVERLAPPED *overlapped) {
        BOOL(WINAPI * post)(HANDLE, DWORD, ULONG_PTR, OVERLAPPED *);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"kernel32"), "PostQueuedCompletionStatus");

        if (n_refused > 0) {
                n_refused--;
                SetLastError(ERROR_NO_SYSTEM_RESOURCES);
                return FALSE;
        }
        memcpy(&post, &real, sizeof(post));
        return post(port, n_bytes, key, overlapped);
}

BOOL(WINAPI *const __imp_PostQueuedCompletionStatus)
(HANDLE, DWORD, ULONG_PTR, OVERLAPPED *) = fake_post;

/* The same for ws2_32. The codes stand here in numbers, because the relay takes the names from the
 * same header. */
#define CONNRESET 0x9800000cU /* SIO_UDP_CONNRESET */
#define NETRESET  0x9800000fU /* SIO_UDP_NETRESET */

static struct {
        SOCKET socket;
        DWORD code;
} switched_off[8];
static unsigned n_switched_off;

static int WSAAPI fake_ioctl(SOCKET s, DWORD code, void *in, DWORD n_in, void *out, DWORD n_out,
                             DWORD *ret_n, OVERLAPPED *overlapped,
                             LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        int(WSAAPI * ask)(SOCKET, DWORD, void *, DWORD, void *, DWORD, DWORD *, OVERLAPPED *,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "WSAIoctl");
        BOOL on = TRUE;

        if (n_in == sizeof(on) && (code == CONNRESET || code == NETRESET))
                memcpy(&on, in, sizeof(on));
        if (!on && n_switched_off < ARRAYSIZE(switched_off)) {
                switched_off[n_switched_off].socket = s;
                switched_off[n_switched_off++].code = code;
        }
        memcpy(&ask, &real, sizeof(ask));
        return ask(s, code, in, n_in, out, n_out, ret_n, overlapped, fn);
}

int(WSAAPI *const __imp_WSAIoctl)(SOCKET, DWORD, void *, DWORD, void *, DWORD, DWORD *,
                                  OVERLAPPED *, LPWSAOVERLAPPED_COMPLETION_ROUTINE) = fake_ioctl;

/* So many calls find that Windows has no memory. */
static unsigned n_short_sends, n_short_waits, n_sends, n_waits;

static int WSAAPI fake_send(SOCKET s, const char *bytes, int n, int flags) {
        int(WSAAPI * ask)(SOCKET, const char *, int, int);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "send");

        n_sends++;
        if (n_short_sends > 0) {
                n_short_sends--;
                WSASetLastError(WSAENOBUFS);
                return SOCKET_ERROR;
        }
        memcpy(&ask, &real, sizeof(ask));
        return ask(s, bytes, n, flags);
}

int(WSAAPI *const __imp_send)(SOCKET, const char *, int, int) = fake_send;

static int WSAAPI fake_wait(SOCKET s, WSABUF *buffers, DWORD n_buffers, DWORD *ret_n, DWORD *flags,
                            WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        int(WSAAPI * ask)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD *, WSAOVERLAPPED *,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "WSARecv");

        n_waits++;
        if (n_short_waits > 0) {
                n_short_waits--;
                WSASetLastError(WSAENOBUFS);
                return SOCKET_ERROR;
        }
        memcpy(&ask, &real, sizeof(ask));
        return ask(s, buffers, n_buffers, ret_n, flags, overlapped, fn);
}

int(WSAAPI *const __imp_WSARecv)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD *, WSAOVERLAPPED *,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE) = fake_wait;

/* Bytes that may wait in the system, as they were asked for since the last time. */
static struct {
        DWORD receive, send;
        unsigned n; /* calls */
} queue;

static int WSAAPI fake_setsockopt(SOCKET s, int level, int name, const char *value, int n) {
        int(WSAAPI * set)(SOCKET, int, int, const char *, int);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "setsockopt");
        DWORD size = 0;

        if (n == sizeof(size))
                memcpy(&size, value, sizeof(size));
        if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF)) {
                queue.n++;
                *(name == SO_RCVBUF ? &queue.receive : &queue.send) = size;
        }
        memcpy(&set, &real, sizeof(set));
        return set(s, level, name, value, n);
}

int(WSAAPI *const __imp_setsockopt)(SOCKET, int, int, const char *, int) = fake_setsockopt;

static bool queues_are(DWORD receive, DWORD send) {
        bool good = queue.receive == receive && queue.send == send;

        memset(&queue, 0, sizeof(queue));
        return good;
}

/* Both codes, of one socket, since the last time. */
static bool icmp_is_off(void) {
        bool good = n_switched_off == 2 && switched_off[0].socket == switched_off[1].socket &&
                    (switched_off[0].code ^ switched_off[1].code) == (CONNRESET ^ NETRESET);

        n_switched_off = 0;
        return good;
}

static void on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        n_ran++;
}

static void test_posts(Loop *loop) {
        LoopOp first = {.fn = on_packet}, second = {.fn = on_packet};

        n_refused = 5;
        loop_post(loop, &first);
        loop_post(loop, &first);
        loop_post(loop, &second);
        check("what is refused does not run", n_ran == 0 && n_refused == 2);
        for (int i = 0; i < STEPS_MAX && n_ran < 2; i++)
                loop_step(loop, loop_now_usec() + STEP_USEC);
        loop_turn(loop, loop_now_usec());
        check("it is posted again, once", n_ran == 2 && n_refused == 0);
        loop_post(loop, &first);
        loop_turn(loop, loop_now_usec() + STEP_USEC);
        check("it can be posted as before", n_ran == 3);
}

static unsigned n_answers;

static INT WSAAPI fake_answer(SOCKET s, WSAMSG *message, DWORD flags, DWORD *ret_n,
                              OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        n_answers++;
        return 0;
}

/* Take a datagram, and fail as Windows may. */
static INT WSAAPI fake_receive(SOCKET s, WSAMSG *message, DWORD *ret_n, OVERLAPPED *overlapped,
                               LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        char byte;

        if (next_error == WSAENOTSOCK)
                (void) closesocket(s);
        else if (recv(s, &byte, 1, 0) < 0)
                return SOCKET_ERROR;
        n_received++;
        WSASetLastError(next_error);
        return SOCKET_ERROR;
}

static void on_trouble(void *userdata) {
        check("the relay is told at once", n_received == 1);
}

/* Send a datagram that is received with @error. Return: whether it was. */
static bool fails_with(SOCKET client, const SocketAddress *to, int error) {
        n_received = 0;
        next_error = error;
        (void) sendto(client, "x", 1, 0, &to->header, sizeof(to->v4));
        for (int i = 0; i < STEPS_MAX && n_received == 0; i++)
                loop_step(context.loop, loop_now_usec() + STEP_USEC);
        return n_received == 1;
}

static void test_dead_door(UdpEndpoint *e, SOCKET client, const SocketAddress *to) {
        check("an ICMP message, too long a datagram: the next one comes",
              fails_with(client, to, WSAECONNRESET) && fails_with(client, to, WSAENETRESET) &&
                      fails_with(client, to, WSAEMSGSIZE) && !udp_endpoint_is_broken(e));
        (void) fails_with(client, to, WSAENOTSOCK);
        for (int i = 0; i < STEPS_MAX && !udp_endpoint_is_broken(e); i++)
                loop_step(context.loop, loop_now_usec() + STEP_USEC);
        check("a dead socket is broken", udp_endpoint_is_broken(e));
}

/* The socket of a session, which is the one towards the guest. */
static void test_link(const RelayEntry *entry) {
        UdpKey key = {.client = {ip_v4(127, 0, 0, 1), .port = 4711}, .asked = ip_v4(127, 0, 0, 1)};
        UdpWay way = {.socket = INVALID_SOCKET};
        UdpLink *l = NULL;
        ListNode siblings;

        list_init(&siblings);
        check("there is a session",
              udp_link_new(&l, &context, &siblings, &key, &way, &entry->connect) == ERROR_SUCCESS);
        check("a session does not hear of ICMP messages", icmp_is_off());
        (void) udp_link_close(l);
}

/* What may wait at an endpoint, and at the socket of a session. */
static void test_queues(const RelayEntry *entry) {
        UdpKey key = {.client = {ip_v4(127, 0, 0, 1), .port = 1}, .asked = ip_v4(127, 0, 0, 1)};
        UdpWay way = {.socket = INVALID_SOCKET};
        UdpEndpoint *e = NULL;
        ListNode siblings;
        UdpLink *l = NULL;
        unsigned n = 0;

        list_init(&siblings);
        (void) queues_are(0, 0);
        context.queue_size = 1 << 20;
        check("an endpoint has room for questions and for answers",
              udp_endpoint_new(&e, &context, entry, false) == ERROR_SUCCESS &&
                      queues_are(1 << 20, 1 << 20));
        context.queue_size = 128 << 10;
        udp_endpoint_resize(e);
        check("also when others share it", queues_are(128 << 10, 128 << 10));
        (void) udp_endpoint_close(e);
        for (; n < 200; n++, key.client.port++) {
                if (udp_link_new(&l, &context, &siblings, &key, &way, &entry->connect) !=
                    ERROR_SUCCESS)
                        break;
                if (n == 0)
                        check("a session has room for a burst while they are few",
                              queues_are(1 << 20, 0));
                if (n == 21)
                        check("one of several has less", queues_are(512 << 10, 0));
                if (n == 199)
                        check("one of many has what Windows gives by itself", queue.n == 0);
                (void) queues_are(0, 0);
        }
        check("they are many", n == 200);
        while (!list_is_empty(&siblings))
                (void) udp_link_close(udp_link_of_sibling(list_first(&siblings)));
        n_switched_off = 0;
        for (int i = 0; i < STEPS_MAX; i++) /* they are freed */
                loop_turn(context.loop, loop_now_usec());
}

static void step_until(const unsigned *n, unsigned least) {
        for (int i = 0; i < STEPS_MAX && *n < least; i++) {
                loop_step(context.loop, min(later.deadline_usec, loop_now_usec() + STEP_USEC));
                later_list_tick(&later, loop_now_usec());
        }
}

/* A session, a datagram of its client, and one of its guest, while there is no memory. */
static void test_shortage(void) {
        UdpKey key = {.client = {ip_v4(127, 0, 0, 1), .port = 4712}, .asked = ip_v4(127, 0, 0, 1)};
        UdpWay way = {.socket = INVALID_SOCKET};
        SOCKET guest = socket(AF_INET, SOCK_DGRAM, 0);
        IpEndpoint connect;
        SocketAddress from = {.v4 = {.sin_family = AF_INET}};
        int size = sizeof(from.v4);
        UdpLink *l = NULL;
        ListNode siblings;
        uint32_t scope;
        char text[4] = "";

        from.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        (void) bind(guest, &from.header, size);
        (void) getsockname(guest, &from.header, &size);
        (void) socket_address_get(&from, &connect, &scope);
        list_init(&siblings);
        n_waits = n_sends = n_answers = 0;
        n_short_waits = 3;
        check("a session begins",
              udp_link_new(&l, &context, &siblings, &key, &way, &connect) == ERROR_SUCCESS);
        n_short_sends = 1;
        udp_link_forward(l, (const uint8_t *) "a", 1);
        check("a datagram that finds no memory is lost, and not sent again", n_sends == 1);
        check("and the session goes on", !list_is_empty(&siblings));
        if (list_is_empty(&siblings))
                return;
        udp_link_forward(l, (const uint8_t *) "b", 1);
        size = sizeof(from);
        check("the guest has the next one",
              recvfrom(guest, text, sizeof(text), 0, &from.header, &size) == 1 && *text == 'b');
        (void) sendto(guest, "c", 1, 0, &from.header, size);
        step_until(&n_answers, 1);
        check("a socket waits again, a while later",
              n_answers == 1 && n_short_waits == 0 && n_waits >= 4);
        n_short_waits = 1;
        (void) sendto(guest, "d", 1, 0, &from.header, size);
        step_until(&n_answers, 2);
        n_waits = 0;
        (void) udp_link_close(l);
        later_list_tick(&later, UINT64_MAX);
        check("but not after its end", n_short_waits == 0 && n_waits == 0);
        (void) closesocket(guest);
}

/* A port of 127.0.0.1 on which nobody listens, and a client. */
static SOCKET client_new(SocketAddress *ret_to) {
        SOCKET server = socket(AF_INET, SOCK_DGRAM, 0);
        int size = sizeof(*ret_to);

        *ret_to = (SocketAddress){
                .v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
        (void) bind(server, &ret_to->header, sizeof(ret_to->v4));
        (void) getsockname(server, &ret_to->header, &size);
        (void) closesocket(server);
        return socket(AF_INET, SOCK_DGRAM, 0);
}

int main(void) {
        static RelayLimits limits;
        HashSecret secret = {0};
        RelayEntry entry = {.connect = {ip_v4(127, 0, 0, 1), .port = 9}};
        SocketCalls calls;
        RelayEntry second = entry;
        UdpEndpoint *e = NULL;
        SocketAddress to;
        SOCKET client;
        uint32_t scope;
        WSADATA wsa;

        (void) WSAStartup(MAKEWORD(2, 2), &wsa);
        if (loop_new(&context.loop) < 0 || socket_calls_load(&calls) < 0)
                return 1;
        test_posts(context.loop);
        calls.receive_message = fake_receive;
        calls.send_message = fake_answer;
        relay_limits_init(&limits);
        later_list_init(&later);
        context.calls = &calls;
        context.later = &later;
        context.troubled = on_trouble;
        udp_sessions_init(&context.sessions, &limits, &secret);
        client = client_new(&to);
        (void) socket_address_get(&to, &second.listen, &scope);
        (void) closesocket(client);
        client = client_new(&to);
        (void) socket_address_get(&to, &entry.listen, &scope);
        check("there is a door", udp_endpoint_new(&e, &context, &entry, false) == ERROR_SUCCESS);
        check("an endpoint does not hear of ICMP messages", icmp_is_off());
        test_link(&entry);
        test_queues(&second);
        test_shortage();
        if (e)
                test_dead_door(e, client, &to);
        (void) closesocket(client);
        return n_failed > 0;
}
