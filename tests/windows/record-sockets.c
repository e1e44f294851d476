/* SPDX-License-Identifier: MIT */

/*
 * The recorder's functions.
 */

#include "tests/windows/record-sockets.h"
#include "windows-helper/net/transport.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Record record;

static void note(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

static void note(const char *format, ...) {
        size_t n = strlen(record.calls);
        va_list args;

        va_start(args, format);
        (void) vsnprintf(record.calls + n, sizeof(record.calls) - n, format, args);
        va_end(args);
}

static bool fails(int call) {
        return call == record.fail_call;
}

static SOCKET WSAAPI fake_socket(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info,
                                 GROUP group, DWORD flags) {
        note("socket(%d,%d,%d,%s) ", family, type, protocol,
             flags & WSA_FLAG_OVERLAPPED ? "overlapped" : "-");
        return fails(SOCKET_CALL) ? INVALID_SOCKET : (SOCKET) (100 + record.next_socket++);
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
        return record.fail_error;
}

static BOOL WINAPI fake_accept(SOCKET listener, SOCKET s, void *buffer, DWORD data, DWORD local,
                               DWORD remote, DWORD *ret_n, OVERLAPPED *overlapped) {
        note("accept(%d,%d,%lu,%lu) ", (int) listener, (int) s, local, remote);
        if (fails(ACCEPT_CALL))
                return FALSE;
        record.buffer = buffer;
        record.pending = (LoopOp *) overlapped;
        return TRUE;
}

static void WINAPI fake_addresses(void *buffer, DWORD data, DWORD n_local, DWORD n_remote,
                                  SOCKADDR **local, int *local_size, SOCKADDR **remote,
                                  int *remote_size) {
        uint8_t *place = (uint8_t *) buffer + n_local;
        size_t n = sizeof(record.address);

        *remote = NULL;
        *remote_size = 0;
        if (record.silent_companion)
                return;
        *remote = (SOCKADDR *) (record.far_companion ? record.address : place);
        *remote_size = record.address_size;
        if ((size_t) record.address_size < n)
                n = (size_t) record.address_size;
        if (!record.far_companion)
                memcpy(place, record.address, n);
}

static int fake_load(SOCKET s, LPFN_ACCEPTEX *ret_accept,
                     LPFN_GETACCEPTEXSOCKADDRS *ret_addresses) {
        *ret_accept = fake_accept;
        *ret_addresses = record.no_companion ? NULL : fake_addresses;
        return fails(LOAD_CALL) ? record.fail_error : 0;
}

static int fake_attach(void *loop, SOCKET s) {
        note("attach(%d) ", (int) s);
        return 0;
}

const SocketApi record_sockets = {
        fake_socket,      fake_setsockopt, fake_bind, fake_listen, fake_getsockname,
        fake_closesocket, fake_last_error, fake_load, fake_attach,
};

void record_clear(void) {
        record.calls[0] = '\0';
}

void record_complete(DWORD error) {
        record.pending->fn(record.pending, error, 0);
}

void record_on_accepted(void *userdata, SOCKET socket, const Peer *peer) {
        note("accepted(%d) ", (int) socket);
        record.accepted = *peer;
        record.n_accepted++;
}

void record_check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        if (!good) {
                printf("  recorded: %s\n", record.calls);
                record.n_failed++;
        }
}

int record_open(Listener **ret, const char *vm, DWORD *ret_error) {
        TransportAddress address;
        Peer peer = {.wsl = true};

        record_clear();
        record.next_socket = 0;
        record.pending = NULL;
        if (vm && vm_id_parse(vm, &peer.vm) < 0)
                return -1;
        (void) transport_hyperv.vm_address(&peer.vm, &address);
        return listener_new(ret, NULL, &transport_hyperv, &address, &peer, record_on_accepted, NULL,
                            ret_error);
}

void record_set_peer(uint8_t family, const char *vm, uint32_t port, uint8_t last) {
        static const uint8_t service[] = {0xcb, 0xfa, 0xe6, 0x11, 0xbd, 0x58,
                                          0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3};
        VmId id;

        memset(record.address, 0, sizeof(record.address));
        record.address[0] = family;
        (void) vm_id_parse(vm, &id);
        for (int i = 0; i < 16; i++) {
                static const int turned[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

                record.address[4 + i] = id.bytes[turned[i]];
        }
        for (int i = 0; i < 4; i++)
                record.address[20 + i] = (uint8_t) (port >> 8 * i);
        memcpy(record.address + 24, service, sizeof(service));
        record.address[35] = last;
        record.address_size = sizeof(record.address);
}
