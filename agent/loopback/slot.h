/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Slot: one port of the table, open or with the reason why it is not.
 */

#include "agent/loopback/tcp-port.h"
#include "agent/loopback/udp-port.h"

typedef struct Slot {
        LoopbackPort port;
        TcpPort *tcp; /* owned; one of the two, unless there is an error */
        UdpPort *udp;
        int error; /* positive errno of the last try; 0: open, or not tried */
} Slot;

/* Listen, unless it does. A new error is logged. */
void slot_open(Slot *s, Shared *shared);

/* Reset its connections and close it. */
void slot_close(Slot *s);

/* Accept again, if it had to pause. */
void slot_resume(Slot *s);
