/* SPDX-License-Identifier: MIT */

/*
 * The relay's port when AcceptEx fails as it does on Windows for a client that has left before it
 * was accepted (fact 9.3.20), and when the listening socket is dead. Wine has another error for
 * such a client (fact 10.1.21), and no dead socket, so the errors come from here. The same for a
 * connection for which Windows has no memory. And which options the sockets of a connection have.
 * Each case prints a line.
 */

#include "windows-helper/relay/tcp-endpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 50
#define STEP_USEC UINT64_C(200000)

static TcpContext context;
static LaterList later;
static SocketCalls calls;
static LPFN_ACCEPTEX real_accept;
static unsigned n_errors; /* so many operations fail at once … */
static DWORD next_error;  /* … with this */
static unsigned n_troubles;
static bool delays;      /* no operation is started … */
static LoopOp *last_one; /* … and this was the last one */
static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static BOOL WINAPI fake_accept(SOCKET listener, SOCKET s, void *buffer, DWORD n_data, DWORD n_local,
                               DWORD n_remote, DWORD *ret_n, OVERLAPPED *o) {
        if (delays) {
                last_one = (LoopOp *) (void *) ((char *) o - offsetof(LoopOp, overlapped));
                WSASetLastError(WSA_IO_PENDING);
                return FALSE;
        }
        if (n_errors == 0)
                return real_accept(listener, s, buffer, n_data, n_local, n_remote, ret_n, o);
        n_errors--;
        WSASetLastError(next_error);
        return FALSE;
}

/* The program calls ws2_32 through this pointer, which is ours instead of the library's. The
 * numbers are those of TCP_NODELAY and SO_KEEPALIVE. */
static SOCKET without_delay[2], kept_alive[2];
static unsigned n_without_delay, n_kept_alive;

static int WSAAPI fake_setsockopt(SOCKET s, int level, int name, const char *value, int n) {
        int(WSAAPI * set)(SOCKET, int, int, const char *, int);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "setsockopt");
        DWORD on = 0;

        if (n == sizeof(on))
                memcpy(&on, value, sizeof(on));
        if (on && level == 6 && name == 1 && n_without_delay < ARRAYSIZE(without_delay))
                without_delay[n_without_delay++] = s;
        if (on && level == 0xffff && name == 8 && n_kept_alive < ARRAYSIZE(kept_alive))
                kept_alive[n_kept_alive++] = s;
        memcpy(&set, &real, sizeof(set));
        return set(s, level, name, value, n);
}

int(WSAAPI *const __imp_setsockopt)(SOCKET, int, int, const char *, int) = fake_setsockopt;

static int last_backlog;

static int WSAAPI fake_listen(SOCKET s, int backlog) {
        int(WSAAPI * start)(SOCKET, int);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "listen");

        last_backlog = backlog;
        memcpy(&start, &real, sizeof(start));
        return start(s, backlog);
}

int(WSAAPI *const __imp_listen)(SOCKET, int) = fake_listen;

/* So many calls of the relay find that Windows has no memory. */
static unsigned n_short_sends, n_short_queues, n_short_waits;
static SOCKET spared = INVALID_SOCKET; /* the client's, for which there is some */

static bool is_short(SOCKET s, unsigned *n) {
        if (s == spared || *n == 0)
                return false;
        --*n;
        WSASetLastError(WSAENOBUFS);
        return true;
}

static int WSAAPI fake_send(SOCKET s, const char *bytes, int n, int flags) {
        int(WSAAPI * ask)(SOCKET, const char *, int, int);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "send");

        memcpy(&ask, &real, sizeof(ask));
        return is_short(s, &n_short_sends) ? SOCKET_ERROR : ask(s, bytes, n, flags);
}

static int WSAAPI fake_queue(SOCKET s, WSABUF *buffers, DWORD n_buffers, DWORD *ret_n, DWORD flags,
                             WSAOVERLAPPED *o, LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        int(WSAAPI * ask)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD, WSAOVERLAPPED *,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "WSASend");

        memcpy(&ask, &real, sizeof(ask));
        return is_short(s, &n_short_queues) ? SOCKET_ERROR
                                            : ask(s, buffers, n_buffers, ret_n, flags, o, fn);
}

static int WSAAPI fake_wait(SOCKET s, WSABUF *buffers, DWORD n_buffers, DWORD *ret_n, DWORD *flags,
                            WSAOVERLAPPED *o, LPWSAOVERLAPPED_COMPLETION_ROUTINE fn) {
        int(WSAAPI * ask)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD *, WSAOVERLAPPED *,
                          LPWSAOVERLAPPED_COMPLETION_ROUTINE);
        FARPROC real = GetProcAddress(GetModuleHandleW(L"ws2_32"), "WSARecv");

        memcpy(&ask, &real, sizeof(ask));
        return is_short(s, &n_short_waits) ? SOCKET_ERROR
                                           : ask(s, buffers, n_buffers, ret_n, flags, o, fn);
}

int(WSAAPI *const __imp_send)(SOCKET, const char *, int, int) = fake_send;
int(WSAAPI *const __imp_WSASend)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD, WSAOVERLAPPED *,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE) = fake_queue;
int(WSAAPI *const __imp_WSARecv)(SOCKET, WSABUF *, DWORD, DWORD *, DWORD *, WSAOVERLAPPED *,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE) = fake_wait;

static void on_trouble(void *userdata) {
        n_troubles++;
}

static void fail_next(DWORD error, unsigned n) {
        next_error = error;
        n_errors = n;
        n_troubles = 0;
}

/* A socket that listens on a port of 127.0.0.1. */
static SOCKET listening_socket(IpEndpoint *ret_endpoint) {
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        IpEndpoint any = {ip_v4(127, 0, 0, 1), .port = 0};
        SocketAddress address;
        int size = socket_address_set(&address, &any, 0);
        uint32_t scope;

        (void) bind(s, &address.header, size);
        (void) listen(s, 10);
        (void) getsockname(s, &address.header, &size);
        (void) socket_address_get(&address, ret_endpoint, &scope);
        return s;
}

static SOCKET client_of(const IpEndpoint *to) {
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        SocketAddress address;
        int size = socket_address_set(&address, to, 0);

        (void) connect(s, &address.header, size);
        return s;
}

static void step(void) {
        loop_step(context.loop, min(later.deadline_usec, loop_now_usec() + STEP_USEC));
        later_list_tick(&later, loop_now_usec());
}

/* Whether @client's byte comes out of a socket of the guest's. */
static bool is_carried(SOCKET client, SOCKET guest, SOCKET *ret_served) {
        u_long on = 1;
        char byte;

        (void) ioctlsocket(guest, FIONBIO, &on);
        (void) send(client, "x", 1, 0);
        for (int i = 0; i < STEPS_MAX; i++) {
                step();
                if (*ret_served == INVALID_SOCKET)
                        *ret_served = accept(guest, NULL, NULL);
                if (*ret_served == INVALID_SOCKET)
                        continue;
                (void) ioctlsocket(*ret_served, FIONBIO, &on);
                if (recv(*ret_served, &byte, 1, 0) == 1)
                        return byte == 'x';
        }
        return false;
}

static bool serves_another(const IpEndpoint *to, SOCKET guest) {
        SOCKET client = client_of(to), served = INVALID_SOCKET;
        bool good = is_carried(client, guest, &served);

        (void) closesocket(client);
        (void) closesocket(served);
        for (int i = 0; i < STEPS_MAX && context.n_links > 1; i++)
                loop_step(context.loop, loop_now_usec() + STEP_USEC);
        return good;
}

/* A negative number is that of SOMAXCONN_HINT(). */
static void test_listening(void) {
        check("with room for more clients than Windows gives by itself", last_backlog == -1024);
}

/* The client's socket and the guest's, whichever comes first. */
static void test_options(const IpEndpoint *to, SOCKET guest) {
        check("a connection", serves_another(to, guest));
        check("both its sockets send at once",
              n_without_delay == 2 && without_delay[0] != without_delay[1]);
        check("and find an end that has vanished",
              n_kept_alive == 2 && memcmp(kept_alive, without_delay, sizeof(kept_alive)) == 0);
}

/* Bytes wait for memory, and the connection goes on. */
static void test_shortage(TcpEndpoint *e, const RelayEntry *entry, SOCKET guest) {
        SOCKET client = client_of(&entry->listen), served = INVALID_SOCKET;

        spared = client;
        n_short_waits = 2; /* one for each side */
        check("it waits for its ends, a while later",
              is_carried(client, guest, &served) && n_short_waits == 0);
        n_short_sends = n_short_queues = 1;
        check("what finds no memory is sent later", is_carried(client, guest, &served));
        n_short_sends = 1;
        n_short_queues = 3;
        check("also when there is none for long", is_carried(client, guest, &served));
        check("and there was none", n_short_sends == 0 && n_short_queues == 0);
        n_short_sends = 1;
        n_short_queues = 1000;
        (void) send(client, "x", 1, 0);
        for (int i = 0; i < 5; i++)
                step();
        check("while it stays like that, the byte waits", context.n_held == 1);
        check("and the relay, too", n_short_queues >= 990 && n_short_queues < 1000);
        tcp_endpoint_move(e, entry);
        for (int i = 0; i < STEPS_MAX && context.n_links > 0; i++)
                step();
        n_short_queues = 1000;
        later_list_tick(&later, UINT64_MAX - 1);
        check("a connection that ends meanwhile is forgotten",
              context.n_links == 0 && context.n_held == 0 && n_short_queues == 1000);
        n_short_queues = 0;
        (void) closesocket(served);
        (void) closesocket(client);
        spared = INVALID_SOCKET;
}

static void test_clients_that_left(TcpEndpoint *e, const IpEndpoint *to, SOCKET guest) {
        static const DWORD errors[] = {WSAECONNRESET, WSAECONNABORTED, ERROR_NETNAME_DELETED};

        for (size_t i = 0; i < ARRAYSIZE(errors); i++) {
                fail_next(errors[i], 1000);
                /* The two operations in flight are for these; then those fail that follow. */
                check("others are served behind clients that left",
                      serves_another(to, guest) && serves_another(to, guest) &&
                              serves_another(to, guest));
                check("they have been seen", n_errors == 0);
                check("they are no trouble", n_troubles == 0 && !tcp_endpoint_is_broken(e));
        }
        fail_next(WSAECONNRESET, 5000);
        (void) serves_another(to, guest);
        (void) serves_another(to, guest);
        check("after very many it is the turn of others", n_troubles > 0 && n_errors > 0);
        check("and the socket counts as good", !tcp_endpoint_is_broken(e));
        n_errors = 0;
        tcp_endpoints_resume(&context);
        check("it goes on later", serves_another(to, guest));
}

/* As the loop would: the last operation completes, again and again. */
static void complete(const TcpEndpoint *e, unsigned n, DWORD error) {
        for (unsigned i = 0; i < n && !tcp_endpoint_is_broken(e); i++)
                last_one->fn(last_one, error, 0);
}

static void test_completions(TcpEndpoint *e, const IpEndpoint *to, SOCKET guest) {
        delays = true;
        (void) serves_another(to, guest); /* both that are in flight end, and what follows waits */
        (void) serves_another(to, guest);
        complete(e, 1000, ERROR_NETNAME_DELETED);
        complete(e, 1000, ERROR_CONNECTION_ABORTED);
        check("clients that leave later are no failures either", !tcp_endpoint_is_broken(e));
        complete(e, 1000000, ERROR_NETNAME_DELETED);
        check("but if it says so of all for ever, the socket is dead", tcp_endpoint_is_broken(e));
        delays = false;
        check("it listens anew", tcp_endpoint_reopen(e) == ERROR_SUCCESS);
        delays = true;
        (void) serves_another(to, guest);
        (void) serves_another(to, guest);
        complete(e, 1000, ERROR_UNEXP_NET_ERR);
        check("other failures are", tcp_endpoint_is_broken(e));
        delays = false;
        check("it listens anew after them",
              tcp_endpoint_reopen(e) == ERROR_SUCCESS && !tcp_endpoint_is_broken(e));
}

static void test_dead_listener(TcpEndpoint *e, const IpEndpoint *to, SOCKET guest) {
        SOCKET client = client_of(to), served = INVALID_SOCKET;

        check("there is a connection", is_carried(client, guest, &served));
        fail_next(WSAENOTSOCK, 2);
        (void) serves_another(to, guest);
        (void) serves_another(to, guest);
        check("a dead socket is broken", tcp_endpoint_is_broken(e) && n_troubles > 0);
        n_errors = 0;
        check("it listens anew", tcp_endpoint_reopen(e) == ERROR_SUCCESS);
        check("others are served", serves_another(to, guest));
        check("and the connection has gone on", is_carried(client, guest, &served));
        (void) closesocket(client);
        (void) closesocket(served);
}

int main(void) {
        static RelayLimits limits;
        HashSecret secret = {{0}};
        RelayEntry entry = {0};
        TcpEndpoint *e = NULL;
        SOCKET guest;
        WSADATA wsa;

        (void) WSAStartup(MAKEWORD(2, 2), &wsa);
        if (loop_new(&context.loop) < 0 || socket_calls_load(&calls) < 0)
                return 1;
        real_accept = calls.accept;
        calls.accept = fake_accept;
        relay_limits_init(&limits);
        later_list_init(&later);
        context.calls = &calls;
        context.later = &later;
        context.limits = &limits;
        context.peers = peer_tables(&secret);
        context.troubled = on_trouble;
        tcp_links_init(&context);
        guest = listening_socket(&entry.connect);
        (void) closesocket(listening_socket(&entry.listen)); /* for its port */
        check("it listens", tcp_endpoint_new(&e, &context, &entry) == ERROR_SUCCESS);
        if (e) {
                test_listening();
                test_options(&entry.listen, guest);
                test_shortage(e, &entry, guest);
                test_clients_that_left(e, &entry.listen, guest);
                test_dead_listener(e, &entry.listen, guest);
                test_completions(e, &entry.listen, guest);
        }
        return n_failed > 0;
}
