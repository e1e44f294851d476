/* SPDX-License-Identifier: MIT */

/*
 * Such a mapping as an object of WMI. It has no name, so its port and its target tell whose it is.
 */

#include "windows-helper/selftest/tools/nat-mapping.h"
#include "windows-helper/selftest/tools/wmi.h"

#include <stdio.h>
#include <string.h>

#define NAT_MAPPING_CLASS L"MSFT_NetNatStaticMapping"
#define NAT_EVERYWHERE    "0.0.0.0"
#define NAT_UDP           17 /* as in an IP header; whether WinNAT counts so is not documented */
#define NAT_TRIES         4
#define NAT_NO_CLASS      0x80041010u /* WBEM_E_INVALID_CLASS: this Windows has no WinNAT */

void nat_mapping_format(uint16_t port, const IpAddr *guest, char ret_what[NAT_MAPPING_WHAT]) {
        char text[IP_TEXT_MAX];

        ip_format(guest, text);
        (void) snprintf(ret_what, NAT_MAPPING_WHAT, "%u=%s", (unsigned) port, text);
}

DWORD nat_mapping_add(const char *nat, uint16_t port, const IpAddr *guest) {
        char internal[IP_TEXT_MAX];
        const WmiValue values[] = {
                {L"NatName", nat, 0},
                {L"Protocol", NULL, NAT_UDP},
                {L"ExternalIPAddress", NAT_EVERYWHERE, 0},
                {L"ExternalPort", NULL, port},
                {L"InternalIPAddress", internal, 0},
                {L"InternalPort", NULL, port},
                {NULL, NULL, 0},
        };

        ip_format(guest, internal);
        return wmi_create(NAT_MAPPING_CLASS, values);
}

typedef struct NatSearch {
        const char *what; /* NULL: any mapping of .port */
        const char *port;
        bool remove, found;
        DWORD error; /* of removing it */
} NatSearch;

static bool nat_on_mapping(void *userdata, WmiSeen *object) {
        char port[8], protocol[8], internal[IP_TEXT_MAX], what[NAT_MAPPING_WHAT];
        NatSearch *search = userdata;

        wmi_text(object, L"ExternalPort", port, sizeof(port));
        wmi_text(object, L"Protocol", protocol, sizeof(protocol));
        wmi_text(object, L"InternalIPAddress", internal, sizeof(internal));
        (void) snprintf(what, sizeof(what), "%s=%s", port, internal);
        if (strcmp(protocol, "17") != 0 ||
            strcmp(search->what ? what : port, search->what ? search->what : search->port) != 0)
                return true;
        search->found = true;
        if (search->remove)
                search->error = wmi_delete(object);
        return false;
}

bool nat_mapping_exists(uint16_t port) {
        char text[8];
        NatSearch search = {.port = text};

        (void) snprintf(text, sizeof(text), "%u", (unsigned) port);
        return wmi_each(NULL, NAT_MAPPING_CLASS, nat_on_mapping, &search) == 0 && search.found;
}

DWORD nat_mapping_undo(const char *what) {
        DWORD error = 0;

        for (int i = 0; i < NAT_TRIES; i++) {
                NatSearch search = {.what = what, .remove = true};

                error = wmi_each(NULL, NAT_MAPPING_CLASS, nat_on_mapping, &search);
                if (error == NAT_NO_CLASS || (error == 0 && !search.found))
                        return 0;
                if (error != 0 || search.error != 0)
                        return error ? error : search.error;
        }
        return ERROR_WRITE_FAULT;
}
