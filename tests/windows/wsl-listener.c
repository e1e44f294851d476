/* SPDX-License-Identifier: MIT */

/*
 * Listens as WSL does for its guest in some networking modes, until it is killed. The helper knows
 * the processes of WSL by the begin of their names (fact 6.2.11).
 *
 *   wsl-listener TCP-PORT UDP-PORT
 *
 * Prints a line when it does. Newer versions of Wine list only the sockets of their own programs
 * (fact 10.1.22), so that Linux's own cannot stand in for WSL's.
 */

#include <winsock2.h>

#include <stdio.h>
#include <stdlib.h>

static SOCKET bound(int type, const char *port) {
        struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((u_short) atoi(port))};
        SOCKET s = socket(AF_INET, type, 0);

        if (s == INVALID_SOCKET || bind(s, (struct sockaddr *) &addr, sizeof(addr)) != 0 ||
            (type == SOCK_STREAM && listen(s, SOMAXCONN) != 0)) {
                (void) printf("port %s: error %d\n", port, WSAGetLastError());
                exit(EXIT_FAILURE);
        }
        return s;
}

int main(int argc, char **argv) {
        WSADATA data;

        if (argc != 3 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
                return EXIT_FAILURE;
        (void) bound(SOCK_STREAM, argv[1]);
        (void) bound(SOCK_DGRAM, argv[2]);
        (void) puts("listening");
        (void) fflush(stdout);
        Sleep(INFINITE);
        return EXIT_SUCCESS;
}
