/* SPDX-License-Identifier: MIT */

/*
 * The tables of TCP listeners and UDP sockets from the IP Helper API.
 */

#include "windows-helper/host/port-table.h"
#include "windows-helper/win/ip-helper.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/win.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PORT_TABLE_ATTEMPTS 5 /* it may grow after the query of its size (fact 9.3.8) */

/* Room that is offered at once, so that one call is enough: the least, and more than the last time
 * by one part in so many. Each call may look for the process of every socket (fact 10.1.18). */
#define PORT_TABLE_SIZE_LEAST 16384
#define PORT_TABLE_MORE       4

/* One of the four tables. Each is a DWORD with the number of rows, and the rows. */
typedef struct PortTableForm {
        bool udp;
        uint8_t family;
        unsigned table;               /* its bit: LISTENING_TCP_V4 … */
        size_t size, addr, port, pid; /* of a row, and where in it */
} PortTableForm;

#define PORT_TABLE_FORM(udp, family, table, row, addr)                                            \
        {                                                                                         \
                udp, family, table, sizeof(row), offsetof(row, addr), offsetof(row, dwLocalPort), \
                        offsetof(row, dwOwningPid)                                                \
        }

static const PortTableForm port_tables[] = {
        PORT_TABLE_FORM(false, IP_FAMILY_V4, LISTENING_TCP_V4, MIB_TCPROW_OWNER_PID, dwLocalAddr),
        PORT_TABLE_FORM(false, IP_FAMILY_V6, LISTENING_TCP_V6, MIB_TCP6ROW_OWNER_PID, ucLocalAddr),
        PORT_TABLE_FORM(true, IP_FAMILY_V4, LISTENING_UDP_V4, MIB_UDPROW_OWNER_PID, dwLocalAddr),
        PORT_TABLE_FORM(true, IP_FAMILY_V6, LISTENING_UDP_V6, MIB_UDP6ROW_OWNER_PID, ucLocalAddr),
};

/* The room for each table, from what it had the last time. */
static DWORD port_table_sizes[ARRAYSIZE(port_tables)];

/* Return: the table, to be freed by the caller; or NULL. @ret_error: the Win32 error. */
static BYTE *port_table_get(const PortTableForm *form, DWORD *ret_error) {
        ULONG family = form->family == IP_FAMILY_V6 ? AF_INET6 : AF_INET;
        DWORD size = port_table_sizes[form - port_tables], error = ERROR_INSUFFICIENT_BUFFER;
        BYTE *table = NULL;

        if (ip_helper_load() < 0) {
                *ret_error = ERROR_PROC_NOT_FOUND;
                return NULL;
        }
        if (size < PORT_TABLE_SIZE_LEAST)
                size = PORT_TABLE_SIZE_LEAST;

        for (int i = 0; i < PORT_TABLE_ATTEMPTS && error == ERROR_INSUFFICIENT_BUFFER; i++) {
                free(table);
                table = malloc(size);
                if (!table) {
                        error = ERROR_OUTOFMEMORY;
                        break;
                }
                error = form->udp ? ip_helper.get_udp_table(table, &size, FALSE, family,
                                                            UDP_TABLE_OWNER_PID, 0)
                                  : ip_helper.get_tcp_table(table, &size, FALSE, family,
                                                            TCP_TABLE_OWNER_PID_LISTENER, 0);
        }
        *ret_error = error;
        if (error == ERROR_SUCCESS)
                return table;
        free(table);
        return NULL;
}

/* A port is in the low half of a DWORD, in network byte order. */
static int port_table_add_row(const PortTableForm *form, const BYTE *row, ListeningTable *table) {
        IpEndpoint e = {.addr.family = form->family, .udp = form->udp};
        u_short port;
        DWORD pid;

        memcpy(e.addr.bytes, row + form->addr, ip_family_bits(form->family) / 8);
        memcpy(&port, row + form->port, sizeof(port));
        memcpy(&pid, row + form->pid, sizeof(pid));
        e.port = ntohs(port);
        return listening_table_add(table, &e, pid);
}

static int port_table_add(const PortTableForm *form, ListeningTable *table) {
        DWORD error, n;
        BYTE *t = port_table_get(form, &error);
        int r = 0;

        if (!t && form->family == IP_FAMILY_V6) /* a Windows without IPv6 does not have it */
                return 0;
        if (!t)
                return log_win_error(error, "Cannot read the table of %s sockets",
                                     form->udp ? "UDP" : "listening TCP");
        memcpy(&n, t, sizeof(n));
        port_table_sizes[form - port_tables] =
                (DWORD) (sizeof(n) + (n + n / PORT_TABLE_MORE) * form->size);
        for (DWORD i = 0; r == 0 && i < n; i++)
                r = port_table_add_row(form, t + sizeof(n) + i * form->size, table);
        free(t);
        return r;
}

/* No forwarder reports that a port is taken. Only these tables tell who listens (fact 4.3.1). */
int port_table_read(unsigned tables, ListeningTable *table) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAYSIZE(port_tables); i++)
                if (tables & port_tables[i].table)
                        r = port_table_add(&port_tables[i], table);
        return r;
}

void port_table_process_name(uint32_t pid, char *ret_name, size_t size) {
        wchar_t path[MAX_PATH], *name;
        DWORD n = ARRAYSIZE(path);
        HANDLE process;
        char *text = NULL;

        ret_name[0] = '\0';
        process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
        if (!process)
                return;
        if (QueryFullProcessImageNameW(process, 0, path, &n)) {
                name = wcsrchr(path, L'\\');
                name = name ? name + 1 : path;
                if (win_from_wide(name, wcslen(name), &text) == 0 && strlen(text) < size)
                        memcpy(ret_name, text, strlen(text) + 1);
                free(text);
        }
        (void) CloseHandle(process);
}

int port_table_bind_probe(const IpEndpoint *endpoint) {
        union {
                SOCKADDR header;
                SOCKADDR_IN v4;
                SOCKADDR_IN6 v6;
        } a = {0};
        bool v4 = endpoint->addr.family == IP_FAMILY_V4;
        SOCKET s;
        int r = 0;

        if (v4) {
                a.v4.sin_family = AF_INET;
                a.v4.sin_port = htons(endpoint->port);
                memcpy(&a.v4.sin_addr, endpoint->addr.bytes, 4);
        } else {
                a.v6.sin6_family = AF_INET6;
                a.v6.sin6_port = htons(endpoint->port);
                memcpy(&a.v6.sin6_addr, endpoint->addr.bytes, 16);
        }
        s = WSASocketW(a.header.sa_family, endpoint->udp ? SOCK_DGRAM : SOCK_STREAM,
                       endpoint->udp ? IPPROTO_UDP : IPPROTO_TCP, NULL, 0,
                       WSA_FLAG_NO_HANDLE_INHERIT);
        if (s == INVALID_SOCKET)
                return win_errno((DWORD) WSAGetLastError());
        if (bind(s, &a.header, v4 ? sizeof(a.v4) : sizeof(a.v6)) != 0) {
                switch (WSAGetLastError()) {
                case WSAEADDRINUSE:
                        r = -EADDRINUSE;
                        break;
                case WSAEACCES: /* Windows has reserved the port (fact 4.3.2) */
                        r = -EACCES;
                        break;
                case WSAEADDRNOTAVAIL:
                        r = -EADDRNOTAVAIL;
                        break;
                default: /* Winsock has more errors */
                        r = win_errno((DWORD) WSAGetLastError());
                        break;
                }
        }
        (void) closesocket(s);
        return r;
}
