/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the bridge must know of the host, kept current: policy, keys, the PortProxy values of
 * others, the host's addresses, iphlpsvc, the firewall. Each is read at the start and again when
 * Windows says that it changed.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/service/backend.h"
#include "windows-helper/store/policy-store.h"

typedef struct Facts Facts;

/* Before the bridge: what its options and its host need. @policy gets what is in force.
 * Return: 0 or negative errno (logged). */
int facts_new(Facts **ret_facts, Loop *loop, Host *host, Policy *ret_policy);

/* From now on @bridge, borrowed, is told. Return: 0 or negative errno (logged). */
int facts_start(Facts *f, Bridge *bridge);

/* The machine has resumed: whatever notification was lost in its sleep, look at all again. */
void facts_refresh(Facts *f);

/* Takes NULL, returns NULL. The loop must not turn afterwards. */
Facts *facts_free(Facts *f);

void facts_tick(Facts *f, uint64_t now_usec);
uint64_t facts_deadline(const Facts *f);

/* Firewall rules are changed in slices: do all that is left, before the end. */
void facts_finish(Facts *f);

const Policy *facts_policy(const Facts *f);
const PolicyOrigin *facts_policy_origin(const Facts *f);
const char *facts_firewall_problem(const Facts *f); /* "" when all is well */
uint64_t facts_generation(const Facts *f);          /* grows when one of these three changes */
