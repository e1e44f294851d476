/* SPDX-License-Identifier: MIT */

/*
 * Hyper-V sockets for the self-test under Wine, which has none (fact 10.1.1). Where
 * HKLM\SOFTWARE\wslbridge-test has a 'HypervPort', each of them is a TCP socket, and every address
 * is this port of 127.0.0.1. So the calls are those of Winsock, and only the names of the two ends
 * are not what Windows gives. While 'HypervAccept' (REG_DWORD) is not 0, an accept ends at once,
 * with this NTSTATUS; while 'HypervBind' is not 0, a bind fails with this error.
 */

#include "windows-helper/net/socket-api.h"
#include "windows-helper/net/transport.h"

static const SocketApi *winsock;
static LPFN_ACCEPTEX winsock_accept;
static DWORD port;

static DWORD setting(const wchar_t *name) {
        DWORD value = 0, size = sizeof(value);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", name, RRF_RT_REG_DWORD,
                            NULL, &value, &size);
        return value;
}

static SOCKET WSAAPI tcp_socket(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info,
                                GROUP group, DWORD flags) {
        bool hyperv = family == transport_hyperv.family;

        return winsock->socket(hyperv ? AF_INET : family, type, hyperv ? IPPROTO_TCP : protocol,
                               info, group, flags);
}

static int WSAAPI tcp_setsockopt(SOCKET s, int level, int name, const char *value, int size) {
        return level == transport_hyperv.protocol
                       ? 0
                       : winsock->setsockopt(s, level, name, value, size);
}

static int WSAAPI tcp_bind(SOCKET s, const SOCKADDR *address, int size) {
        const struct sockaddr_in here = {.sin_family = AF_INET,
                                         .sin_port = htons((u_short) port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

        if (address->sa_family != transport_hyperv.family)
                return winsock->bind(s, address, size);
        if (setting(L"HypervBind") != 0) {
                WSASetLastError((int) setting(L"HypervBind"));
                return SOCKET_ERROR;
        }
        return winsock->bind(s, (const SOCKADDR *) &here, sizeof(here));
}

static BOOL WINAPI tcp_accept_ex(SOCKET listener, SOCKET s, void *buffer, DWORD n_data,
                                 DWORD n_local, DWORD n_remote, DWORD *ret_n,
                                 OVERLAPPED *overlapped) {
        DWORD status = setting(L"HypervAccept");

        if (status == 0)
                return winsock_accept(listener, s, buffer, n_data, n_local, n_remote, ret_n,
                                      overlapped);
        overlapped->Internal = status;
        (void) SetEvent(overlapped->hEvent);
        WSASetLastError(ERROR_IO_PENDING);
        return FALSE;
}

static int tcp_load(SOCKET s, LPFN_ACCEPTEX *ret_accept, LPFN_GETACCEPTEXSOCKADDRS *ret_addresses) {
        int error = winsock->load(s, &winsock_accept, ret_addresses);

        *ret_accept = tcp_accept_ex;
        return error;
}

__attribute__((constructor)) static void tcp_for_hyperv(void) {
        static SocketApi api;

        port = setting(L"HypervPort");
        if (port == 0)
                return;
        winsock = socket_api;
        api = *winsock;
        api.socket = tcp_socket;
        api.setsockopt = tcp_setsockopt;
        api.bind = tcp_bind;
        api.load = tcp_load;
        socket_api = &api;
}
