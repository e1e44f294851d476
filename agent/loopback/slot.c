/* SPDX-License-Identifier: MIT */

/* Opening and closing one port of the table; see slot.h. */

#include "agent/loopback/slot.h"

#include <errno.h>
#include <string.h>

static void slot_log(const Slot *s, const Shared *shared) {
        char guest[IP_TEXT_MAX];

        ip_format(&shared->host.guest, guest);
        journal_fields(
                shared->journal, LOG_WARNING, FIELDS(.error = s->error),
                "Cannot listen on port %u/%s of %s: %s%s; trying again", (unsigned) s->port.port,
                s->port.udp ? "udp" : "tcp", guest, strerrordesc_np(s->error),
                s->error == EADDRINUSE ? ". If it is the service that listens there, it gets the "
                                         "connections directly"
                                       : "");
}

/* Once, because it is the kernel or the sandbox, which stay as they are. */
static void slot_log_unbound(Shared *shared) {
        char gateway[IP_TEXT_MAX];

        shared->unbound_logged = true;
        ip_format(&shared->host.gateway, gateway);
        journal_fields(shared->journal, LOG_WARNING, FIELDS(.error = EPERM),
                       "Cannot listen on %s only: %s. A machine that has the address %s on another "
                       "network of this guest is let in, too",
                       shared->host.interface, strerrordesc_np(EPERM), gateway);
}

void slot_open(Slot *s, Shared *shared) {
        int r;

        if (s->tcp || s->udp)
                return;
        r = s->port.udp ? udp_port_new(&s->udp, shared, &s->port)
                        : tcp_port_new(&s->tcp, shared, &s->port);
        if (r < 0 && s->error != -r) {
                s->error = -r;
                slot_log(s, shared);
        }
        s->error = r < 0 ? -r : 0;
        if (shared->unbound && !shared->unbound_logged)
                slot_log_unbound(shared);
}

void slot_close(Slot *s) {
        s->tcp = tcp_port_free(s->tcp);
        s->udp = udp_port_free(s->udp);
}

void slot_resume(Slot *s) {
        if (s->tcp)
                tcp_port_resume(s->tcp);
}
