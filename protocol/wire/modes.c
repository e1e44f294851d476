/* SPDX-License-Identifier: MIT */

/*
 * The table of networking modes.
 */

#include "protocol/wire/modes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORTS_SHOWN_MAX 4 /* ranges of ports in one text */
#define PORTS_TEXT_MAX  96

WireReach wire_mode_reach(uint8_t mode) {
        switch ((WireMode) mode) {
        case WIRE_MODE_MIRRORED:
                return WIRE_REACH_SHARED;
        case WIRE_MODE_VIRTIOPROXY:
                return WIRE_REACH_RELAYED;
        case WIRE_MODE_BRIDGED:
                return WIRE_REACH_OWN;
        case WIRE_MODE_NONE:
                return WIRE_REACH_NONE;
        case WIRE_MODE_UNKNOWN:
        case WIRE_MODE_NAT:
        case _WIRE_MODE_END:
                break;
        }
        return WIRE_REACH_FORWARDED;
}

WireReach wire_place_reach(uint8_t mode, uint8_t place) {
        return mode == WIRE_MODE_UNKNOWN && place == WIRE_PLACE_OUTSIDE ? WIRE_REACH_OWN
                                                                        : wire_mode_reach(mode);
}

static const char *const reach_names[_WIRE_REACH_END] = {
        [WIRE_REACH_FORWARDED] = "forwarded", [WIRE_REACH_SHARED] = "shared",
        [WIRE_REACH_RELAYED] = "relayed",     [WIRE_REACH_OWN] = "own",
        [WIRE_REACH_NONE] = "none",
};

const char *wire_reach_name(WireReach reach) {
        return reach_names[reach];
}

int wire_reach_parse(const char *name, WireReach *ret_reach) {
        for (unsigned i = 0; i < _WIRE_REACH_END; i++) {
                if (strcmp(name, reach_names[i]) == 0) {
                        *ret_reach = (WireReach) i;
                        return 0;
                }
        }
        return -EINVAL;
}

bool wire_reach_opens(WireReach reach) {
        return reach == WIRE_REACH_SHARED || reach == WIRE_REACH_RELAYED;
}

bool wire_reach_is_direct(WireReach reach) {
        return wire_reach_opens(reach) || reach == WIRE_REACH_OWN;
}

bool wire_mode_is_served(uint8_t mode, uint8_t version) {
        WireReach reach = wire_mode_reach(mode);

        return reach == WIRE_REACH_FORWARDED ||
               (wire_reach_is_direct(reach) && version >= WIRE_VERSION_FIELDS);
}

/* "80, 3000-3010 and 2 more": the guest's side. */
static void ports_text(const WireListen *listens, uint32_t n, char ret_text[PORTS_TEXT_MAX]) {
        size_t at = 0;

        ret_text[0] = '\0';
        for (uint32_t i = 0; i < n && i < PORTS_SHOWN_MAX; i++) {
                at += (size_t) snprintf(ret_text + at, PORTS_TEXT_MAX - at, "%s%u", at ? ", " : "",
                                        (unsigned) listens[i].connect_port);
                if (listens[i].count > 1)
                        at += (size_t) snprintf(ret_text + at, PORTS_TEXT_MAX - at, "-%u",
                                                (unsigned) listens[i].connect_port +
                                                        listens[i].count - 1);
        }
        if (n > PORTS_SHOWN_MAX)
                (void) snprintf(ret_text + at, PORTS_TEXT_MAX - at, " and %u more",
                                (unsigned) (n - PORTS_SHOWN_MAX));
}

void wire_own_text(const IpAddr *address, const WireListen *listens, uint32_t n,
                   char ret_text[WIRE_TEXT_MAX + 1]) {
        char text[IP_TEXT_MAX], ports[PORTS_TEXT_MAX];

        ip_format(address, text);
        ports_text(listens, n, ports);
        (void) snprintf(ret_text, WIRE_TEXT_MAX + 1,
                        "direct: other machines reach it at the guest's own address, %s, port %s",
                        text, ports);
}
