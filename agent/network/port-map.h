/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * PortMap: which TCP or UDP ports of the guest can be reached at its published address, as a plain
 * value. Pure: guest-ports.c fills it from a dump, tests fill it from a table.
 *
 * Only listening sockets count. A port that only the packet filter redirects (as Docker does
 * without its proxy) has no socket, and counts as not listening.
 */

#include "common/ip.h"

#define PORT_MAP_PORTS 65536

/* From best to worst: a service shows the worst of its ports. */
typedef enum GuestPort {
        GUEST_PORT_LISTENING,
        GUEST_PORT_LOOPBACK_ONLY, /* bound to 127.0.0.0/8 or ::1: the host can reach it only if
                                     something in the guest carries it there (fact 6.3.1) */
        GUEST_PORT_NOT_LISTENING, /* no program, or only on another address */
        GUEST_PORT_UNKNOWN,       /* the kernel did not answer */
        _GUEST_PORT_END,
} GuestPort;

/* One listening socket. An IPv4-mapped address may be given as such. */
typedef struct GuestListener {
        IpAddr addr; /* 0.0.0.0 and :: mean all */
        uint16_t port;
        bool v6_only; /* a socket on :: does not take IPv4 */
} GuestListener;

typedef struct PortMap { /* a bit for each port */
        bool known;      /* false: nothing is known, and the bits mean nothing */
        IpAddr address;  /* the published one, which must be reachable; NONE: any counts */
        uint8_t reachable[PORT_MAP_PORTS / 8];
        uint8_t loopback[PORT_MAP_PORTS / 8];
} PortMap;

/* Make @m the map of a machine on which nothing listens. @address: of IP_FAMILY_NONE when no
 * address is published; then every listener counts except those on loopback. */
void port_map_start(PortMap *m, const IpAddr *address);

/* Add one listening socket to the map. */
void port_map_add(PortMap *m, const GuestListener *listener);

/* The state of one port. */
GuestPort port_map_judge(const PortMap *m, uint16_t port);

/* The same for a service that is carried to the loopback. @carried: by a program of ours, whose
 * listener at the published address is not that of the service. */
GuestPort port_map_judge_loopback(const PortMap *m, uint16_t port, bool carried);

/**
 * port_map_judge_range() - the worst of @count ports from @port on
 * @ret_port: the first port that is that bad, 0 when all are listening or nothing is known
 */
GuestPort port_map_judge_range(const PortMap *m, uint16_t port, uint16_t count, uint16_t *ret_port);

/* The first @max ports that can be reached, in their order. Return: how many there are. */
size_t port_map_list(const PortMap *m, uint16_t *ret_ports, size_t max);

/* "listening", "loopback-only", "not-listening", "unknown" */
const char *guest_port_name(GuestPort port);
