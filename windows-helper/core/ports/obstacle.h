/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Why a forwarder does not listen on an endpoint: what has the port instead of it.
 */

#include "windows-helper/core/base/holder.h"
#include "windows-helper/core/ports/port-host.h"

#include "protocol/wire/wire.h"

/* How far to each side the edges of an excluded range are sought. */
#define OBSTACLE_RANGE_MAX 1024

typedef struct Obstacles {
        const PortHost *host;        /* borrowed, as … */
        const ListeningTable *table; /* … this; sorted */
        /* the excluded range found last; no port is 0 */
        uint16_t range_first, range_last;
        bool range_udp;
        Holder holder; /* asked about last: one program may have many ports */
        /* If nobody is named as the holder of a port, it may be the forwarder, which began to
         * listen after the table was read. So such an obstacle counts only when it is seen twice.
         */
        bool unnamed_before; /* the last look saw one */
        bool unnamed;        /* this look sees one */
} Obstacles;

#define OBSTACLE_TAKES 3 /* from here on, nobody else can have the endpoint */

/* How well a socket of another process explains that a forwarder cannot listen; 0: not at all. A
 * more specific socket, such as wslrelay's on 127.0.0.1, does not keep a forwarder from listening
 * on all addresses (fact 4.3.4). */
unsigned obstacle_overlap(const IpEndpoint *a, const IpEndpoint *listen);

/* The socket that explains it best, or NULL. @but: the process that does not count; 0: none. */
const Listening *obstacle_holder(const Obstacles *o, const IpEndpoint *listen, uint32_t but);

/* How the process that has a port is called, as far as Windows says. */
const Holder *obstacle_who(Obstacles *o, const Listening *holder);

/* Worsen @result: @holder has the port. @text: the endpoint */
void obstacle_blame_holder(Obstacles *o, const Listening *holder, WireServiceResult *result,
                           const char *text);

/**
 * obstacle_find() - look for what keeps @process from listening on @listen
 * @text: the endpoint
 *
 * Return: true when there is an obstacle; then @result says which. False with .unnamed: look again.
 */
bool obstacle_find(Obstacles *o, const IpEndpoint *listen, uint32_t process,
                   WireServiceResult *result, const char *text);
