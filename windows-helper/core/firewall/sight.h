/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What else in Windows decides whether others reach a port, apart from our rules: the networks that
 * are connected, the state of the firewall in each profile, the rules that block, and other
 * products. It is data; host/firewall-sight.c reads it, and reach.h draws conclusions from it.
 */

#include "windows-helper/core/firewall/firewall.h"

#define FIREWALL_PRODUCT_MAX 64   /* bytes of a product's name that are kept */
#define FIREWALL_BLOCKS_MAX  1024 /* blocking rules that are kept; the rest counts as not there */

/* Any rule of the firewall, as Windows describes it. Texts are borrowed, and "" where Windows has
 * none; "*" means all. */
typedef struct FirewallSeenRule {
        const char *name;
        bool enabled, inbound, blocks;
        int32_t protocol; /* an IP protocol, or 256 for any */
        int32_t profiles; /* WIRE_PROFILE_*, or more bits for all */
        const char *local_ports, *remote_ports;
        const char *local, *remote;  /* addresses */
        const char *application;     /* path of a program */
        const char *service;         /* short name of a service; "*": any service */
        const char *package;         /* of an app; such a rule does not apply to services */
        const char *interface_types; /* "All" */
        bool interfaces;             /* it names interfaces */
} FirewallSeenRule;

/* A rule that blocks what a forwarder listens on. Texts are owned. */
typedef struct FirewallBlock {
        char *name, *ports, *local, *remote;
        uint8_t profiles;
        bool tcp, udp;         /* it blocks this protocol … */
        bool portproxy, relay; /* … on its way to this forwarder */
        bool partly;           /* only at some interfaces, or only from some ports */
} FirewallBlock;

/* Whom a rule keeps out, of those whom a service lets in. */
typedef enum FirewallWhom {
        FIREWALL_NOBODY,
        FIREWALL_SOME, /* or nobody: not all that a rule can name is known here */
        FIREWALL_EVERYBODY,
} FirewallWhom;

typedef struct FirewallSight {
        bool known;         /* false: Windows does not say; then nothing else here means anything */
        uint8_t connected;  /* WIRE_PROFILE_* of the networks that are connected; 0: none is */
        uint8_t off;        /* profiles in which the firewall is off */
        uint8_t lets_in;    /* profiles in which it lets in what no rule blocks */
        uint8_t shut;       /* profiles in which it blocks all incoming connections */
        uint8_t overridden; /* profiles in which Group Policy makes it ignore local rules */
        char product[FIREWALL_PRODUCT_MAX + 1]; /* another firewall; "": there is none */
        FirewallBlock *blocks;                  /* owned, in the order of Windows */
        size_t n_blocks;
        unsigned n_unread; /* blocking rules of a company that are not among these (fact 5.1.16) */
} FirewallSight;

#define FIREWALL_SIGHT_NULL ((FirewallSight){.known = false})

/* Add @rule to the blocks if it blocks the way to a forwarder, iphlpsvc or the relay. A rule of
 * another program, service or app does not. Return: 0 or -ENOMEM. */
int firewall_sight_add(FirewallSight *s, const FirewallSeenRule *rule);

/* @to is overwritten. Return: 0 or -ENOMEM; then @to is as before. */
int firewall_sight_copy(FirewallSight *to, const FirewallSight *from);

bool firewall_sight_equal(const FirewallSight *a, const FirewallSight *b);
void firewall_sight_done(FirewallSight *s); /* it is FIREWALL_SIGHT_NULL then */

/* Whom @b keeps out of @listen, of those whom @service lets in. */
FirewallWhom firewall_block_whom(const FirewallBlock *b, const IpEndpoint *listen,
                                 const WireState *state, const WireService *service);
