/* SPDX-License-Identifier: MIT */

/*
 * Step 9, about networks: which profile of the firewall is in use for each. They have names that
 * users gave them, so they are only counted through.
 */

#include "windows-helper/selftest/steps/steps.h"

#define COBJMACROS
#include <netlistmgr.h>

#define NETWORKS_MAX 16

/* Of netlistmgr.h, copied here to need no library of GUIDs. */
static const GUID clsid_networks = {
        0xdcb00c01, 0x570f, 0x4a9b, {0x8d, 0x69, 0x19, 0x9f, 0xdb, 0xa5, 0x72, 0x3b}};
static const GUID iid_networks = {
        0xdcb00000, 0x570f, 0x4a9b, {0x8d, 0x69, 0x19, 0x9f, 0xdb, 0xa5, 0x72, 0x3b}};

static void networks_one(Step *s, INetwork *network) {
        static const char *const names[] = {"public", "private", "domain"};
        NLM_NETWORK_CATEGORY category = NLM_NETWORK_CATEGORY_PUBLIC;
        uint64_t began = step_clock();
        HRESULT hr = INetwork_GetCategory(network, &category);

        step_line(s, "firewall.network", "INetwork::GetCategory", FAILED(hr) ? (DWORD) hr : 0,
                  began, "a connected network is %s",
                  FAILED(hr) || (unsigned) category > 2 ? "?" : names[category]);
}

void step_networks(Step *s) {
        IEnumNetworks *list = NULL;
        INetworkListManager *manager = NULL;
        uint64_t began = step_clock();
        unsigned n = 0;
        /* A Windows service implements it (netprofm); Wine has it in the process. */
        HRESULT hr =
                CoCreateInstance(&clsid_networks, NULL, CLSCTX_INPROC_SERVER | CLSCTX_LOCAL_SERVER,
                                 &iid_networks, (void **) &manager);

        if (SUCCEEDED(hr))
                hr = INetworkListManager_GetNetworks(manager, NLM_ENUM_NETWORK_CONNECTED, &list);
        while (SUCCEEDED(hr) && n < NETWORKS_MAX && step_is_open(s)) {
                INetwork *network = NULL;
                ULONG got = 0;

                if (IEnumNetworks_Next(list, 1, &network, &got) != S_OK || got == 0)
                        break;
                networks_one(s, network);
                INetwork_Release(network);
                n++;
        }
        step_line(s, "firewall.networks", "INetworkListManager", FAILED(hr) ? (DWORD) hr : 0, began,
                  "connected networks: %u", n);
        if (list)
                IEnumNetworks_Release(list);
        if (manager)
                INetworkListManager_Release(manager);
}
