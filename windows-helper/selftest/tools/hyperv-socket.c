/* SPDX-License-Identifier: MIT */

/*
 * Sockets through the helper's table of Winsock functions and its transport.
 */

#include "windows-helper/selftest/tools/hyperv-socket.h"
#include "windows-helper/net/socket-api.h"
#include "windows-helper/selftest/tools/step.h"

#include <string.h>

#define HYPERV_SERVICE_OFFSET    20 /* of the service, whose first part is the port (fact 1.1.2) */
#define HYPERV_CONNECTED_SUSPEND 0x04
#define HYPERV_BACKLOG           4

DWORD hyperv_socket_new(SOCKET *ret_socket) {
        *ret_socket =
                socket_api->socket(transport_hyperv.family, SOCK_STREAM, transport_hyperv.protocol,
                                   NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
        return *ret_socket == INVALID_SOCKET ? (DWORD) socket_api->last_error() : 0;
}

DWORD hyperv_socket_suspend(SOCKET socket) {
        ULONG yes = 1;

        return socket_api->setsockopt(socket, transport_hyperv.protocol, HYPERV_CONNECTED_SUSPEND,
                                      (const char *) &yes, sizeof(yes)) == 0
                       ? 0
                       : (DWORD) socket_api->last_error();
}

DWORD hyperv_socket_listen(const VmId *vm, SOCKET *ret_socket) {
        DWORD error = hyperv_socket_new(ret_socket), port = STEP_VSOCK_PORT;
        TransportAddress address;

        if (error != 0)
                return error;
        (void) hyperv_socket_suspend(*ret_socket);
        (void) transport_hyperv.vm_address(vm, &address);
        memcpy(address.bytes + HYPERV_SERVICE_OFFSET, &port, sizeof(port));
        if (socket_api->bind(*ret_socket, &address.header, address.size) == 0 &&
            socket_api->listen(*ret_socket, HYPERV_BACKLOG) == 0)
                return 0;
        error = (DWORD) socket_api->last_error();
        (void) socket_api->closesocket(*ret_socket);
        *ret_socket = INVALID_SOCKET;
        return error;
}
