/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ControllerHost on Windows, over the registry, iphlpsvc, the relay, CNG and streams (the handle of
 * a connection is a Stream). Nothing is decided here.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/firewall/apply.h"
#include "windows-helper/forwarders/iphlpsvc.h"
#include "windows-helper/forwarders/relay-service.h"
#include "windows-helper/store/adoption-store.h"
#include "windows-helper/store/guest-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/rule-store.h"

typedef struct Backend {
        RuleStore rules;
        LedgerStore ledger;
        KeyStore keys;
        AdoptionStore adoptions;
        GuestStore guests;
        Iphlpsvc *forwarder;     /* borrowed */
        RelayService *relay;     /* borrowed */
        FirewallApply *firewall; /* borrowed */
} Backend;

/* Fill @ret_host. @backend becomes its userdata and must live as long. */
void backend_init(Backend *backend, ControllerHost *ret_host);
/* Close the stores. */
void backend_done(Backend *backend);
