/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The bridge's hands on Windows: a BridgeHost over the registry, iphlpsvc, CNG and streams (a
 * bridge's peer is a Stream). No decision is made here.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/firewall/apply.h"
#include "windows-helper/host/iphlpsvc.h"
#include "windows-helper/store/adoption-store.h"
#include "windows-helper/store/agent-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/portproxy-store.h"

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
