/* SPDX-License-Identifier: MIT */

/*
 * The table of networking modes.
 */

#include "protocol/wire/modes.h"

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
