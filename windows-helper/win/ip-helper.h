/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The functions of iphlpapi.dll that we use.
 */

#include "windows-helper/win/win.h"

#include <ws2tcpip.h>

#include <iphlpapi.h> /* declares little without the header above */

/* Set by ip_helper_load() and never changed afterwards. */
typedef struct IpHelper {
        __typeof__(&CancelMibChangeNotify2) cancel_change_notify;
        __typeof__(&FreeMibTable) free_table;
        __typeof__(&GetExtendedTcpTable) get_tcp_table;
        __typeof__(&GetExtendedUdpTable) get_udp_table;
        __typeof__(&GetIfTable2) get_interfaces;
        __typeof__(&GetIpForwardTable2) get_routes;
        __typeof__(&GetUnicastIpAddressTable) get_addresses;
        __typeof__(&NotifyRouteChange2) notify_route_change;
        __typeof__(&NotifyUnicastIpAddressChange) notify_address_change;
} IpHelper;

extern IpHelper ip_helper;

/* Load iphlpapi.dll, if that was not tried before. To be called before ip_helper is used, so that a
 * command which needs no network works without it. Return: 0 or negative errno (logged the first
 * time). */
int ip_helper_load(void);
