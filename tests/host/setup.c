/* SPDX-License-Identifier: MIT */

/*
 * The test host's keys and addresses, which a real helper finds in the registry and in Windows.
 */

#include "tests/host/test-host.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *text, const char *what) {
        (void) fprintf(stderr, "wslbridge-test-host: '%s': %s\n", text, what);
        return -EINVAL;
}

int setup_key(TestHost *h, const char *text) {
        const char *equals = strrchr(text, '='), *hex = equals ? equals + 1 : "";
        uint8_t key[WIRE_KEY_SIZE];
        char owner[LEDGER_OWNER_MAX + 1] = "";
        size_t n = 0;

        if (strlen(hex) != 2 * sizeof(key) ||
            sodium_hex2bin(key, sizeof(key), hex, strlen(hex), NULL, &n, NULL) < 0 ||
            n != sizeof(key))
                return refuse(text, "write AGENT-ID/NAME=KEY; a key has 64 hex digits");
        if ((size_t) (equals - text) >= sizeof(owner))
                return refuse(text, "no identity is that long");
        memcpy(owner, text, (size_t) (equals - text));
        return text_map_set(&h->memory.keys, owner, hex) < 0 ? -EINVAL : 0;
}

int setup_address(TestHost *h, const char *text, bool virtual_switch) {
        const char *name = virtual_switch ? "vEthernet (test)" : "Ethernet";
        HostnetAddress a = {.virtual_switch = virtual_switch};
        char address[IP_TEXT_MAX] = "";
        const char *slash = strchr(text, '/');

        if (!slash || (size_t) (slash - text) >= sizeof(address))
                return refuse(text, "write ADDRESS/BITS");
        memcpy(address, text, (size_t) (slash - text));
        a.prefix = (uint8_t) atoi(slash + 1);
        if (ip_parse(address, &a.addr) < 0 || a.prefix > ip_family_bits(a.addr.family))
                return refuse(text, "write ADDRESS/BITS");
        if (h->hostnet.n_addresses == HOSTNET_ADDRESSES_MAX)
                return refuse(text, "too many addresses");
        strcpy(a.adapter, name);
        h->hostnet.addresses[h->hostnet.n_addresses++] = a;
        return 0;
}
