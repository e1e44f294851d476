/* SPDX-License-Identifier: MIT */

/*
 * The header, byte by byte.
 */

#include "windows-helper/core/relay/proxy-v2.h"

#include <string.h>

#define PROXY_V2_FIXED 16 /* signature, command, family, length */

enum {
        PROXY_V2_LOCAL = 0x20, /* version 2 and the command */
        PROXY_V2_PROXY = 0x21,
        PROXY_V2_UNSPEC = 0x00, /* family and transport */
        PROXY_V2_TCP4 = 0x11,
        PROXY_V2_TCP6 = 0x21,
};

static const uint8_t proxy_v2_signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                               0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

static uint8_t *proxy_v2_put_port(uint8_t *p, uint16_t port) {
        *p++ = (uint8_t) (port >> 8);
        *p++ = (uint8_t) port;
        return p;
}

size_t proxy_v2_encode(const IpEndpoint *client, const IpEndpoint *asked,
                       uint8_t ret_header[PROXY_V2_MAX]) {
        size_t size = 0;
        uint8_t *p = ret_header + PROXY_V2_FIXED;

        if (client && asked && client->addr.family == asked->addr.family)
                size = ip_family_bits(client->addr.family) / 8;
        memcpy(ret_header, proxy_v2_signature, sizeof(proxy_v2_signature));
        ret_header[12] = size == 0 ? PROXY_V2_LOCAL : PROXY_V2_PROXY;
        ret_header[13] = size == 0 ? PROXY_V2_UNSPEC : size == 4 ? PROXY_V2_TCP4 : PROXY_V2_TCP6;
        if (size > 0) {
                memcpy(p, client->addr.bytes, size);
                p += size;
                memcpy(p, asked->addr.bytes, size);
                p += size;
                p = proxy_v2_put_port(p, client->port);
                p = proxy_v2_put_port(p, asked->port);
        }
        (void) proxy_v2_put_port(ret_header + 14, (uint16_t) (p - ret_header - PROXY_V2_FIXED));
        return (size_t) (p - ret_header);
}
