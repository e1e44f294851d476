/* SPDX-License-Identifier: MIT */

/*
 * The helper's calls to Hyper-V sockets, one by one. A recorder takes the place of Winsock, because
 * Wine has no such sockets. Each case prints a line, and a failed case also what was recorded.
 */

#include "windows-helper/net/listener.h"
#include "windows-helper/net/socket-api.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM "3b1c2c50-1234-5678-9abc-def012345678"

static char record[4096];
static int next_socket, fail_call, fail_error, n_failed;
static LoopOp *pending; /* the AcceptEx() in flight */
static uint8_t peer_address[36];
static int peer_size;
static Peer accepted;
static unsigned n_accepted;

static void note(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

static void note(const char *format, ...) {
        size_t n = strlen(record);
        va_list args;

        va_start(args, format);
        (void) vsnprintf(record + n, sizeof(record) - n, format, args);
        va_end(args);
}

/* The calls, in the order of their numbers. */
enum { SOCKET_CALL = 1, OPTION_CALL, BIND_CALL, LISTEN_CALL, LOAD_CALL, ACCEPT_CALL };

static bool fails(int call) {
        return call == fail_call;
}

static SOCKET WSAAPI fake_socket(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info,
                                 GROUP group, DWORD flags) {
        note("socket(%d,%d,%d,%s) ", family, type, protocol,
             flags & WSA_FLAG_OVERLAPPED ? "overlapped" : "-");
        return fails(SOCKET_CALL) ? INVALID_SOCKET : (SOCKET) (100 + next_socket++);
}

static int WSAAPI fake_setsockopt(SOCKET s, int level, int name, const char *value, int size) {
        ULONG number = 0;

        if (size == sizeof(number))
                memcpy(&number, value, sizeof(number));
        if (level == SOL_SOCKET)
                note("update(%d) ", (int) s);
        else
                note("option(%d,%d,%d,%lu,%d) ", (int) s, level, name, number, size);
        return fails(OPTION_CALL) ? SOCKET_ERROR : 0;
}

static int WSAAPI fake_bind(SOCKET s, const SOCKADDR *address, int size) {
        note("bind(%d,", (int) s);
        for (int i = 0; i < size; i++)
                note("%02x", ((const uint8_t *) address)[i]);
        note(") ");
        return fails(BIND_CALL) ? SOCKET_ERROR : 0;
}

static int WSAAPI fake_listen(SOCKET s, int backlog) {
        note("listen(%d) ", (int) s);
        return fails(LISTEN_CALL) ? SOCKET_ERROR : 0;
}

static int WSAAPI fake_getsockname(SOCKET s, SOCKADDR *address, int *size) {
        return SOCKET_ERROR; /* need not be supported (fact 1.3.4) */
}

static int WSAAPI fake_closesocket(SOCKET s) {
        note("close(%d) ", (int) s);
        return 0;
}

static int WSAAPI fake_last_error(void) {
        return fail_error;
}

static BOOL WINAPI fake_accept(SOCKET listener, SOCKET s, void *buffer, DWORD data, DWORD local,
                               DWORD remote, DWORD *ret_n, OVERLAPPED *overlapped) {
        note("accept(%d,%d,%lu,%lu) ", (int) listener, (int) s, local, remote);
        if (fails(ACCEPT_CALL))
                return FALSE;
        pending = (LoopOp *) overlapped;
        return TRUE;
}

static void WINAPI fake_addresses(void *buffer, DWORD data, DWORD n_local, DWORD n_remote,
                                  SOCKADDR **local, int *local_size, SOCKADDR **remote,
                                  int *remote_size) {
        *remote = (SOCKADDR *) peer_address;
        *remote_size = peer_size;
}

static int fake_load(SOCKET s, LPFN_ACCEPTEX *ret_accept,
                     LPFN_GETACCEPTEXSOCKADDRS *ret_addresses) {
        *ret_accept = fake_accept;
        *ret_addresses = fake_addresses;
        return fails(LOAD_CALL) ? fail_error : 0;
}

static int fake_attach(void *loop, SOCKET s) {
        note("attach(%d) ", (int) s);
        return 0;
}

static const SocketApi fake = {
        fake_socket,      fake_setsockopt, fake_bind, fake_listen, fake_getsockname,
        fake_closesocket, fake_last_error, fake_load, fake_attach,
};

static void on_accepted(void *userdata, SOCKET socket, const Peer *peer) {
        note("accepted(%d) ", (int) socket);
        accepted = *peer;
        n_accepted++;
}

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        if (!good) {
                printf("  recorded: %s\n", record);
                n_failed++;
        }
}

static int open_listener(Listener **ret, const char *vm, DWORD *ret_error) {
        TransportAddress address;
        Peer peer = {.wsl = true};

        record[0] = '\0';
        next_socket = 0;
        pending = NULL;
        if (vm && vm_id_parse(vm, &peer.vm) < 0)
                return -1;
        (void) transport_hyperv.vm_address(&peer.vm, &address);
        return listener_new(ret, NULL, &transport_hyperv, &address, &peer, on_accepted, NULL,
                            ret_error);
}

/* Family 34, reserved, VM id, service. In memory, the first three parts of a GUID are
 * little-endian. */
#define ADDRESS(vm) "22000000" vm "424c5357cbfae611bd5864006a7986d3"
#define VM_BYTES    "502c1c3b341278569abcdef012345678"
#define ANY_BYTES   "00000000000000000000000000000000"
#define OPTION(s)   "option(" s ",1,4,1,4) "
#define SOCKET_HV   "socket(34,1,1,overlapped) "

static void test_order(void) {
        Listener *l = NULL;
        DWORD error = 0;

        check("one VM: it listens", open_listener(&l, VM, &error) == 0);
        check("one VM: calls, their order, and the 36 bytes of the address",
              strcmp(record, SOCKET_HV OPTION("100") "bind(100," ADDRESS(
                                     VM_BYTES) ") listen(100) "
                                               "attach(100) " SOCKET_HV OPTION(
                                                       "101") "accept(100,101,144,144) ") == 0);
        listener_close(l);
        if (pending)
                pending->fn(pending, ERROR_OPERATION_ABORTED, 0);
        check("one VM: both sockets are closed", strstr(record, "close(100) close(101) ") != NULL);
        check("any VM: it listens", open_listener(&l, NULL, &error) == 0);
        check("any VM: the wildcard is all zero",
              strstr(record, "bind(100," ADDRESS(ANY_BYTES) ") ") != NULL);
        listener_close(l);
        if (pending)
                pending->fn(pending, ERROR_OPERATION_ABORTED, 0);
}

static void set_peer(uint8_t family, const char *vm, uint32_t port, uint8_t last) {
        static const uint8_t service[] = {0xcb, 0xfa, 0xe6, 0x11, 0xbd, 0x58,
                                          0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3};
        VmId id;

        memset(peer_address, 0, sizeof(peer_address));
        peer_address[0] = family;
        (void) vm_id_parse(vm, &id);
        for (int i = 0; i < 16; i++) {
                static const int turned[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

                peer_address[4 + i] = id.bytes[turned[i]];
        }
        for (int i = 0; i < 4; i++)
                peer_address[20 + i] = (uint8_t) (port >> 8 * i);
        memcpy(peer_address + 24, service, sizeof(service));
        peer_address[35] = last;
        peer_size = sizeof(peer_address);
}

#define OTHER "11111111-2222-3333-4444-555555555555"

static void test_peers(void) {
        Listener *l = NULL;
        DWORD error = 0;
        VmId vm, other;

        (void) vm_id_parse(VM, &vm);
        (void) vm_id_parse(OTHER, &other);
        (void) open_listener(&l, VM, &error);
        set_peer(34, VM, 1001, 0xd3);
        pending->fn(pending, ERROR_SUCCESS, 0);
        check("a peer: its port is known, the new socket is completed and the next one accepts",
              n_accepted == 1 && accepted.source_known && accepted.source == 1001 &&
                      vm_id_equal(&accepted.vm, &vm) && accepted.wsl &&
                      strstr(record, "update(101) accepted(101) " SOCKET_HV OPTION(
                                             "102") "accept(100,102,144,144) ") != NULL);
        set_peer(34, OTHER, 70000, 0xd3);
        pending->fn(pending, ERROR_SUCCESS, 0);
        check("a peer that tells another VM: the listener's counts",
              n_accepted == 2 && vm_id_equal(&accepted.vm, &vm) && accepted.source == 70000);
        set_peer(34, VM, 1001, 0xd4);
        pending->fn(pending, ERROR_SUCCESS, 0);
        check("a service that is not a vsock port: the port is not known",
              n_accepted == 3 && !accepted.source_known);
        peer_size = 16;
        pending->fn(pending, ERROR_SUCCESS, 0);
        check("an address too short: the port is not known",
              n_accepted == 4 && !accepted.source_known);
        pending->fn(pending, ERROR_NETNAME_DELETED, 0);
        check("a peer that has gone: the next one accepts", n_accepted == 4 && pending);
        listener_close(l);
        pending->fn(pending, ERROR_OPERATION_ABORTED, 0);
        (void) open_listener(&l, NULL, &error);
        set_peer(34, OTHER, 5, 0xd3);
        pending->fn(pending, ERROR_SUCCESS, 0);
        check("any VM: the peer's address tells which", vm_id_equal(&accepted.vm, &other));
        listener_close(l);
        pending->fn(pending, ERROR_OPERATION_ABORTED, 0);
}

static void test_errors(void) {
        static const struct {
                int call, error;
                const char *what;
        } cases[] = {
                {SOCKET_CALL, WSAEAFNOSUPPORT, "no Hyper-V on this Windows (10047)"},
                {OPTION_CALL, WSAENOPROTOOPT, "an option that is not known"},
                {BIND_CALL, WSAEACCES, "not LocalSystem, or not registered (10013)"},
                {BIND_CALL, WSAEADDRINUSE, "somebody else listens (10048)"}, /* fact 1.3.5 */
                {BIND_CALL, WSAEADDRNOTAVAIL, "a VM that has gone"},
                {LISTEN_CALL, WSAEOPNOTSUPP, "listening is refused"},
                {LOAD_CALL, WSAEINVAL, "no AcceptEx"},
        };

        for (size_t i = 0; i < ARRAYSIZE(cases); i++) {
                Listener *l = NULL;
                DWORD error = 0;

                fail_call = cases[i].call;
                fail_error = cases[i].error;
                check(cases[i].what,
                      open_listener(&l, VM, &error) < 0 && error == (DWORD) cases[i].error &&
                              (fail_call == SOCKET_CALL || strstr(record, "close(100) ") != NULL));
        }
        fail_call = 0;
}

static void test_accept_fails(void) {
        Listener *l = NULL;
        DWORD error = 0;

        fail_call = ACCEPT_CALL;
        fail_error = WSAENOBUFS;
        check("accepting fails for now: it listens, and tries again",
              open_listener(&l, VM, &error) == 0 && !pending &&
                      listener_deadline(l) != LOOP_NO_DEADLINE);
        fail_call = 0;
        listener_tick(l, listener_deadline(l));
        check("accepting works again", pending && listener_deadline(l) == LOOP_NO_DEADLINE);
        listener_close(l);
        pending->fn(pending, ERROR_OPERATION_ABORTED, 0);
}

int main(void) {
        socket_api = &fake;
        test_order();
        test_peers();
        test_errors();
        test_accept_fails();
        printf("%d failed\n", n_failed);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
