/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carries out what firewall_diff() says, in slices: a rule takes Windows some milliseconds, so
 * thousands of them are done a few at a time, between other work. Failures are tried again. Pure:
 * the firewall is behind FirewallStore, the clock is the caller's.
 */

#include "windows-helper/core/firewall.h"

#define FIREWALL_SLICE_USEC UINT64_C(20000)
#define FIREWALL_RETRY_USEC UINT64_C(30000000)
#define FIREWALL_IDLE       UINT64_MAX /* no deadline */

typedef enum FirewallEffect {
        FIREWALL_EFFECTIVE,
        FIREWALL_OVERRIDDEN, /* Group Policy ignores local rules */
        FIREWALL_BLOCKS_ALL, /* "block all incoming connections" is on */
        FIREWALL_OFF,        /* the firewall is off: everything is open */
} FirewallEffect;

/* All int functions: 0 or negative errno. */
typedef struct FirewallStore {
        void *userdata;
        int (*list)(void *userdata, FirewallRules *rules); /* those of our grouping */
        int (*change)(void *userdata, const FirewallChange *change);
        int (*effect)(void *userdata, FirewallEffect *ret_effect); /* -ENOSYS: not known */
        uint64_t (*now)(void *userdata); /* usec, for the length of a slice */
} FirewallStore;

typedef struct FirewallApply {
        FirewallStore store; /* borrowed userdata */
        FirewallRules present, wanted;
        bool known; /* .present was read */
        uint64_t due_usec;
        char problem[WIRE_TEXT_MAX + 1]; /* "" when all is well */
        bool failed;                     /* the rules could not be made */
} FirewallApply;

void firewall_apply_init(FirewallApply *f, const FirewallStore *store);
void firewall_apply_done(FirewallApply *f);

/* Take over a copy of what is wanted. Return: 0 or -ENOMEM. */
int firewall_apply_want(FirewallApply *f, const FirewallRules *wanted);

/* Do a slice of the work that is due. Return: true when .problem or .failed changed. */
bool firewall_apply_tick(FirewallApply *f, uint64_t now_usec);
