/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carries out the changes of firewall_diff() in slices. Windows needs some milliseconds for each
 * rule, so thousands of rules are changed a few at a time, between other work. A rule that Windows
 * refuses does not delay the others and is tried again later. The rules are listed again after a
 * failure, when the caller asks, soon after any change of the firewall, and from time to time; then
 * a rule of ours that somebody changed or deleted is restored, and one that nobody wants, as an
 * older set of rules brings it that somebody imports, is removed. The firewall is behind
 * FirewallStore, and the clock is the caller's.
 */

#include "windows-helper/core/firewall/firewall.h"

#define FIREWALL_SLICE_USEC   UINT64_C(20000)
#define FIREWALL_RETRY_USEC   UINT64_C(30000000)
#define FIREWALL_REFRESH_USEC UINT64_C(600000000) /* listing takes time */
#define FIREWALL_IDLE         UINT64_MAX          /* no deadline */

/* All int functions return 0 or negative errno. */
typedef struct FirewallStore {
        void *userdata;
        int (*list)(void *userdata, FirewallRules *rules); /* the rules of our grouping */
        /* -ESRCH: the firewall cannot be reached at all. */
        int (*change)(void *userdata, const FirewallChange *change);
        void (*rest)(void *userdata); /* no change follows soon: let go of what makes them fast */
        uint64_t (*now)(void *userdata); /* usec, for the length of a slice */
} FirewallStore;

typedef struct FirewallApply {
        FirewallStore store; /* borrowed userdata */
        FirewallRules present, wanted;
        bool known; /* .present was listed, and has been kept up to date since */
        uint64_t due_usec, refresh_usec; /* the next slice; the next time to list all rules */
        char problem[WIRE_TEXT_MAX + 1]; /* why rules could not be made; "" when all is well */
        bool single;                     /* .problem is that of the .blamed rules in .wanted */
} FirewallApply;

/* Start with no wanted rules. The first list of what is there is made with the first wanted rules.
 * @store: copied */
void firewall_apply_init(FirewallApply *f, const FirewallStore *store);
void firewall_apply_done(FirewallApply *f);

/* Set the rules that should exist; copied. Return: 0 or -ENOMEM. */
int firewall_apply_want(FirewallApply *f, const FirewallRules *wanted);

/* Something may have happened to the rules: list them again at the next tick. */
void firewall_apply_refresh(FirewallApply *f);

/* Something has changed in the firewall, maybe by us: list the rules again, but not at once, as
 * changes come in crowds. */
void firewall_apply_hint(FirewallApply *f, uint64_t now_usec);

/* Do a slice of the work that is due. Return: true when .problem changed, or whose rules have it.
 */
bool firewall_apply_tick(FirewallApply *f, uint64_t now_usec);

/* What is said of a rule that Windows refuses. @rule: NULL for all; @error: .refused or .blamed */
void firewall_refusal_text(const FirewallRule *rule, int error, char ret_text[WIRE_TEXT_MAX + 1]);
