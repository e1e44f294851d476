/* SPDX-License-Identifier: MIT */

/* What has become of a service that is to be carried to the loopback; see outcome.h. */

#include "agent/loopback/table/outcome.h"

#include <errno.h>
#include <string.h>

static bool in_table(const LoopbackTable *t, const LoopbackPort *port) {
        for (size_t i = 0; i < t->n_ports; i++)
                if (loopback_port_compare(&t->ports[i], port) == 0)
                        return true;
        return false;
}

static LoopbackOutcome port_outcome(const LoopbackSituation *s, const LoopbackPort *port) {
        LoopbackOutcome o = {.state = LOOPBACK_CARRIED};
        int error = 0;

        if (!in_table(s->table, port))
                return (LoopbackOutcome){.state = LOOPBACK_NO_ROOM, .port = port->port};
        if (!s->report || !loopback_report_has(s->report, &s->table->host, *port, &error))
                o.state = s->starting ? LOOPBACK_STARTING : LOOPBACK_NOT_RUNNING;
        if (error)
                o = (LoopbackOutcome){.state = error == EADDRINUSE ? LOOPBACK_DIRECT
                                                                   : LOOPBACK_FAILED,
                                      .port = port->port,
                                      .error = (uint16_t) error};
        return o;
}

LoopbackOutcome loopback_outcome(const LoopbackSituation *s, bool udp, uint16_t first,
                                 uint16_t count) {
        LoopbackOutcome worst = {.state = LOOPBACK_NOT_ASKED};

        if (s->host_problem)
                return (LoopbackOutcome){.state = LOOPBACK_NO_HOST};
        for (uint32_t p = first; p < (uint32_t) first + count && p <= UINT16_MAX; p++) {
                LoopbackPort port = {.udp = udp, .port = (uint16_t) p};

                worst = loopback_worse(worst, port_outcome(s, &port));
        }
        return worst;
}

LoopbackOutcome loopback_worse(LoopbackOutcome x, LoopbackOutcome y) {
        return y.state > x.state ? y : x;
}

const char *loopback_state_name(uint8_t state) {
        static const char *const names[_LOOPBACK_STATE_END] = {
                [LOOPBACK_NOT_ASKED] = "",        [LOOPBACK_CARRIED] = "carried",
                [LOOPBACK_STARTING] = "starting", [LOOPBACK_DIRECT] = "direct",
                [LOOPBACK_FAILED] = "failed",     [LOOPBACK_NOT_RUNNING] = "not-running",
                [LOOPBACK_NO_ROOM] = "no-room",   [LOOPBACK_NO_HOST] = "no-host",
        };

        return state < _LOOPBACK_STATE_END ? names[state] : "";
}

void loopback_outcome_text(const LoopbackOutcome *o, const char *host_problem, Buffer *out) {
        switch ((LoopbackState) o->state) {
        case LOOPBACK_NOT_ASKED:
        case LOOPBACK_CARRIED:
        case LOOPBACK_STARTING:
        case _LOOPBACK_STATE_END:
                break;
        case LOOPBACK_DIRECT:
                buffer_printf(out,
                              "another program of this guest has port %u of its address and gets "
                              "the connections; if it is the service itself, 'connect = loopback' "
                              "is not needed",
                              (unsigned) o->port);
                break;
        case LOOPBACK_FAILED:
                buffer_printf(out,
                              "wslbridge-loopback cannot listen on port %u (%s), so nothing is "
                              "carried to 127.0.0.1 there",
                              (unsigned) o->port, strerror(o->error));
                break;
        case LOOPBACK_NOT_RUNNING:
                buffer_printf(out, "wslbridge-loopback, which carries connections to 127.0.0.1, "
                                   "does not run, or has not taken what it is to carry; "
                                   "'systemctl status wslbridge-loopback' shows why");
                break;
        case LOOPBACK_NO_ROOM:
                buffer_printf(out,
                              "port %u is not carried to 127.0.0.1, because services together have "
                              "more than %u such ports",
                              (unsigned) o->port, LOOPBACK_PORTS_MAX);
                break;
        case LOOPBACK_NO_HOST:
                buffer_printf(out, "nothing is carried to 127.0.0.1, because this guest %s",
                              host_problem ? host_problem : "does not know its host");
                break;
        }
}
