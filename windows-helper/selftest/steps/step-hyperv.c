/* SPDX-License-Identifier: MIT */

/*
 * Step 5: Hyper-V sockets. Which options they take, what a listener may be bound to, and what a
 * second listener is told.
 */

#include "windows-helper/net/socket-api.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/hyperv-socket.h"

#include <stdio.h>

/* Each function on its own: the helper can do without the second one. */
static void hyperv_function(Step *s, const char *key, SOCKET socket, GUID id, const char *name) {
        uint64_t began = step_clock();
        void *function = NULL;
        DWORD n, error = 0;

        if (WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function,
                     sizeof(function), &n, NULL, NULL) != 0)
                error = (DWORD) WSAGetLastError();
        step_line(s, key, "WSAIoctl", error, began, "%s", name);
}

static void hyperv_options(Step *s, SOCKET socket) {
        uint64_t began = step_clock();
        DWORD error = hyperv_socket_suspend(socket);

        step_line(s, "hyperv.suspend", "setsockopt", error, began,
                  "option HVSOCKET_CONNECTED_SUSPEND");
        hyperv_function(s, "hyperv.acceptex", socket, (GUID) WSAID_ACCEPTEX, "AcceptEx");
        hyperv_function(s, "hyperv.sockaddrs", socket, (GUID) WSAID_GETACCEPTEXSOCKADDRS,
                        "GetAcceptExSockaddrs");
}

/* Only WSL's VM can be listened to by a service that is not registered (fact 8.1.1), as that of the
 * self-test. So 10013 says nothing of other ids. @wsl: @vm is its. @ret_socket: where it is kept;
 * NULL: it is closed again. Return: its error. */
static DWORD hyperv_listen(Step *s, const char *key, const VmId *vm, bool wsl, const char *what,
                           SOCKET *ret_socket) {
        uint64_t began = step_clock();
        SOCKET socket = INVALID_SOCKET;
        DWORD error = hyperv_socket_listen(vm, &socket);

        if (error == WSAEACCES && !wsl)
                step_skip(s, key, "bind",
                          "a listener bound to %s: error 10013, as for a service that is not "
                          "registered",
                          what);
        else
                step_line(s, key, "bind", error, began, "a listener bound to %s", what);
        if (ret_socket)
                *ret_socket = socket;
        else if (socket != INVALID_SOCKET)
                (void) socket_api->closesocket(socket);
        return error;
}

/* An address that is given up while an accept waits on it, and bound again (fact 1.3.9). */
static void hyperv_again(Step *s, const char *key, const VmId *vm, const char *what) {
        SOCKET socket = INVALID_SOCKET;
        DWORD error;
        Accept *a = step_pending_new(vm, &error);
        uint64_t began;

        if (!a) {
                step_skip(s, key, "AcceptEx", "%s: error %lu", what, error);
                return;
        }
        step_pending_free(a);
        began = step_clock();
        error = hyperv_socket_listen(vm, &socket);
        step_line(s, key, "bind", error, began,
                  "%s, bound again right after a listener whose accept still waited", what);
        if (socket != INVALID_SOCKET)
                (void) socket_api->closesocket(socket);
}

static void hyperv_binds(Step *s) {
        static const VmId children = {{0x90, 0xdb, 0x8b, 0x89, 0x0d, 0x35, 0x4f, 0x79, 0x8c, 0xe9,
                                       0x49, 0xea, 0x0a, 0xc8, 0xb7, 0xcd}};
        /* Made once, at random (fact 1.3.8). */
        static const VmId nobody = {{0x6b, 0x1d, 0x5a, 0x1e, 0x72, 0xc4, 0x4e, 0x0f, 0x9b, 0x7a,
                                     0x35, 0xd0, 0xc1, 0x84, 0x2f, 0x96}};
        SOCKET first = INVALID_SOCKET;
        Vm vm;

        (void) hyperv_listen(s, "hyperv.bind.unknown", &nobody, false, "an id that no VM has",
                             NULL);
        if (hyperv_listen(s, "hyperv.bind.wildcard", &VM_ID_NULL, false, "the wildcard", NULL) == 0)
                hyperv_again(s, "hyperv.again.wildcard", &VM_ID_NULL, "the wildcard");
        (void) hyperv_listen(s, "hyperv.bind.children", &children, false, "all children", NULL);
        if (!step_find_vm(s, "hyperv.bind.vm", &vm))
                return;
        if (hyperv_listen(s, "hyperv.bind.vm", &vm.id, true, "the id of WSL's VM", &first) == 0) {
                (void) hyperv_listen(s, "hyperv.bind.second", &vm.id, true, "the same once more",
                                     NULL);
                (void) socket_api->closesocket(first);
                hyperv_again(s, "hyperv.again.vm", &vm.id, "the id of WSL's VM");
        }
}

void step_hyperv(Step *s) {
        uint64_t began = step_clock();
        SOCKET socket = INVALID_SOCKET;
        DWORD error = hyperv_socket_new(&socket);

        step_line(s, "hyperv.socket", "WSASocketW", error, began, "a Hyper-V socket");
        if (error != 0)
                return;
        hyperv_options(s, socket);
        (void) socket_api->closesocket(socket);
        hyperv_binds(s);
}
