/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the controller must know about the host, kept up to date: policy, keys, foreign PortProxy
 * values, the host's addresses, iphlpsvc, the relay, the firewall. Each is read at the start, and
 * again when Windows reports a change.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/service/backend.h"
#include "windows-helper/store/policy-store.h"

typedef struct Surroundings Surroundings;

/**
 * surroundings_new() - read what the controller's options and its host need before it exists
 * @loop: borrowed
 * @backend: its forwarders and firewall are set
 * @ret_options: gets the policy in force, and what this host can do
 *
 * Return: 0 or negative errno (logged).
 */
int surroundings_new(Surroundings **ret_surroundings, Loop *loop, Backend *backend,
                     ControllerOptions *ret_options);

/* Report changes to @controller, which is borrowed, from now on. Return: 0 or negative errno
 * (logged). */
int surroundings_start(Surroundings *f, Controller *controller);

/* The machine has resumed and notifications may have been lost: read everything again. */
void surroundings_refresh(Surroundings *f);

/* Takes NULL, returns NULL. The loop must not run afterwards. */
Surroundings *surroundings_free(Surroundings *f);

/* Do what is due; by surroundings_deadline() at the latest (FIREWALL_IDLE: nothing is due). */
void surroundings_tick(Surroundings *f, uint64_t now_usec);
uint64_t surroundings_deadline(const Surroundings *f);

/* Change all firewall rules that are still to be changed, which normally happens in slices. */
void surroundings_finish(Surroundings *f);

/* What is known, for showing it; borrowed. */
const Policy *surroundings_policy(const Surroundings *f);
const PolicyOrigin *surroundings_policy_origin(const Surroundings *f);
const char *surroundings_firewall_problem(const Surroundings *f); /* "" when there is none */
const FirewallSight *surroundings_firewall(const Surroundings *f);
uint64_t surroundings_generation(const Surroundings *f); /* grows when one of these changes */
