/* SPDX-License-Identifier: MIT */

/*
 * The list of transports.
 */

#include "windows-helper/net/transport.h"

#include <errno.h>
#include <string.h>

static const Transport *const transports[] = {
        &transport_hyperv,
#ifdef WSLBRIDGE_TEST_TRANSPORT
        &transport_tcp,
        &transport_tcp_vm,
#endif
        NULL,
};

int transport_parse(const char *text, const Transport **ret_transport,
                    TransportAddress *ret_address) {
        for (const Transport *const *t = transports; *t; t++) {
                size_t n = strlen((*t)->name);
                int r;

                if (strncmp(text, (*t)->name, n) == 0 && text[n] == ':') {
                        r = (*t)->parse(text + n + 1, ret_address);
                        if (r == 0)
                                *ret_transport = *t;
                        return r;
                }
        }
        return -EPROTONOSUPPORT;
}
