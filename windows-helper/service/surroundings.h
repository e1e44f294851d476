/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the controller must know of the host, kept current: policy, keys, the PortProxy values of
 * others, the host's addresses, iphlpsvc, the firewall. Each is read at the start and again when
 * Windows says that it changed.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/service/backend.h"
#include "windows-helper/store/policy-store.h"

typedef struct Surroundings Surroundings;

/* Before the controller: what its options and its host need. @policy gets what is in force.
 * Return: 0 or negative errno (logged). */
int surroundings_new(Surroundings **ret_facts, Loop *loop, Backend *host, Policy *ret_policy);

/* From now on @controller, borrowed, is told. Return: 0 or negative errno (logged). */
int surroundings_start(Surroundings *f, Controller *controller);

/* The machine has resumed: whatever notification was lost in its sleep, look at all again. */
void surroundings_refresh(Surroundings *f);

/* Takes NULL, returns NULL. The loop must not turn afterwards. */
Surroundings *surroundings_free(Surroundings *f);

void surroundings_tick(Surroundings *f, uint64_t now_usec);
uint64_t surroundings_deadline(const Surroundings *f);

/* Firewall rules are changed in slices: do all that is left, before the end. */
void surroundings_finish(Surroundings *f);

const Policy *surroundings_policy(const Surroundings *f);
const PolicyOrigin *surroundings_policy_origin(const Surroundings *f);
const char *surroundings_firewall_problem(const Surroundings *f); /* "" when all is well */
uint64_t surroundings_generation(const Surroundings *f); /* grows when one of these three changes */
