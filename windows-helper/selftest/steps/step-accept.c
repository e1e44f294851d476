/* SPDX-License-Identifier: MIT */

/*
 * Step 6: what a connection of a distro looks like. And accepts for other steps.
 */

#include "windows-helper/net/socket-api.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/selftest/tools/hyperv-socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPT_PART_SIZE      (TRANSPORT_ADDRESS_MAX + 16) /* as the helper's listener has it */
#define ACCEPT_WAIT_MS        20000
#define ACCEPT_ID_SIZE        16
#define ACCEPT_VM_OFFSET      4 /* fact 1.1.2 */
#define ACCEPT_SERVICE_OFFSET 20
#define KNOCK_MS              120000 /* the service may first wait for a VM */
#define KNOCK_PAUSE_MS        1000

/* Connects to us as root, once from port 700, which only root may have (fact 3.1.4), and once from
 * any, with whatever program the distro has for it. */
#define KNOCK_SCRIPT                                                           \
        "knock() {\n"                                                          \
        "python3 - <<'END' || socat -u /dev/null VSOCK-CONNECT:2:1465076820\n" \
        "import socket\n"                                                      \
        "for port in (700, 0xffffffff):\n"                                     \
        "    s = socket.socket(40, socket.SOCK_STREAM)\n"                      \
        "    s.settimeout(3)\n"                                                \
        "    s.bind((0xffffffff, port))\n"                                     \
        "    s.connect((2, 1465076820))\n"                                     \
        "    s.close()\n"                                                      \
        "END\n"                                                                \
        "}\n"                                                                  \
        "knock\n"

_Static_assert(STEP_VSOCK_PORT == 1465076820, "the script has the port in decimal");

/* Whoever ends the self-test closes the handle's event, and with it this thread's program. */
static DWORD WINAPI knock_thread(void *parameter) {
        HANDLE stop = parameter;
        ULONGLONG end = GetTickCount64() + step_limit(KNOCK_MS);

        while (GetTickCount64() < end &&
               WaitForSingleObject(stop, KNOCK_PAUSE_MS) == WAIT_TIMEOUT) {
                Child child;

                child_run(NULL, L"wsl.exe", L"-u root --exec /bin/sh", KNOCK_SCRIPT, 10000, &child);
                child_done(&child);
                if (child.error != ERROR_SUCCESS)
                        break;
        }
        return 0;
}

HANDLE step_knock(HANDLE stop) {
        return CreateThread(NULL, 0, knock_thread, stop, 0, NULL);
}

struct Accept {
        SOCKET listener, socket; /* owned */
        LPFN_ACCEPTEX accept;
        LPFN_GETACCEPTEXSOCKADDRS addresses;
        OVERLAPPED overlapped; /* has an event */
        uint8_t bytes[2 * ACCEPT_PART_SIZE];
};

/* Return: 0, ERROR_IO_PENDING, or what went wrong. */
static DWORD accept_start(Accept *a) {
        DWORD n;

        return a->accept(a->listener, a->socket, a->bytes, 0, ACCEPT_PART_SIZE, ACCEPT_PART_SIZE,
                         &n, &a->overlapped)
                       ? 0
                       : (DWORD) socket_api->last_error();
}

/* Return: 0 or an error. It has to be freed, unless its operation never ends. */
static DWORD accept_begin(Accept *a, const VmId *vm) {
        DWORD error = hyperv_socket_listen(vm, &a->listener);

        if (error == 0)
                error = (DWORD) socket_api->load(a->listener, &a->accept, &a->addresses);
        if (error == 0)
                error = hyperv_socket_new(&a->socket);
        if (error != 0)
                return error;
        (void) hyperv_socket_suspend(a->socket);
        a->overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
        error = accept_start(a);
        return error == ERROR_IO_PENDING ? 0 : error;
}

/* When the operation has ended: another one, with another socket. Return: as accept_start(). */
static DWORD accept_again(Accept *a) {
        DWORD error;

        (void) socket_api->closesocket(a->socket);
        error = hyperv_socket_new(&a->socket);
        if (error != 0)
                return error;
        (void) hyperv_socket_suspend(a->socket);
        (void) ResetEvent(a->overlapped.hEvent);
        return accept_start(a);
}

/* Return: whether the operation has ended; *ret_error is how. */
static bool accept_wait(const Step *s, Accept *a, uint32_t limit_ms, DWORD *ret_error) {
        ULONGLONG end = GetTickCount64() + step_limit(limit_ms);
        DWORD n, flags;

        while (WaitForSingleObject(a->overlapped.hEvent, 0) != WAIT_OBJECT_0)
                if (GetTickCount64() > end || !step_pause(s, 20))
                        return false;
        *ret_error = WSAGetOverlappedResult(a->listener, &a->overlapped, &n, FALSE, &flags)
                             ? 0
                             : (DWORD) WSAGetLastError();
        return true;
}

static void accept_free(Accept *a) {
        if (a->listener != INVALID_SOCKET)
                (void) socket_api->closesocket(a->listener); /* ends the operation, too */
        if (a->socket != INVALID_SOCKET)
                (void) socket_api->closesocket(a->socket);
        if (a->overlapped.hEvent) {
                (void) WaitForSingleObject(a->overlapped.hEvent, 1000);
                (void) CloseHandle(a->overlapped.hEvent);
        }
        free(a);
}

static Accept *accept_new(void) {
        Accept *a = calloc(1, sizeof(*a));

        if (a)
                a->listener = a->socket = INVALID_SOCKET;
        return a;
}

/* Ids are in these bytes, so only their form is shown: "v" for the id of the VM, "p" and "s" for
 * the port and the rest of a vsock service's id (fact 1.1.3), "x" for any other byte that is not 0.
 */
static void accept_shape(Step *s, const char *key, const uint8_t *bytes, const Vm *vm,
                         uint64_t began) {
        char text[ACCEPT_PART_SIZE + 1];
        TransportAddress known;

        (void) transport_hyperv.vm_address(&vm->id, &known);
        for (size_t i = 0; i < ACCEPT_PART_SIZE; i++)
                text[i] = bytes[i] ? 'x' : '.';
        for (size_t i = 0; i + ACCEPT_ID_SIZE <= ACCEPT_PART_SIZE; i++) {
                if (memcmp(bytes + i, known.bytes + ACCEPT_VM_OFFSET, ACCEPT_ID_SIZE) == 0)
                        memset(text + i, 'v', ACCEPT_ID_SIZE);
                if (memcmp(bytes + i + 4, known.bytes + ACCEPT_SERVICE_OFFSET + 4,
                           ACCEPT_ID_SIZE - 4) == 0) {
                        memset(text + i, 'p', 4);
                        memset(text + i + 4, 's', ACCEPT_ID_SIZE - 4);
                }
        }
        text[ACCEPT_PART_SIZE] = '\0';
        step_line(s, key, "AcceptEx", 0, began, "%s", text);
}

/* What Winsock knows of a socket that was accepted, beside the buffer (facts 1.3.3, 1.3.4). */
static void accept_names(Step *s, const Accept *a) {
        uint8_t name[TRANSPORT_ADDRESS_MAX];
        uint64_t began = step_clock();
        int size = sizeof(name);
        DWORD error = 0;

        if (setsockopt(a->socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *) &a->listener,
                       sizeof(a->listener)) != 0)
                error = (DWORD) WSAGetLastError();
        step_line(s, "accept.context", "setsockopt", error, began, "SO_UPDATE_ACCEPT_CONTEXT");
        began = step_clock();
        error = getpeername(a->socket, (SOCKADDR *) name, &size) == 0 ? 0
                                                                      : (DWORD) WSAGetLastError();
        step_line(s, "accept.peername", "getpeername", error, began, "length %d", error ? 0 : size);
        size = sizeof(name);
        error = getsockname(a->socket, (SOCKADDR *) name, &size) == 0 ? 0
                                                                      : (DWORD) WSAGetLastError();
        step_line(s, "accept.sockname", "getsockname", error, began, "length %d", error ? 0 : size);
}

/* What the transport of the helper finds in @size bytes. */
static bool accept_peer(const uint8_t *bytes, size_t size, Peer *ret_peer) {
        *ret_peer = (Peer){.source_known = false};
        return transport_hyperv.peer(bytes, size, ret_peer);
}

static void accept_report(Step *s, const Accept *a, const Vm *vm, uint64_t began) {
        SOCKADDR *local = NULL, *remote = NULL;
        int n_local = 0, n_remote = 0;
        size_t within;
        Peer peer;
        bool found;

        accept_shape(s, "accept.bytes.local", a->bytes, vm, began);
        accept_shape(s, "accept.bytes.remote", a->bytes + ACCEPT_PART_SIZE, vm, began);
        accept_names(s, a);
        if (a->addresses) {
                a->addresses((void *) (uintptr_t) a->bytes, 0, ACCEPT_PART_SIZE, ACCEPT_PART_SIZE,
                             &local, &n_local, &remote, &n_remote);
                within = socket_address_within(a->bytes, sizeof(a->bytes), remote, n_remote);
                found = within > 0 && accept_peer((const uint8_t *) remote, within, &peer);
                step_line(s, "accept.sockaddrs", "GetAcceptExSockaddrs", !found, began,
                          "it finds an address: %s; lengths %d and %d, of which %lu in the buffer",
                          found ? "yes" : "no", n_local, n_remote, (unsigned long) within);
        } else {
                step_line(s, "accept.sockaddrs", "GetAcceptExSockaddrs", 1, began, "it is missing");
        }
        found = accept_peer(a->bytes + ACCEPT_PART_SIZE, ACCEPT_PART_SIZE, &peer);
        step_line(s, "accept.found", "", !found, began, "the buffer has an address: %s",
                  found ? "yes" : "no");
        if (!found)
                return;
        step_line(s, "accept.port", "", peer.source == 0 || peer.source == STEP_VSOCK_PORT, began,
                  "the guest's port is %lu", (unsigned long) peer.source);
        step_line(s, "accept.vm", "", !vm_id_equal(&peer.vm, &vm->id), began, "the VM in it is %s",
                  vm_id_equal(&peer.vm, &vm->id) ? "the runtime id of its VM"
                  : vm_id_is_null(&peer.vm)      ? "all zero"
                                                 : "another id");
        step_line(s, "accept.privileged", "", peer.source >= 1024, began,
                  "the port is below 1024: %s", peer.source < 1024 ? "yes" : "no");
}

/* The distro has connected from a port that only root may have, and connects from any one next. */
static void accept_next(Step *s, Accept *a) {
        uint64_t began = step_clock();
        DWORD error = accept_again(a);
        Peer peer;

        if (error == ERROR_IO_PENDING)
                error = 0;
        if (error == 0 && !accept_wait(s, a, ACCEPT_WAIT_MS, &error)) {
                step_skip(s, "accept.ephemeral", "AcceptEx", "no second connection has come");
                return;
        }
        if (error == 0 && accept_peer(a->bytes + ACCEPT_PART_SIZE, ACCEPT_PART_SIZE, &peer))
                step_line(s, "accept.ephemeral", "AcceptEx", peer.source < 1024, began,
                          "the next connection comes from port %lu", (unsigned long) peer.source);
        else
                step_line(s, "accept.ephemeral", "AcceptEx", error ? error : 1, began,
                          "the next connection");
}

/* The address is bound again right after connections were accepted there (fact 1.3.9). */
static void accept_bind_again(Step *s, const Vm *vm) {
        SOCKET socket = INVALID_SOCKET;
        uint64_t began = step_clock();
        DWORD error = hyperv_socket_listen(&vm->id, &socket);

        step_line(s, "accept.again", "bind", error, began,
                  "the same address, bound again after a connection");
        if (socket != INVALID_SOCKET)
                (void) socket_api->closesocket(socket);
}

/* Wait for a connection, and report what is known of its other end. */
static void accept_once(Step *s, const Vm *vm) {
        uint64_t began = step_clock();
        Accept *a = accept_new();
        bool accepted = false;
        DWORD error = a ? accept_begin(a, &vm->id) : ERROR_NOT_ENOUGH_MEMORY;

        if (error != 0)
                step_line(s, "accept", "AcceptEx", error, began, "-");
        else if (!accept_wait(s, a, ACCEPT_WAIT_MS, &error))
                step_skip(s, "accept", "AcceptEx",
                          "no distro has connected; the default one needs python3 or socat");
        else
                step_line(s, "accept", "AcceptEx", error, began, "a distro has connected");
        if (a && error == 0 && WaitForSingleObject(a->overlapped.hEvent, 0) == WAIT_OBJECT_0) {
                accept_report(s, a, vm, began);
                accept_next(s, a);
                accepted = true;
        }
        if (a)
                accept_free(a);
        if (accepted)
                accept_bind_again(s, vm);
}

Accept *step_pending_new(const VmId *vm, DWORD *ret_error) {
        Accept *a = accept_new();

        *ret_error = a ? accept_begin(a, vm) : ERROR_NOT_ENOUGH_MEMORY;
        if (a && *ret_error != 0) {
                accept_free(a);
                a = NULL;
        }
        return a;
}

bool step_pending_ended(const Step *s, Accept *a, uint32_t limit_ms, DWORD *ret_error) {
        return accept_wait(s, a, limit_ms, ret_error);
}

DWORD step_pending_again(Accept *a) {
        return accept_again(a);
}

/* Whoever has connected meanwhile is to see that nobody took it. */
void step_pending_free(Accept *a) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};

        if (!a)
                return;
        (void) setsockopt(a->socket, SOL_SOCKET, SO_LINGER, (const char *) &now, sizeof(now));
        accept_free(a);
}

void step_accept(Step *s) {
        HANDLE stop = NULL, knocking = NULL;
        Vm vm;

        if (!step_find_vm(s, "accept", &vm))
                return;
        /* In the service's pass, the user's process knocks: SYSTEM cannot run wsl.exe
         * (fact 2.1.4). */
        if (step_options(s)->pass == SELFTEST_USER) {
                stop = CreateEventW(NULL, TRUE, FALSE, NULL);
                knocking = stop ? step_knock(stop) : NULL;
        }
        accept_once(s, &vm);
        if (!knocking)
                return;
        (void) SetEvent(stop);
        if (WaitForSingleObject(knocking, ACCEPT_WAIT_MS) == WAIT_OBJECT_0)
                (void) CloseHandle(stop);
        (void) CloseHandle(knocking);
}
