/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The bridge's hands on Windows: a BridgeHost over the registry, iphlpsvc, CNG and streams (a
 * bridge's peer is a Stream). No decision is made here.
 */

#include "windows-helper/adoption-store.h"
#include "windows-helper/agent-store.h"
#include "windows-helper/core/bridge.h"
#include "windows-helper/core/firewall-apply.h"
#include "windows-helper/iphlpsvc.h"
#include "windows-helper/key-store.h"
#include "windows-helper/ledger-store.h"
#include "windows-helper/portproxy-store.h"

typedef struct Host {
        PortproxyStore rules;
        LedgerStore ledger;
        KeyStore keys;
        AdoptionStore adoptions;
        AgentStore agents;
        Iphlpsvc *forwarder;     /* borrowed */
        FirewallApply *firewall; /* borrowed */
} Host;

/* Fill @ret_host; @h is its userdata and must live as long. */
void host_init(Host *h, BridgeHost *ret_host);
void host_done(Host *h);
