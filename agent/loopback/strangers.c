/* SPDX-License-Identifier: MIT */

/* Telling an administrator who was turned away, and that the host may have another address than
 * expected. */

#include "agent/loopback/strangers.h"

#include "agent/util/cleanup.h"

#include <stdio.h>

void strangers_log(Shared *shared, const LoopbackPort *port, const IpAddr *peer) {
        char stranger[IP_TEXT_MAX], gateway[IP_TEXT_MAX], more[64] = "";
        unsigned left_out = 0;

        if (!log_limit_take(&shared->strangers, STRANGERS_LOGGED, now_usec(), &left_out))
                return;
        if (left_out)
                (void) snprintf(more, sizeof(more), " (%u such line%s left out)", left_out,
                                left_out == 1 ? " was" : "s were");
        ip_format(peer, stranger);
        ip_format(&shared->host.gateway, gateway);
        journal_line(shared->journal, LOG_NOTICE,
                     "Turned %s away from port %u/%s: only the host may connect, which has the "
                     "gateway's address %s%s",
                     stranger, (unsigned) port->port, port->udp ? "udp" : "tcp", gateway, more);
}
