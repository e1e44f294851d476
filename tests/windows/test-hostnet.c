/* SPDX-License-Identifier: MIT */

/*
 * What the helper makes of the tables of addresses, adapters and routes, and of notifications, with
 * the IP Helper API replaced: Wine notifies of nothing, and no guest there advertises itself as a
 * router. Each case prints a line.
 */

#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/win/ip-helper.h"

#include <netioapi.h>
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>

#define SERIES 500

IpHelper ip_helper;

int ip_helper_load(void) {
        return 0; /* main() has put fakes there */
}

static MIB_UNICASTIPADDRESS_TABLE addresses = {.NumEntries = 1};
static MIB_IF_TABLE2 interfaces = {.NumEntries = 1};
static MIB_IPFORWARD_TABLE2 routes = {.NumEntries = 1};
static DWORD addresses_error;

static PUNICAST_IPADDRESS_CHANGE_CALLBACK on_address;
static PIPFORWARD_CHANGE_CALLBACK on_route;
static void *context;
static unsigned n_looks, n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static DWORD WINAPI fake_addresses(ADDRESS_FAMILY family, MIB_UNICASTIPADDRESS_TABLE **ret_table) {
        *ret_table = &addresses;
        return addresses_error;
}

static DWORD WINAPI fake_interfaces(MIB_IF_TABLE2 **ret_table) {
        *ret_table = &interfaces;
        return NO_ERROR;
}

static DWORD WINAPI fake_routes(ADDRESS_FAMILY family, MIB_IPFORWARD_TABLE2 **ret_table) {
        *ret_table = &routes;
        return NO_ERROR;
}

static void WINAPI fake_free(void *table) {
}

static DWORD WINAPI fake_notify_address(ADDRESS_FAMILY family,
                                        PUNICAST_IPADDRESS_CHANGE_CALLBACK fn, void *userdata,
                                        BOOLEAN initial, HANDLE *ret_handle) {
        on_address = fn;
        context = userdata;
        *ret_handle = NULL;
        return NO_ERROR;
}

static DWORD WINAPI fake_notify_route(ADDRESS_FAMILY family, PIPFORWARD_CHANGE_CALLBACK fn,
                                      void *userdata, BOOLEAN initial, HANDLE *ret_handle) {
        on_route = fn;
        *ret_handle = NULL;
        return NO_ERROR;
}

static void look(void *userdata) {
        n_looks++;
}

/* How often the helper looks after @n changes of a route with @prefix, and of an address. */
static unsigned looks_after(Loop *loop, unsigned n, uint8_t prefix, bool address) {
        MIB_IPFORWARD_ROW2 row = {.DestinationPrefix.PrefixLength = prefix};

        n_looks = 0;
        for (unsigned i = 0; i < n; i++) {
                on_route(context, &row, MibAddInstance);
                if (address)
                        on_address(context, NULL, MibAddInstance);
        }
        loop_turn(loop, 0);
        return n_looks;
}

static void test_notifications(void) {
        HostnetWatch *watch = NULL;
        Loop *loop = NULL;

        if (loop_new(&loop) < 0 || hostnet_watch_new(&watch, loop, look, NULL) < 0) {
                check("a loop and a watch", false);
                return;
        }
        check("the routes of a VPN cost nothing", looks_after(loop, SERIES, 24, false) == 0);
        check("a default route counts", looks_after(loop, 1, 0, false) == 1);
        check("one look for a series", looks_after(loop, SERIES, 0, true) == 1);
        check("and another one for the next", looks_after(loop, SERIES, 24, true) == 1);
        hostnet_watch_free(watch);
        loop_free(loop);
}

/* Whether an adapter of a virtual switch with an address of @family counts as one behind which are
 * only guests, when a default route of @route_family through it has @origin. */
static bool is_virtual(ADDRESS_FAMILY family, ADDRESS_FAMILY route_family, NL_ROUTE_ORIGIN origin) {
        static Hostnet h;

        addresses.Table[0].Address.si_family = family;
        routes.Table[0].DestinationPrefix.Prefix.si_family = route_family;
        routes.Table[0].Origin = origin;
        return hostnet_read(&h) == 0 && h.n_addresses == 1 && h.addresses[0].virtual_switch;
}

static void test_tables(void) {
        wcscpy(interfaces.Table[0].Alias, L"vEthernet (Lab)");
        check("a default route", !is_virtual(AF_INET, AF_INET, NlroManual));
        check("from DHCP", !is_virtual(AF_INET, AF_INET, NlroDHCP));
        check("of IPv6", !is_virtual(AF_INET6, AF_INET6, NlroManual));
        check("of the other family", !is_virtual(AF_INET6, AF_INET, NlroDHCP));
        check("that a guest has advertised",
              is_virtual(AF_INET6, AF_INET6, NlroRouterAdvertisement) &&
                      is_virtual(AF_INET, AF_INET6, NlroRouterAdvertisement));
        routes.Table[0].DestinationPrefix.PrefixLength = 24;
        check("another route", is_virtual(AF_INET, AF_INET, NlroManual));
        addresses_error = ERROR_NOT_ENOUGH_MEMORY;
        check("no table is an error", !is_virtual(AF_INET, AF_INET, NlroManual));
}

int main(void) {
        ip_helper = (IpHelper){
                .free_table = fake_free,
                .get_addresses = fake_addresses,
                .get_interfaces = fake_interfaces,
                .get_routes = fake_routes,
                .notify_address_change = fake_notify_address,
                .notify_route_change = fake_notify_route,
        };
        test_notifications();
        test_tables();
        printf("%u failed\n", n_failed);
        return n_failed > 0;
}
