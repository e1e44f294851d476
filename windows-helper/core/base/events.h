/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Events that an administrator may search for: ids of the Windows Event Log. 1 to 31 mirror the
 * agent's journal catalog (agent/util/catalog-ids.h), in its order. The rest are events that only
 * the host can know of. windows-helper/service/messages.mc has the text of each; a test compares
 * the three lists.
 *
 * There is one event for each change of state, never one for each heartbeat or each try.
 */

typedef enum EventId {
        EVENT_NONE = 0, /* a detail: only a log line; errors without an id become PROBLEM */

        EVENT_ADDRESS = 1,         /* a guest's address is in force */
        EVENT_NO_ADDRESS = 2,      /* a guest has no address, or its mode needs no forwarding */
        EVENT_OFF_LINK = 3,        /* a guest's address failed the host's checks */
        EVENT_AGENT_UP = 4,        /* mirrors HELPER_UP */
        EVENT_AGENT_DOWN = 5,      /* mirrors HELPER_DOWN */
        EVENT_AGENT_REFUSED = 6,   /* mirrors HELPER_REFUSED */
        EVENT_SERVICE_STATE = 7,   /* a service became active */
        EVENT_SERVICE_PROBLEM = 8, /* a service is in any other state now */
        EVENT_POLICY_LOADED = 9,   /* mirrors CONFIG_LOADED */
        EVENT_POLICY_PROBLEM = 10, /* mirrors CONFIG_PROBLEM */
        EVENT_KEY_PROBLEM = 11,

        EVENT_STARTED = 32,
        EVENT_STOPPED = 33,
        EVENT_VM_FOUND = 34,
        EVENT_VM_GONE = 35,
        EVENT_NO_HYPERV = 36,      /* this Windows has no Hyper-V sockets */
        EVENT_LISTEN_PROBLEM = 37, /* cannot listen for a VM */
        EVENT_FORWARDER_UP = 38,   /* iphlpsvc accepts our settings (again) */
        EVENT_FORWARDER_PROBLEM = 39,
        EVENT_RULES_PROBLEM = 40, /* reading or writing values or ledger in the registry failed */
        EVENT_RULE_TAKEN = 41,    /* somebody changed a value of ours; it is foreign now */
        EVENT_RULE_RESTORED = 42, /* somebody deleted values of ours; they have been restored */
        EVENT_FIREWALL_PROBLEM = 43,
        EVENT_PAIRED = 44,
        EVENT_UNPAIRED = 45,
        EVENT_ADOPTED = 46,   /* a foreign value was taken over, as an administrator asked */
        EVENT_RECOVERED = 47, /* values were left by a run that did not end properly */
        EVENT_PROBLEM = 63,   /* any other error */
} EventId;
