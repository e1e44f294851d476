/* SPDX-License-Identifier: MIT */

/*
 * iphlpapi.dll, which is not a KnownDLL.
 */

#include "windows-helper/win/ip-helper.h"
#include "windows-helper/win/system-dll.h"

IpHelper ip_helper;

int ip_helper_load(void) {
        const SystemFunction functions[] = {
                {"CancelMibChangeNotify2", &ip_helper.cancel_change_notify},
                {"FreeMibTable", &ip_helper.free_table},
                {"GetExtendedTcpTable", &ip_helper.get_tcp_table},
                {"GetExtendedUdpTable", &ip_helper.get_udp_table},
                {"GetIfTable2", &ip_helper.get_interfaces},
                {"GetIpForwardTable2", &ip_helper.get_routes},
                {"GetUnicastIpAddressTable", &ip_helper.get_addresses},
                {"NotifyRouteChange2", &ip_helper.notify_route_change},
                {"NotifyUnicastIpAddressChange", &ip_helper.notify_address_change},
        };

        static int result = 1; /* two threads that come first at the same time load the same */

        if (result > 0)
                result = system_dll_load(L"iphlpapi.dll", functions, ARRAYSIZE(functions));
        return result;
}
