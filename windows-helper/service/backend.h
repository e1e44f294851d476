/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The controller's hands on Windows: a ControllerHost over the registry, iphlpsvc, CNG and streams
 * (a controller's peer is a Stream). No decision is made here.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/firewall/apply.h"
#include "windows-helper/host/iphlpsvc.h"
#include "windows-helper/store/adoption-store.h"
#include "windows-helper/store/guest-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/portproxy-store.h"

typedef struct Backend {
        PortproxyStore rules;
        LedgerStore ledger;
        KeyStore keys;
        AdoptionStore adoptions;
        GuestStore agents;
        Iphlpsvc *forwarder;     /* borrowed */
        FirewallApply *firewall; /* borrowed */
} Backend;

/* Fill @ret_host; @h is its userdata and must live as long. */
void backend_init(Backend *h, ControllerHost *ret_host);
void backend_done(Backend *h);
