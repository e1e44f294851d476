/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the Hyper-V firewall of Windows does with connections to guests of WSL, as WMI tells it
 * (facts 5.2.3, 5.2.4). It decides in networking mode mirrored. It is data:
 * host/hyperv-firewall.c reads it, and the doctor draws conclusions from it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The id that all VMs of WSL have in the Hyper-V firewall (fact 5.2.1). */
#define HYPERV_WSL_CREATOR "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"

#define HYPERV_PROFILES_MAX 3

/* EnforcementStatus of a rule; higher numbers are errors (fact 5.2.5). */
#define HYPERV_STATUS_FULLY    1
#define HYPERV_STATUS_PARTLY   2 /* on some interfaces of a guest */
#define HYPERV_STATUS_NO_PORTS 3

/* A setting of the firewall that is on or off, numbered as in WMI (fact 5.2.4). */
typedef enum HypervSwitch {
        HYPERV_OFF = 0,
        HYPERV_ON = 1,
        HYPERV_NOT_SET = 2, /* also when Windows does not tell */
} HypervSwitch;

typedef enum HypervAction {
        HYPERV_ACTION_NOT_SET = 0,
        HYPERV_ALLOW = 2,
        HYPERV_BLOCK = 4,
} HypervAction;

typedef enum HypervSeen {
        HYPERV_UNSEEN, /* WMI does not answer, or not us */
        HYPERV_ABSENT, /* this Windows has no such firewall, like Windows 10 */
        HYPERV_PRESENT,
} HypervSeen;

typedef struct HypervProfile {
        uint8_t profile; /* WIRE_PROFILE_* */
        HypervSwitch enabled, local_rules;
        HypervAction inbound; /* what no rule says anything about */
} HypervProfile;

typedef struct HypervSight {
        HypervSeen seen;
        HypervSwitch enabled;    /* for VMs of WSL … */
        HypervSwitch host_rules; /* … the rules of Windows Firewall count, too */
        HypervAction inbound;    /* … what no rule says anything about */
        HypervProfile profiles[HYPERV_PROFILES_MAX];
        size_t n_profiles;
        size_t n_rules;    /* of ours that it lists; 0 says nothing (fact 5.2.6) */
        size_t n_no_force; /* of these, not enforced */
        uint16_t status;   /* the worst of these (fact 5.2.5) */
} HypervSight;
