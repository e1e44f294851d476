/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What all ports of the program share: the event loop, the log, the host that is let in, and the
 * limits in all.
 */

#include "agent/loopback/pipes.h"
#include "agent/loopback/table/table.h"
#include "agent/util/journal.h"
#include "common/log-limit.h"

#include <systemd/sd-event.h>

/*
 * At a limit of connections, accepting pauses, and the host's connections wait in the kernel's
 * queue. A connection takes at most two pipes, and an ordinary user gets 64 MiB of them from the
 * kernel, then 8 KiB for each. So the pipes of all connections, all stuck, hold less than 100 MiB.
 * The kernel's buffers of the sockets take at most 400 MiB more; see buffers.h.
 */
#define CONNECTIONS_MAX      2048
#define PORT_CONNECTIONS_MAX 1536 /* of one port, so that it cannot take those of all others */
#define SESSIONS_MAX         8192 /* of UDP */
#define PORT_SESSIONS_MAX    4096

#define STRANGERS_LOGGED 5 /* lines at once about peers that are not the host */

typedef struct Shared {
        sd_event *event;        /* borrowed */
        const Journal *journal; /* borrowed */
        LoopbackHost host;      /* of the table in force */
        Pipes pipes;
        unsigned n_connections, n_sessions;
        LogLimit strangers;
        bool unbound; /* a port is not bound to the host's interface */
        bool unbound_logged;

        /* Called when one of CONNECTIONS_MAX is free again. */
        void (*on_room)(void *userdata);
        /* Called at SESSIONS_MAX: end one session without an answer, of the port that has most of
         * them. Return: false when all were answered. */
        bool (*on_full)(void *userdata);
        /* Called when the last connection and the last session have ended. */
        void (*on_idle)(void *userdata);
        void *userdata;
} Shared;
