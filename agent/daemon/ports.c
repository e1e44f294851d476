/* SPDX-License-Identifier: MIT */

/* Whether programs of the guest listen where the services lead to. */

#include "agent/daemon/agent-private.h"
#include "agent/daemon/port-news.h"

#include "agent/network/guest-ports.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static void agent_log_port(Agent *a, const char *name, const StatusService *s) {
        bool loopback = s->guest == GUEST_PORT_LOOPBACK_ONLY;
        /* In the other modes this key would withdraw the service; see mode_stops_loopback(). */
        bool carried = agent_reach(a) == WIRE_REACH_FORWARDED;

        journal_fields(&a->journal, loopback ? LOG_WARNING : LOG_NOTICE,
                       FIELDS(.id = MESSAGE_SERVICE_PROBLEM, .service = name,
                              .state = guest_port_name(s->guest)),
                       loopback ? "Port %u of service '%s' accepts connections from inside this "
                                  "guest only: let its program listen on 0.0.0.0, or on this "
                                  "guest's address, instead of 127.0.0.1%s"
                                : "No program in this guest listens on port %u of service '%s' "
                                  "where the host can reach it; it works only if a rule of the "
                                  "kernel (DNAT) leads it elsewhere, as for a container%s",
                       (unsigned) s->guest_port, name,
                       loopback && carried ? ", or add 'connect = loopback' to the service" : "");
}

/* Whether the listener at the guest's address is ours. It may be there before the report about it.
 */
static bool is_carried(const Agent *a, LoopbackPort port) {
        int error = 0;

        if (!a->loopback.runs)
                return false;
        if (loopback_report_has(&a->loopback.report, &a->loopback.table.host, port, &error))
                return error == 0;
        return a->loopback.missed_usec > 0;
}

/* The first port of @count that is worst. */
static GuestPort judge_loopback(const Agent *a, const PortMap *map, bool udp,
                                const WireListen *listen, uint16_t *ret_port) {
        GuestPort worst = GUEST_PORT_LISTENING;

        *ret_port = 0;
        for (uint32_t i = 0; i < listen->count; i++) {
                uint16_t port = (uint16_t) (listen->connect_port + i);
                GuestPort is = port_map_judge_loopback(map, port,
                                                       is_carried(a, (LoopbackPort){udp, port}));

                if (is > worst) {
                        worst = is;
                        *ret_port = is == GUEST_PORT_UNKNOWN ? 0 : port;
                }
        }
        return worst;
}

typedef struct PortMaps {
        PortMap tcp, udp;
} PortMaps;

static bool service_is(const WireService *service, WireOption option, uint8_t value) {
        return service->options[option] == value;
}

static GuestPort judge_service(const Agent *a, const PortMaps *maps, const WireService *service,
                               uint16_t *ret_port) {
        bool loopback = service_is(service, WIRE_OPTION_CONNECT, WIRE_CONNECT_LOOPBACK);
        bool udp = service_is(service, WIRE_OPTION_PROTOCOL, WIRE_PROTOCOL_UDP);
        const PortMap *map = udp ? &maps->udp : &maps->tcp;
        GuestPort worst = GUEST_PORT_LISTENING;

        *ret_port = 0;
        for (uint32_t i = 0; i < service->n_listens; i++) {
                const WireListen *l = &a->config.current->wire.listens[service->first_listen + i];
                uint16_t port;
                GuestPort is =
                        loopback ? judge_loopback(a, map, udp, l, &port)
                                 : port_map_judge_range(map, l->connect_port, l->count, &port);

                if (is > worst) {
                        worst = is;
                        *ret_port = port;
                }
        }
        return worst;
}

/* UDP costs a second dump, so only where there is such a service, or where every port counts. */
static void read_maps(const Agent *a, PortMaps *ret_maps) {
        const WireState *wire = &a->config.current->wire;
        bool udp = agent_reach(a) == WIRE_REACH_OWN;

        for (uint32_t i = 0; i < wire->n_services && !udp; i++)
                udp = service_is(&wire->services[i], WIRE_OPTION_PROTOCOL, WIRE_PROTOCOL_UDP);
        (void) guest_ports_read(&agent_published(a)->addr, false, &ret_maps->tcp);
        if (udp)
                (void) guest_ports_read(&agent_published(a)->addr, true, &ret_maps->udp);
}

static bool ports_differ(const StatusPorts *a, const StatusPorts *b) {
        return a->n != b->n || memcmp(a->ports, b->ports, sizeof(a->ports)) != 0;
}

/* Return: whether other ports than before can be reached at the guest's own address. */
static bool take_listening(Agent *a, const PortMaps *maps) {
        const StatusListening was = a->ports.listening;
        StatusListening *l = &a->ports.listening;

        *l = (StatusListening){.known = maps->tcp.known && maps->udp.known &&
                                        agent_reach(a) == WIRE_REACH_OWN};
        if (l->known) {
                l->tcp.n = port_map_list(&maps->tcp, l->tcp.ports, STATUS_LISTENING_MAX);
                l->udp.n = port_map_list(&maps->udp, l->udp.ports, STATUS_LISTENING_MAX);
        }
        return l->known != was.known || ports_differ(&l->tcp, &was.tcp) ||
               ports_differ(&l->udp, &was.udp);
}

/* When the kernel does not answer, the agent goes on, and the status says 'unknown'. */
static int agent_on_check_ports(void *userdata) {
        Agent *a = userdata;
        const WireState *wire = &a->config.current->wire;
        size_t n_news = 0;
        bool changed;
        PortMaps *maps;

        /* Neither the stack nor the heap would give these pages back, and nothing else needs as
         * many. */
        maps = mmap(NULL, sizeof(*maps), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0);
        if (maps == MAP_FAILED)
                return -errno;
        read_maps(a, maps);
        changed = take_listening(a, maps);
        for (size_t i = 0; i < a->config.current->n_services; i++) {
                const ConfigService *service = &a->config.current->services[i];
                StatusService *s = &a->services.states[i];
                uint16_t port;
                GuestPort is;

                if (!service->enabled)
                        continue;
                is = judge_service(a, maps, &wire->services[service->wire], &port);
                changed = changed || s->guest != is || s->guest_port != port;
                if (s->guest != is)
                        s->guest_usec = now_usec();
                s->guest = is;
                s->guest_port = port;
                if (port_is_news(s, now_usec()) && ++n_news <= AGENT_LOGGED_SERVICES)
                        agent_log_port(a, service->name, s);
        }
        (void) munmap(maps, sizeof(*maps));
        if (n_news > AGENT_LOGGED_SERVICES) {
                journal_line(&a->journal, LOG_NOTICE,
                             "%zu more services have no program that listens for them where the "
                             "host can reach it, and work only if rules of the kernel (DNAT) lead "
                             "elsewhere; see %s/%s",
                             n_news - AGENT_LOGGED_SERVICES, a->report.directory, STATUS_FILE);
        }
        if (changed)
                agent_report_later(a);
        return 0;
}

int agent_new_ports(Agent *a) {
        return deferred_work_new(&a->ports.check, a->event, agent_on_check_ports, a);
}

void agent_done_ports(Agent *a) {
        deferred_work_free(a->ports.check);
}
