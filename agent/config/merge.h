/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to config*.c: service by service into one Config, with what can be wrong between files:
 * the same endpoint twice, and too much in total. Pure.
 *
 * Services come in the order of their names. One that clashes with an earlier one is left out, and
 * then clashes with nobody itself.
 */

#include "agent/config/service-file.h"

typedef struct ListenOwner { /* where a listen of the Config was written */
        uint32_t service;    /* in Config.services */
        unsigned line;
} ListenOwner;

typedef struct EndpointSlot { /* of an open-addressing hash table */
        uint32_t listen;      /* 1 + index in Config.wire.listens, 0 = free */
        uint16_t port;
} EndpointSlot;

typedef struct ConfigMerge {
        Config *config; /* borrowed */

        /* owned */
        ListenOwner *owners; /* as Config.wire.listens */
        EndpointSlot *slots;

        /* state */
        size_t n_services_allocated, n_enabled_allocated, n_listens_allocated, n_owners_allocated,
                n_remotes_allocated;
        uint32_t n_endpoints;
        size_t n_bytes; /* of the services in STATE, see docs/protocol.md */
} ConfigMerge;

/* Room that the services may take in STATE: the rest is for what else it says, at its longest
 * (sequence, mode, interface name, two addresses with gateway, count of services). */
#define CONFIG_STATE_BYTES_MAX (WIRE_STATE_PAYLOAD_MAX - 128u)

void config_merge_done(ConfigMerge *m);

/**
 * config_merge_add() - take a service that has no problem of its own
 * @name: later than that of the call before
 * @file: path for people
 * @problems: where the file was announced with config_problems_begin()
 *
 * Return: 0, also when it was left out with a problem, or -ENOMEM.
 */
int config_merge_add(ConfigMerge *m, const char *name, const char *file, const ServiceFile *s,
                     ConfigProblems *problems);
