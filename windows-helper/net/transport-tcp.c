/* SPDX-License-Identifier: MIT */

/*
 * TCP on 127.0.0.1, which replaces AF_HYPERV where there is no Hyper-V: under Wine (fact 10.1.1).
 * It is compiled only with -Dtest-transport=enabled, because on a real host any local user could
 * connect.
 */

#include "common/ip.h"
#include "windows-helper/net/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int transport_tcp_parse(const char *text, TransportAddress *ret_address) {
        static const char host[] = "127.0.0.1:";
        SOCKADDR_IN sin = {.sin_family = AF_INET};
        unsigned long port;
        char *end;

        if (strncmp(text, host, sizeof(host) - 1) != 0)
                return -EINVAL;
        text += sizeof(host) - 1;
        port = strtoul(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0' || port > UINT16_MAX)
                return -EINVAL;
        sin.sin_port = htons((u_short) port);
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *ret_address = (TransportAddress){.size = sizeof(sin)};
        memcpy(ret_address->bytes, &sin, sizeof(sin));
        return 0;
}

static void transport_tcp_format(const TransportAddress *address,
                                 char ret_text[TRANSPORT_TEXT_MAX]) {
        SOCKADDR_IN sin;

        memcpy(&sin, address->bytes, sizeof(sin));
        (void) snprintf(ret_text, TRANSPORT_TEXT_MAX, "127.0.0.1:%u", ntohs(sin.sin_port));
}

static int transport_tcp_prepare(SOCKET socket, bool listening) {
        BOOL yes = TRUE;
        int option = listening ? SO_EXCLUSIVEADDRUSE : TCP_NODELAY;

        /* Small frames go both ways. Without NODELAY they would wait for acknowledgements. */
        return setsockopt(socket, listening ? SOL_SOCKET : IPPROTO_TCP, option, (char *) &yes,
                          sizeof(yes)) == 0
                       ? 0
                       : WSAGetLastError();
}

const Transport transport_tcp = {
        .name = "tcp",
        .family = AF_INET,
        .protocol = IPPROTO_TCP,
        .parse = transport_tcp_parse,
        .format = transport_tcp_format,
        .prepare = transport_tcp_prepare,
};
