/* SPDX-License-Identifier: MIT */

/*
 * The table of modes, in words.
 */

#include "agent/guest/mode-state.h"

#include "protocol/wire/wire.h"

#include <stdio.h>
#include <string.h>

uint8_t mode_by_name(const char *name) {
        for (unsigned mode = 0; mode < _WIRE_MODE_END; mode++)
                if (strcmp(name, wire_mode_name((uint8_t) mode)) == 0)
                        return (uint8_t) mode;
        return WIRE_MODE_UNKNOWN;
}

const char *reach_meaning(WireReach reach) {
        switch (reach) {
        case WIRE_REACH_SHARED:
                return "nothing is forwarded, because this guest has the host's addresses; the "
                       "helper only opens the ports in Windows Firewall, and the Hyper-V "
                       "firewall decides, too";
        case WIRE_REACH_RELAYED:
                return "nothing is forwarded, because WSL listens on the host for this guest; the "
                       "helper only opens the ports in Windows Firewall";
        case WIRE_REACH_OWN:
                return "nothing is forwarded, because this guest has its own address on the "
                       "host's network, where other machines reach it";
        case WIRE_REACH_NONE:
                return "nothing is forwarded, because this guest has no network";
        case WIRE_REACH_FORWARDED:
        case _WIRE_REACH_END:
                break;
        }
        return "";
}

static void own_state(const ModeSituation *s, const WireListen *listens, uint32_t n,
                      ModeState *ret) {
        if (s->address->family == IP_FAMILY_NONE) {
                *ret = (ModeState){WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NO_ADDRESS,
                                   "this guest has no address"};
                return;
        }
        ret->state = WIRE_SERVICE_ACTIVE;
        ret->reason = WIRE_REASON_DIRECT;
        wire_own_text(s->address, listens, n, ret->text);
}

static void opened_state(const ModeSituation *s, ModeState *ret) {
        const char *mode = wire_mode_name(s->mode);

        if (s->version == 0) {
                ret->state = WIRE_SERVICE_PENDING;
                (void) snprintf(ret->text, sizeof(ret->text),
                                "the helper, which opens the port in Windows Firewall in "
                                "networking mode %s, is not connected",
                                mode);
                return;
        }
        ret->state = WIRE_SERVICE_WITHDRAWN;
        ret->reason = WIRE_REASON_NETWORKING_MODE;
        (void) snprintf(ret->text, sizeof(ret->text),
                        "networking mode %s: the helper (%s) is too old to open ports in this "
                        "mode; update wslbridge on Windows",
                        mode, s->software);
}

bool mode_state(const ModeSituation *s, const WireListen *listens, uint32_t n,
                ModeState *ret_state) {
        ModeState *ret = ret_state;

        *ret = (ModeState){WIRE_SERVICE_PENDING, WIRE_REASON_NONE, "the helper is not connected"};
        switch (s->reach) {
        case WIRE_REACH_FORWARDED:
        case _WIRE_REACH_END:
                return s->version == 0;
        case WIRE_REACH_SHARED:
        case WIRE_REACH_RELAYED:
                opened_state(s, ret);
                return !wire_mode_is_served(s->mode, s->version);
        case WIRE_REACH_OWN:
                own_state(s, listens, n, ret);
                break;
        case WIRE_REACH_NONE:
                *ret = (ModeState){WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE,
                                   "networking mode none: the guest has no network"};
                break;
        }
        return true;
}

bool mode_stops_loopback(WireReach reach, uint8_t mode, const WireService *service,
                         ModeState *ret_state) {
        bool told = mode != WIRE_MODE_UNKNOWN; /* otherwise it was the host that told the place */
        ModeState *ret = ret_state;

        if (service->options[WIRE_OPTION_CONNECT] != WIRE_CONNECT_LOOPBACK ||
            !wire_reach_is_direct(reach))
                return false;
        ret->state = WIRE_SERVICE_WITHDRAWN;
        ret->reason = WIRE_REASON_NETWORKING_MODE;
        (void) snprintf(ret->text, sizeof(ret->text),
                        "%s%s: clients reach this guest themselves, so nothing can carry them to "
                        "127.0.0.1; let the program listen on 0.0.0.0, and take "
                        "'connect = loopback' out",
                        told ? "networking mode " : "a network of other machines",
                        told ? wire_mode_name(mode) : "");
        return true;
}

bool mode_stops_header(WireReach reach, const WireService *service, ModeState *ret_state) {
        if (service->options[WIRE_OPTION_CLIENT_ADDRESS] == WIRE_CLIENT_ADDRESS_HIDDEN ||
            reach != WIRE_REACH_OWN)
                return false;
        *ret_state = (ModeState){
                WIRE_SERVICE_REFUSED, WIRE_REASON_NO_RELAY,
                "nothing of wslbridge is between a client and the guest at its own address, so "
                "nobody can say the client's address; leave out client-address"};
        return true;
}
