/* SPDX-License-Identifier: MIT */

/*
 * Any two endpoints as client and asked address of a PROXY header. A second reading of the format,
 * written from the specification, finds the same two in it, and nothing is written behind it.
 */

#include "windows-helper/core/relay/proxy-v2.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

/* 19 bytes: family, address, port. */
static bool take_endpoint(const uint8_t **data, size_t *n, IpEndpoint *ret) {
        static const uint8_t families[] = {IP_FAMILY_NONE, IP_FAMILY_V4, IP_FAMILY_V6};
        const uint8_t *p = *data;

        if (*n < 19)
                return false;
        *ret = (IpEndpoint){.addr.family = families[p[0] % 3],
                            .port = (uint16_t) (p[17] << 8 | p[18])};
        memcpy(ret->addr.bytes, p + 1, ip_family_bits(ret->addr.family) / 8);
        *data += 19;
        *n -= 19;
        return true;
}

static void check(const uint8_t *h, size_t n, const IpEndpoint *client, const IpEndpoint *asked) {
        size_t n_rest = (size_t) h[14] << 8 | h[15];
        size_t n_addr = h[13] == 0x11 ? 4 : 16;

        require(memcmp(h, "\r\n\r\n\0\r\nQUIT\n", 12) == 0);
        require(n == 16 + n_rest);
        if (h[12] == 0x20) { /* LOCAL */
                require(h[13] == 0 && n_rest == 0);
                require(!client || !asked || client->addr.family != asked->addr.family ||
                        client->addr.family == IP_FAMILY_NONE);
                return;
        }
        require(h[12] == 0x21 && client && asked);
        require(h[13] == (client->addr.family == IP_FAMILY_V4 ? 0x11 : 0x21));
        require(n_rest == 2 * n_addr + 4);
        require(memcmp(h + 16, client->addr.bytes, n_addr) == 0);
        require(memcmp(h + 16 + n_addr, asked->addr.bytes, n_addr) == 0);
        require((h[n - 4] << 8 | h[n - 3]) == client->port);
        require((h[n - 2] << 8 | h[n - 1]) == asked->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        uint8_t header[PROXY_V2_MAX + 1];
        IpEndpoint ends[2];
        bool have[2];
        size_t n_header;

        for (unsigned i = 0; i < 2; i++)
                have[i] = take_endpoint(&data, &n, &ends[i]);
        header[PROXY_V2_MAX] = 0x5a;
        n_header = proxy_v2_encode(have[0] ? &ends[0] : NULL, have[1] ? &ends[1] : NULL, header);
        require(n_header <= PROXY_V2_MAX && header[PROXY_V2_MAX] == 0x5a);
        check(header, n_header, have[0] ? &ends[0] : NULL, have[1] ? &ends[1] : NULL);
        return 0;
}
