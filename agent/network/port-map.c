/* SPDX-License-Identifier: MIT */

/* Judging listening sockets by the published address; see port-map.h. */

#include "agent/network/port-map.h"

#include <string.h>

static void bit_set(uint8_t *bits, uint16_t port) {
        bits[port / 8] = (uint8_t) (bits[port / 8] | (1u << (port % 8)));
}

static bool bit_get(const uint8_t *bits, uint16_t port) {
        return bits[port / 8] & (1u << (port % 8));
}

/* An IPv6 socket that is bound to 192.0.2.1 shows it as ::ffff:192.0.2.1. */
static IpAddr unmap(const IpAddr *addr) {
        return ip_is_v4_mapped(addr)
                       ? ip_v4(addr->bytes[12], addr->bytes[13], addr->bytes[14], addr->bytes[15])
                       : *addr;
}

/* Whether a connection to @address arrives at a socket bound to @addr. */
static bool takes(const IpAddr *addr, bool v6_only, const IpAddr *address) {
        if (address->family == IP_FAMILY_NONE)
                return true;
        if (!ip_is_any(addr))
                return ip_compare(addr, address) == 0;
        return addr->family == address->family ||
               (addr->family == IP_FAMILY_V6 && address->family == IP_FAMILY_V4 && !v6_only);
}

void port_map_start(PortMap *m, const IpAddr *address) {
        memset(m, 0, sizeof(*m));
        m->known = true;
        m->address = *address;
}

void port_map_add(PortMap *m, const GuestListener *listener) {
        IpAddr addr = unmap(&listener->addr);

        if (ip_is_loopback(&addr))
                bit_set(m->loopback, listener->port);
        else if (takes(&addr, listener->v6_only, &m->address))
                bit_set(m->reachable, listener->port);
}

GuestPort port_map_judge(const PortMap *m, uint16_t port) {
        if (!m->known)
                return GUEST_PORT_UNKNOWN;
        if (bit_get(m->reachable, port))
                return GUEST_PORT_LISTENING;
        return bit_get(m->loopback, port) ? GUEST_PORT_LOOPBACK_ONLY : GUEST_PORT_NOT_LISTENING;
}

GuestPort port_map_judge_loopback(const PortMap *m, uint16_t port, bool carried) {
        if (!m->known)
                return GUEST_PORT_UNKNOWN;
        return bit_get(m->loopback, port) || (!carried && bit_get(m->reachable, port))
                       ? GUEST_PORT_LISTENING
                       : GUEST_PORT_NOT_LISTENING;
}

GuestPort port_map_judge_range(const PortMap *m, uint16_t port, uint16_t count,
                               uint16_t *ret_port) {
        GuestPort worst = GUEST_PORT_LISTENING;

        *ret_port = 0;
        if (!m->known)
                return GUEST_PORT_UNKNOWN;
        for (uint32_t p = port; p < (uint32_t) port + count && p < PORT_MAP_PORTS; p++) {
                GuestPort is = port_map_judge(m, (uint16_t) p);

                if (is > worst) {
                        worst = is;
                        *ret_port = (uint16_t) p;
                }
        }
        return worst;
}

size_t port_map_list(const PortMap *m, uint16_t *ret_ports, size_t max) {
        size_t n = 0;

        for (uint32_t p = 0; m->known && p < PORT_MAP_PORTS; p++) {
                if (!bit_get(m->reachable, (uint16_t) p))
                        continue;
                if (n < max)
                        ret_ports[n] = (uint16_t) p;
                n++;
        }
        return n;
}

const char *guest_port_name(GuestPort port) {
        static const char *const names[_GUEST_PORT_END] = {
                [GUEST_PORT_LISTENING] = "listening",
                [GUEST_PORT_LOOPBACK_ONLY] = "loopback-only",
                [GUEST_PORT_NOT_LISTENING] = "not-listening",
                [GUEST_PORT_UNKNOWN] = "unknown",
        };

        return names[port];
}
