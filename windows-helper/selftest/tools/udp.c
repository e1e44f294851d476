/* SPDX-License-Identifier: MIT */

/*
 * Sends, waits, and answers, with plain Winsock.
 */

#include "windows-helper/selftest/tools/udp.h"

#include <mswsock.h>
#include <string.h>
#include <ws2tcpip.h>

static SOCKADDR_IN udp_address(const IpAddr *address, uint16_t port) {
        SOCKADDR_IN a = {.sin_family = AF_INET, .sin_port = htons(port)};

        memcpy(&a.sin_addr, address->bytes, 4);
        return a;
}

DWORD udp_open(const IpAddr *address, SOCKET *ret_socket) {
        SOCKADDR_IN a = udp_address(address, 0);
        DWORD error = 0;
        SOCKET s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                              WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

        *ret_socket = INVALID_SOCKET;
        if (s == INVALID_SOCKET || bind(s, (SOCKADDR *) &a, sizeof(a)) != 0)
                error = (DWORD) WSAGetLastError();
        if (error == 0)
                *ret_socket = s;
        else if (s != INVALID_SOCKET)
                (void) closesocket(s);
        return error;
}

uint16_t udp_free_port(void) {
        const IpAddr any = {IP_FAMILY_V4, {0}};
        SOCKADDR_IN a = {.sin_port = 0};
        int size = sizeof(a);
        SOCKET s;

        if (udp_open(&any, &s) != 0)
                return 0;
        (void) getsockname(s, (SOCKADDR *) &a, &size);
        (void) closesocket(s);
        return ntohs(a.sin_port);
}

static bool udp_wait(SOCKET s, DWORD limit_ms) {
        struct timeval limit = {(long) (limit_ms / 1000), (long) (limit_ms % 1000) * 1000};
        fd_set set;

        FD_ZERO(&set);
        FD_SET(s, &set);
        return select(0, &set, NULL, NULL, &limit) > 0;
}

DWORD udp_send(SOCKET s, const IpAddr *to, uint16_t port) {
        SOCKADDR_IN a = udp_address(to, port);
        char byte = 'x';

        return sendto(s, &byte, 1, 0, (SOCKADDR *) &a, sizeof(a)) == 1 ? 0
                                                                       : (DWORD) WSAGetLastError();
}

bool udp_came_from(SOCKET s, const IpAddr *from, uint16_t port, DWORD limit_ms) {
        SOCKADDR_IN a = udp_address(from, port), sender = {.sin_port = 0};
        int size = sizeof(sender);
        char byte;

        return udp_wait(s, limit_ms) &&
               recvfrom(s, &byte, 1, 0, (SOCKADDR *) &sender, &size) == 1 &&
               sender.sin_port == a.sin_port && sender.sin_addr.s_addr == a.sin_addr.s_addr;
}

bool udp_ask(SOCKET s, const IpAddr *to, uint16_t port, DWORD limit_ms) {
        (void) udp_send(s, to, port);
        return udp_came_from(s, to, port, limit_ms);
}

static DWORD udp_function(SOCKET s, GUID id, void *ret_function) {
        DWORD n;

        return WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), ret_function,
                        sizeof(void *), &n, NULL, NULL) == 0
                       ? 0
                       : (DWORD) WSAGetLastError();
}

DWORD udp_serve(SOCKET *ret_socket, uint16_t *ret_port) {
        const IpAddr any = {IP_FAMILY_V4, {0}};
        LPFN_WSARECVMSG receive;
        LPFN_WSASENDMSG send;
        SOCKADDR_IN a = {.sin_port = 0};
        int size = sizeof(a);
        DWORD yes = 1, error = udp_open(&any, ret_socket);

        if (error == 0)
                error = udp_function(*ret_socket, (GUID) WSAID_WSARECVMSG, &receive);
        if (error == 0)
                error = udp_function(*ret_socket, (GUID) WSAID_WSASENDMSG, &send);
        if (error == 0 && (setsockopt(*ret_socket, IPPROTO_IP, IP_PKTINFO, (const char *) &yes,
                                      sizeof(yes)) != 0 ||
                           getsockname(*ret_socket, (SOCKADDR *) &a, &size) != 0))
                error = (DWORD) WSAGetLastError();
        if (error == 0)
                *ret_port = ntohs(a.sin_port);
        else if (*ret_socket != INVALID_SOCKET)
                (void) closesocket(*ret_socket);
        return error;
}

typedef union UdpControl {
        WSACMSGHDR header;
        char bytes[WSA_CMSG_SPACE(sizeof(IN_PKTINFO))];
} UdpControl;

static void udp_take_asked(WSAMSG *message, IpAddr *ret_asked) {
        for (WSACMSGHDR *h = WSA_CMSG_FIRSTHDR(message); h; h = WSA_CMSG_NXTHDR(message, h)) {
                IN_PKTINFO info;

                if (h->cmsg_level != IPPROTO_IP || h->cmsg_type != IP_PKTINFO)
                        continue;
                memcpy(&info, WSA_CMSG_DATA(h), sizeof(info));
                ret_asked->family = IP_FAMILY_V4;
                memcpy(ret_asked->bytes, &info.ipi_addr, 4);
        }
}

/* The relay, too, says the address only, and leaves the interface to the routes. */
static void udp_put_asked(UdpControl *control, const IpAddr *asked) {
        IN_PKTINFO info = {.ipi_ifindex = 0};

        *control = (UdpControl){.bytes = {0}};
        control->header.cmsg_len = WSA_CMSG_LEN(sizeof(info));
        control->header.cmsg_level = IPPROTO_IP;
        control->header.cmsg_type = IP_PKTINFO;
        memcpy(&info.ipi_addr, asked->bytes, 4);
        memcpy(WSA_CMSG_DATA(&control->header), &info, sizeof(info));
}

DWORD udp_answer(SOCKET s, DWORD limit_ms, IpAddr *ret_asked) {
        LPFN_WSARECVMSG receive = NULL;
        LPFN_WSASENDMSG send = NULL;
        UdpControl control;
        SOCKADDR_IN client;
        char byte;
        WSABUF data = {.len = 1, .buf = &byte};
        WSAMSG message = {.name = (SOCKADDR *) &client,
                          .namelen = sizeof(client),
                          .lpBuffers = &data,
                          .dwBufferCount = 1,
                          .Control = {.len = sizeof(control), .buf = control.bytes}};
        DWORD n;

        if (udp_function(s, (GUID) WSAID_WSARECVMSG, &receive) != 0 ||
            udp_function(s, (GUID) WSAID_WSASENDMSG, &send) != 0)
                return (DWORD) WSAGetLastError();
        if (!udp_wait(s, limit_ms))
                return WSAETIMEDOUT;
        if (receive(s, &message, &n, NULL, NULL) != 0)
                return (DWORD) WSAGetLastError();
        udp_take_asked(&message, ret_asked);
        if (ret_asked->family == IP_FAMILY_NONE)
                return WSAEOPNOTSUPP;
        udp_put_asked(&control, ret_asked);
        message.Control = (WSABUF){.len = sizeof(control), .buf = control.bytes};
        message.dwFlags = 0;
        return send(s, &message, 0, &n, NULL, NULL) == 0 ? 0 : (DWORD) WSAGetLastError();
}
