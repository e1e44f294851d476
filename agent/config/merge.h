/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: merges one service after the other into one Config, and finds what can
 * be wrong between files: the same endpoint twice, and too much in total. Pure.
 *
 * Services come in the order of their names. A service that clashes with an earlier one is left
 * out; later services can then not clash with it.
 */

#include "agent/config/service-file.h"

typedef struct ListenOwner { /* where a listen of the Config comes from */
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

/* The room of the services in STATE. The rest is for its other members at their longest: sequence,
 * mode, name of the interface, two addresses with gateway, number of services. */
#define CONFIG_STATE_BYTES_MAX (WIRE_STATE_PAYLOAD_MAX - 128u)

void config_merge_done(ConfigMerge *m);

/**
 * config_merge_add() - add a service that has no problem of its own
 * @name: sorts after that of the previous call
 * @file: path for people
 * @problems: the file was announced to it with config_problems_begin()
 *
 * Return: 0, also when it was left out with a problem, or -ENOMEM.
 */
int config_merge_add(ConfigMerge *m, const char *name, const char *file, const ServiceFile *s,
                     ConfigProblems *problems);
