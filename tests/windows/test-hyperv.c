/* SPDX-License-Identifier: MIT */

/*
 * The helper's calls to Hyper-V sockets, one by one. A recorder takes the place of Winsock, because
 * Wine has no such sockets. Each case prints a line, and a failed case also what was recorded.
 */

#include "tests/windows/record-sockets.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

        record_check("one VM: it listens", record_open(&l, RECORD_VM, &error) == 0);
        record_check("one VM: calls, their order, and the 36 bytes of the address",
                     strcmp(record.calls,
                            SOCKET_HV OPTION("100") "bind(100," ADDRESS(
                                    VM_BYTES) ") listen(100) "
                                              "attach(100) " SOCKET_HV OPTION(
                                                      "101") "accept(100,101,144,144) ") == 0);
        listener_close(l);
        if (record.pending)
                record_complete(ERROR_OPERATION_ABORTED);
        record_check("one VM: both sockets are closed",
                     strstr(record.calls, "close(100) close(101) ") != NULL);
        record_check("any VM: it listens", record_open(&l, NULL, &error) == 0);
        record_check("any VM: the wildcard is all zero",
                     strstr(record.calls, "bind(100," ADDRESS(ANY_BYTES) ") ") != NULL);
        listener_close(l);
        if (record.pending)
                record_complete(ERROR_OPERATION_ABORTED);
}

static void test_peers(void) {
        Listener *l = NULL;
        DWORD error = 0;
        VmId vm, other;

        (void) vm_id_parse(RECORD_VM, &vm);
        (void) vm_id_parse(RECORD_OTHER, &other);
        (void) record_open(&l, RECORD_VM, &error);
        record_set_peer(34, RECORD_VM, 1001, 0xd3);
        record_complete(ERROR_SUCCESS);
        record_check(
                "a peer: its port is known, the new socket is completed and the next one accepts",
                record.n_accepted == 1 && record.accepted.source_known &&
                        record.accepted.source == 1001 && vm_id_equal(&record.accepted.vm, &vm) &&
                        record.accepted.wsl &&
                        strstr(record.calls, "update(101) accepted(101) " SOCKET_HV OPTION(
                                                     "102") "accept(100,102,144,144) ") != NULL);
        record_set_peer(34, RECORD_OTHER, 70000, 0xd3);
        record_complete(ERROR_SUCCESS);
        record_check("a peer that tells another VM: the listener's counts",
                     record.n_accepted == 2 && vm_id_equal(&record.accepted.vm, &vm) &&
                             record.accepted.source == 70000);
        record_set_peer(34, RECORD_VM, 1001, 0xd4);
        record_complete(ERROR_SUCCESS);
        record_check("a service that is not a vsock port: the port is not known",
                     record.n_accepted == 3 && !record.accepted.source_known);
        record.address_size = 16;
        record_complete(ERROR_SUCCESS);
        record_check("an address too short: the port is not known",
                     record.n_accepted == 4 && !record.accepted.source_known);
        record_complete(ERROR_NETNAME_DELETED);
        record_check("a peer that has gone: the next one accepts",
                     record.n_accepted == 4 && record.pending);
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
        (void) record_open(&l, NULL, &error);
        record_set_peer(34, RECORD_OTHER, 5, 0xd3);
        record_complete(ERROR_SUCCESS);
        record_check("any VM: the peer's address tells which",
                     vm_id_equal(&record.accepted.vm, &other));
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
}

static void test_errors(void) {
        static const struct {
                int call, error;
                const char *what;
        } cases[] = {
                {SOCKET_CALL, WSAEAFNOSUPPORT, "no Hyper-V on this Windows (10047)"},
                {BIND_CALL, WSAEACCES, "not LocalSystem, or not registered (10013)"},
                {BIND_CALL, WSAEADDRINUSE, "somebody else listens (10048)"}, /* fact 1.3.5 */
                {BIND_CALL, WSAEADDRNOTAVAIL, "a VM that has gone"},
                {LISTEN_CALL, WSAEOPNOTSUPP, "listening is refused"},
                {LOAD_CALL, WSAEINVAL, "no AcceptEx"},
        };

        for (size_t i = 0; i < ARRAYSIZE(cases); i++) {
                Listener *l = NULL;
                DWORD error = 0;

                record.fail_call = cases[i].call;
                record.fail_error = cases[i].error;
                record_check(cases[i].what, record_open(&l, RECORD_VM, &error) < 0 &&
                                                    error == (DWORD) cases[i].error &&
                                                    (record.fail_call == SOCKET_CALL ||
                                                     strstr(record.calls, "close(100) ") != NULL));
        }
        record.fail_call = 0;
}

/* The option and the companion of AcceptEx() are conveniences: without them it listens all the
 * same. */
static void test_what_may_be_missing(void) {
        static const size_t places[] = {144, 145, 148, 150, 160, 2 * 144 - 36};
        Listener *l = NULL;
        DWORD error = 0;
        VmId other;

        (void) vm_id_parse(RECORD_OTHER, &other);
        record.fail_call = OPTION_CALL;
        record.fail_error = WSAENOPROTOOPT;
        record_check("an option that is not known: it listens and accepts",
                     record_open(&l, RECORD_VM, &error) == 0 && record.pending);
        record.fail_call = 0;
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
        for (int round = 0; round < 2; round++) {
                record.no_companion = round == 0;
                record.silent_companion = !record.no_companion;
                record_check("a companion that is missing or silent: it listens",
                             record_open(&l, NULL, &error) == 0 && record.pending);
                for (size_t i = 0; i < ARRAYSIZE(places); i++) {
                        unsigned n = record.n_accepted;

                        record_set_peer(34, RECORD_OTHER, (uint32_t) (900 + i), 0xd3);
                        memcpy((uint8_t *) record.buffer + places[i], record.address, 36);
                        record_complete(ERROR_SUCCESS);
                        record_check("the address is read from the buffer",
                                     record.n_accepted == n + 1 && record.accepted.source_known &&
                                             record.accepted.source == 900 + i &&
                                             vm_id_equal(&record.accepted.vm, &other));
                }
                record_complete(ERROR_SUCCESS);
                record_check("no address in the buffer: an old one is not taken for it",
                             !record.accepted.source_known && vm_id_is_null(&record.accepted.vm));
                listener_close(l);
                record_complete(ERROR_OPERATION_ABORTED);
        }
        record.no_companion = record.silent_companion = false;
}

static void test_accept_fails(void) {
        Listener *l = NULL;
        DWORD error = 0;

        record.fail_call = ACCEPT_CALL;
        record.fail_error = WSAENOBUFS;
        record_check("accepting fails for now: it listens, and tries again",
                     record_open(&l, RECORD_VM, &error) == 0 && !record.pending &&
                             listener_deadline(l) != LOOP_NO_DEADLINE);
        record.fail_call = 0;
        listener_tick(l, listener_deadline(l));
        record_check("accepting works again",
                     record.pending && listener_deadline(l) == LOOP_NO_DEADLINE);
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
}

static size_t size_seen; /* by the transport, of the first address since it was 0 */

static bool see_size(const uint8_t *bytes, size_t size, Peer *peer) {
        if (size_seen == 0)
                size_seen = size;
        return true;
}

/* A provider that does not fill in where the address is, and how long: neither is believed
 * (fact 1.3.7). */
static void test_a_companion_that_is_wrong(void) {
        Transport transport = transport_hyperv;
        TransportAddress address;
        Listener *l = NULL;
        DWORD error = 0;

        record.far_companion = true;
        (void) record_open(&l, NULL, &error);
        record_set_peer(34, RECORD_OTHER, 901, 0xd3);
        record_complete(ERROR_SUCCESS);
        record_check("an address outside of the buffer is not read",
                     !record.accepted.source_known && vm_id_is_null(&record.accepted.vm));
        memcpy((uint8_t *) record.buffer + 150, record.address, sizeof(record.address));
        record_complete(ERROR_SUCCESS);
        record_check("and the buffer is searched instead",
                     record.accepted.source_known && record.accepted.source == 901);
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
        record.far_companion = false;

        transport.peer = see_size;
        (void) transport.vm_address(&VM_ID_NULL, &address);
        (void) listener_new(&l, NULL, &transport, &address, &(Peer){.any = true},
                            record_on_accepted, NULL, &error);
        record.address_size = INT16_MAX;
        record_complete(ERROR_SUCCESS);
        record_check("a length beyond the end of the buffer is cut there", size_seen == 144);
        record.address_size = -1;
        size_seen = 0;
        record_complete(ERROR_SUCCESS);
        record_check("a negative length is none: the second half is searched", size_seen == 144);
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
}

int main(void) {
        socket_api = &record_sockets;
        test_order();
        test_peers();
        test_errors();
        test_accept_fails();
        test_what_may_be_missing();
        test_a_companion_that_is_wrong();
        printf("%d failed\n", record.n_failed);
        return record.n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
