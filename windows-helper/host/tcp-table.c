/* SPDX-License-Identifier: MIT */

/*
 * The table of TCP listeners from the IP Helper API.
 */

#include "windows-helper/host/tcp-table.h"
#include "windows-helper/win/ip-helper.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/win.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TCP_TABLE_ATTEMPTS 5 /* it may grow after the query of its size (fact 9.3.8) */

/* Return: the table, to be freed by the caller; or NULL. @ret_error: the Win32 error. */
static void *tcp_table_get(ULONG family, DWORD *ret_error) {
        DWORD size = 16384, error = ERROR_INSUFFICIENT_BUFFER;
        void *table = NULL;

        for (int i = 0; i < TCP_TABLE_ATTEMPTS && error == ERROR_INSUFFICIENT_BUFFER; i++) {
                free(table);
                table = malloc(size);
                if (!table) {
                        error = ERROR_OUTOFMEMORY;
                        break;
                }
                error = ip_helper.get_tcp_table(table, &size, FALSE, family,
                                                TCP_TABLE_OWNER_PID_LISTENER, 0);
        }
        *ret_error = error;
        if (error == ERROR_SUCCESS)
                return table;
        free(table);
        return NULL;
}

/* A port is in the low half of a DWORD, in network byte order. */
static uint16_t tcp_table_port(DWORD port) {
        return ntohs((u_short) port);
}

static int tcp_table_add_v4(ListeningTable *table) {
        DWORD error;
        MIB_TCPTABLE_OWNER_PID *t = tcp_table_get(AF_INET, &error);
        int r = 0;

        if (!t)
                return log_win_error(error, "Cannot read the table of TCP listeners");
        for (DWORD i = 0; r == 0 && i < t->dwNumEntries; i++) {
                IpEndpoint e = {.addr.family = IP_FAMILY_V4,
                                .port = tcp_table_port(t->table[i].dwLocalPort)};

                memcpy(e.addr.bytes, &t->table[i].dwLocalAddr, 4);
                r = listening_table_add(table, &e, t->table[i].dwOwningPid);
        }
        free(t);
        return r;
}

static int tcp_table_add_v6(ListeningTable *table) {
        DWORD error;
        MIB_TCP6TABLE_OWNER_PID *t = tcp_table_get(AF_INET6, &error);
        int r = 0;

        if (!t) /* a Windows without IPv6 does not have this table */
                return 0;
        for (DWORD i = 0; r == 0 && i < t->dwNumEntries; i++) {
                IpEndpoint e = {.addr.family = IP_FAMILY_V6,
                                .port = tcp_table_port(t->table[i].dwLocalPort)};

                memcpy(e.addr.bytes, t->table[i].ucLocalAddr, 16);
                r = listening_table_add(table, &e, t->table[i].dwOwningPid);
        }
        free(t);
        return r;
}

/* iphlpsvc reports no error when a port is taken. Only this table tells who listens (fact 4.3.1).
 */
int tcp_table_read(ListeningTable *table) {
        int r = tcp_table_add_v4(table);

        return r < 0 ? r : tcp_table_add_v6(table);
}

void tcp_table_process_name(uint32_t pid, char *ret_name, size_t size) {
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

int tcp_table_bind_probe(const IpEndpoint *endpoint) {
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
        s = WSASocketW(a.header.sa_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
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
