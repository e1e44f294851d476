/* SPDX-License-Identifier: MIT */

/*
 * Prints, in hexadecimal, the header of the PROXY protocol that the relay would send for a
 * connection of its own. It makes none, so nothing else can show that servers take this header.
 */

#include "windows-helper/core/relay/proxy-v2.h"

#include <stdio.h>

int main(void) {
        uint8_t header[PROXY_V2_MAX];
        size_t n = proxy_v2_encode(NULL, NULL, header);

        for (size_t i = 0; i < n; i++)
                (void) printf("%02x", (unsigned) header[i]);
        return 0;
}
