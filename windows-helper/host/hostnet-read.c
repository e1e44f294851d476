/* SPDX-License-Identifier: MIT */

/*
 * Addresses, adapters and routes from the IP Helper API, and what WSL writes about its network to
 * the registry.
 */

#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/win/ip-helper.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/registry.h"

#include <errno.h>
#include <netioapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LXSS_TEXT_MAX 64

/* The names of virtual switches' adapters. The user can change the alias, but not the description;
 * neither is translated (fact 6.1.1). */
static const wchar_t alias_prefix[] = L"vEthernet";
static const wchar_t description_prefix[] = L"Hyper-V Virtual Ethernet Adapter";
static const wchar_t hyperv_prefix[] = L"Hyper-V Virtual "; /* other parts of a switch, too */

/* Of lines about what is found at each reading. */
static LogLimit hostnet_limit;

struct HostnetWatch {
        Loop *loop;            /* borrowed */
        HANDLE handle, routes; /* owned; of the notifications */
        LoopOp op;
        volatile LONG posted; /* 1: the loop has @op and has not begun with it */
        void (*fn)(void *userdata);
        void *userdata;
};

static bool hostnet_take_address(const SOCKADDR_INET *from, IpAddr *ret_addr) {
        *ret_addr = (IpAddr){0};
        if (from->si_family == AF_INET) {
                ret_addr->family = IP_FAMILY_V4;
                memcpy(ret_addr->bytes, &from->Ipv4.sin_addr, 4);
        } else if (from->si_family == AF_INET6) {
                ret_addr->family = IP_FAMILY_V6;
                memcpy(ret_addr->bytes, &from->Ipv6.sin6_addr, 16);
        }
        return ret_addr->family != IP_FAMILY_NONE;
}

typedef struct HostnetTables { /* of Windows (fact 9.3.18); freed by hostnet_free_tables() */
        MIB_UNICASTIPADDRESS_TABLE *addresses;
        MIB_IF_TABLE2 *interfaces;
        MIB_IPFORWARD_TABLE2 *routes; /* NULL: there is none */
} HostnetTables;

static bool hostnet_begins(const wchar_t *text, const wchar_t *prefix) {
        return wcsncmp(text, prefix, wcslen(prefix)) == 0;
}

static bool hostnet_is_vethernet(const MIB_IF_ROW2 *row) {
        return hostnet_begins(row->Alias, alias_prefix) ||
               hostnet_begins(row->Description, description_prefix);
}

/* The host does not reach the rest of the world through its own guests (fact 8.2.1). A guest can
 * advertise itself as a router, so such a route proves nothing. One of the other family does. */
static bool hostnet_has_router(const HostnetTables *t, const NET_LUID *luid) {
        for (ULONG i = 0; t->routes && i < t->routes->NumEntries; i++) {
                const MIB_IPFORWARD_ROW2 *row = &t->routes->Table[i];

                if (row->InterfaceLuid.Value == luid->Value &&
                    row->DestinationPrefix.PrefixLength == 0 &&
                    row->Origin != NlroRouterAdvertisement)
                        return true;
        }
        return false;
}

/* The adapter of a switch that uses a network card has that card's MAC address (fact 8.2.2). */
static bool hostnet_has_card(const HostnetTables *t, const MIB_IF_ROW2 *adapter) {
        for (ULONG i = 0; adapter->PhysicalAddressLength > 0 && i < t->interfaces->NumEntries;
             i++) {
                const MIB_IF_ROW2 *row = &t->interfaces->Table[i];

                if (row->PhysicalAddressLength == adapter->PhysicalAddressLength &&
                    memcmp(row->PhysicalAddress, adapter->PhysicalAddress,
                           row->PhysicalAddressLength) == 0 &&
                    row->InterfaceAndOperStatusFlags.HardwareInterface &&
                    !hostnet_is_vethernet(row) && !hostnet_begins(row->Description, hyperv_prefix))
                        return true;
        }
        return false;
}

static void hostnet_take_interface(const HostnetTables *t, const NET_LUID *luid,
                                   HostnetAddress *a) {
        const MIB_IF_ROW2 *row = NULL;
        char *name = NULL;

        for (ULONG i = 0; i < t->interfaces->NumEntries && !row; i++)
                if (t->interfaces->Table[i].InterfaceLuid.Value == luid->Value)
                        row = &t->interfaces->Table[i];
        if (!row)
                return; /* the interface has just gone */
        a->virtual_switch = hostnet_is_vethernet(row) && !hostnet_has_router(t, luid) &&
                            !hostnet_has_card(t, row);
        if (win_from_wide(row->Alias, wcslen(row->Alias), &name) == 0)
                (void) snprintf(a->adapter, sizeof(a->adapter), "%s", name);
        free(name);
}

/* WSL's network, as WSL itself describes it (fact 6.1.2): the network of its guests, and the host's
 * address in it. With this address, a renamed adapter is still recognized as a virtual switch. */
static void hostnet_take_lxss(Hostnet *h) {
        RegistryKey lxss = REGISTRY_KEY_INIT(HOSTNET_LXSS_PATH);
        char text[LXSS_TEXT_MAX];
        IpAddr gateway;

        if (registry_get_string(&lxss, "NatNetwork", text, sizeof(text)) == 0) {
                h->has_nat = strchr(text, '/') &&
                             ip_parse_prefix(text, &h->nat.addr, &h->nat.length) == 0 &&
                             h->nat.length > 0;
                if (!h->has_nat && log_may(&hostnet_limit)) {
                        log_event(LOG_LEVEL_WARNING, EVENT_PROBLEM,
                                  "'HKLM\\%s' NatNetwork is not a network, ignoring it",
                                  WIN_UTF8(HOSTNET_LXSS_PATH));
                }
        }
        if (registry_get_string(&lxss, "NatGatewayIpAddress", text, sizeof(text)) == 0 &&
            ip_parse(text, &gateway) == 0) {
                for (size_t i = 0; i < h->n_addresses; i++)
                        if (ip_compare(&h->addresses[i].addr, &gateway) == 0)
                                h->addresses[i].virtual_switch = true;
        }
        registry_close(&lxss);
}

static void hostnet_free_tables(HostnetTables *t) {
        if (t->addresses)
                ip_helper.free_table(t->addresses);
        if (t->interfaces)
                ip_helper.free_table(t->interfaces);
        if (t->routes)
                ip_helper.free_table(t->routes);
}

/* The addresses first: an adapter is there before it has one. */
static int hostnet_read_tables(HostnetTables *ret) {
        int r = ip_helper_load();
        DWORD error;

        if (r < 0)
                return r;
        error = ip_helper.get_addresses(AF_UNSPEC, &ret->addresses);
        if (error != NO_ERROR)
                return log_win_error(error, "Cannot read the host's addresses");
        error = ip_helper.get_interfaces(&ret->interfaces);
        if (error != NO_ERROR)
                return log_win_error(error, "Cannot read the host's network adapters");
        error = ip_helper.get_routes(AF_UNSPEC, &ret->routes);
        if (error != NO_ERROR && error != ERROR_NOT_FOUND)
                return log_win_error(error, "Cannot read the host's routes");
        return 0;
}

int hostnet_read(Hostnet *ret_hostnet) {
        HostnetTables t = {0};
        Hostnet *h = ret_hostnet;
        int r = hostnet_read_tables(&t);

        if (r < 0) {
                hostnet_free_tables(&t);
                return r;
        }
        *h = (Hostnet){0};
        for (ULONG i = 0; i < t.addresses->NumEntries; i++) {
                const MIB_UNICASTIPADDRESS_ROW *row = &t.addresses->Table[i];
                HostnetAddress *a = &h->addresses[h->n_addresses];

                if (h->n_addresses == HOSTNET_ADDRESSES_MAX) {
                        if (log_may(&hostnet_limit))
                                log_event(LOG_LEVEL_WARNING, EVENT_PROBLEM,
                                          "This host has more than %d addresses, ignoring the rest",
                                          HOSTNET_ADDRESSES_MAX);
                        break;
                }
                if (!hostnet_take_address(&row->Address, &a->addr))
                        continue;
                a->prefix = row->OnLinkPrefixLength <= ip_family_bits(a->addr.family)
                                    ? row->OnLinkPrefixLength
                                    : (uint8_t) ip_family_bits(a->addr.family);
                hostnet_take_interface(&t, &row->InterfaceLuid, a);
                h->n_addresses++;
        }
        hostnet_free_tables(&t);
        hostnet_take_lxss(h);
        return 0;
}

/* Changes come in series, and one look is enough for all that came before it. */
static void hostnet_post(HostnetWatch *w) {
        if (InterlockedExchange(&w->posted, 1) == 0)
                loop_post(w->loop, &w->op);
}

/* Called in a thread of Windows (fact 9.3.7), so it only passes the notification on. */
static void WINAPI hostnet_on_change(void *context, MIB_UNICASTIPADDRESS_ROW *row,
                                     MIB_NOTIFICATION_TYPE type) {
        hostnet_post(context);
}

/* The same for routes: a default route may come later than its address. No other route matters, and
 * a VPN can bring hundreds. */
static void WINAPI hostnet_on_route(void *context, MIB_IPFORWARD_ROW2 *row,
                                    MIB_NOTIFICATION_TYPE type) {
        if (!row || row->DestinationPrefix.PrefixLength == 0)
                hostnet_post(context);
}

static void hostnet_on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        HostnetWatch *w = op->userdata;

        (void) InterlockedExchange(&w->posted, 0); /* what changes from now on needs another look */
        w->fn(w->userdata);
}

int hostnet_watch_new(HostnetWatch **ret_watch, Loop *loop, void (*fn)(void *userdata),
                      void *userdata) {
        int r = ip_helper_load();
        HostnetWatch *w = r < 0 ? NULL : calloc(1, sizeof(*w));
        DWORD error;

        if (!w)
                return r < 0 ? r : -ENOMEM;
        *w = (HostnetWatch){
                .loop = loop,
                .op = {.fn = hostnet_on_packet, .userdata = w},
                .fn = fn,
                .userdata = userdata,
        };
        error = ip_helper.notify_address_change(AF_UNSPEC, hostnet_on_change, w, FALSE, &w->handle);
        if (error != NO_ERROR) {
                free(w);
                return log_win_error(error, "Cannot watch the host's addresses");
        }
        error = ip_helper.notify_route_change(AF_UNSPEC, hostnet_on_route, w, FALSE, &w->routes);
        if (error != NO_ERROR) { /* then a route is noticed with the next address */
                w->routes = NULL;
                (void) log_win_error(error, "Cannot watch the host's routes");
        }
        *ret_watch = w;
        return 0;
}

HostnetWatch *hostnet_watch_free(HostnetWatch *w) {
        if (!w)
                return NULL;
        if (w->handle)
                (void) ip_helper.cancel_change_notify(w->handle); /* waits for a running callback */
        if (w->routes)
                (void) ip_helper.cancel_change_notify(w->routes);
        free(w);
        return NULL;
}
