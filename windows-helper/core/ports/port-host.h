/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What verifying port forwardings needs from the host: who listens where, and why nobody else
 * could.
 */

#include "windows-helper/core/ports/listening.h"

/* Each function gets .userdata. */
typedef struct PortHost {
        void *userdata;

        /* The host's sockets in @tables (LISTENING_TCP_V4 …), which listen or are bound, and the
         * processes of iphlpsvc and of the relay. Return: 0, negative errno, or -ENOSYS when this
         * cannot be known here; then nothing is verified. */
        int (*listening_read)(void *userdata, unsigned tables, ListeningTable *table);

        /* The program name of a process, for people: "python.exe"; "" when it cannot be found. */
        void (*process_name)(void *userdata, uint32_t pid, char *ret_name, size_t size);

        /* The services of Windows that run in a process: "A, B"; "" when there is none. */
        void (*process_services)(void *userdata, uint32_t pid, char *ret_names, size_t size);

        /* Whether a socket could be bound to @endpoint. Return: 0 if it could; -EADDRINUSE;
         * -EACCES when the port is in an excluded range (fact 4.3.2); -EADDRNOTAVAIL when the host
         * does not have the address now. */
        int (*bind_probe)(void *userdata, const IpEndpoint *endpoint);
} PortHost;
