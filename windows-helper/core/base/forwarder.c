/* SPDX-License-Identifier: MIT */

/*
 * PortProxy carries what it can carry, because it is a part of Windows. It is TCP only, and it
 * hides the client's address, so the rest is for the relay.
 */

#include "windows-helper/core/base/forwarder.h"

ForwarderChoice forwarder_choose(const WireService *s, WireReach reach) {
        static const struct {
                WireOption option;
                WireForwarderReason why;
        } needs[] = {
                {WIRE_OPTION_PROTOCOL, WIRE_WHY_PROTOCOL},
                {WIRE_OPTION_CLIENT_ADDRESS, WIRE_WHY_CLIENT_ADDRESS},
                {WIRE_OPTION_FORWARDER, WIRE_WHY_ASKED},
        };

        if (reach != WIRE_REACH_FORWARDED)
                return (ForwarderChoice){WIRE_FORWARDER_DIRECT, WIRE_WHY_NETWORKING_MODE,
                                         _WIRE_OPTION_END};
        for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
                if (s->options[needs[i].option] != 0)
                        return (ForwarderChoice){WIRE_FORWARDER_RELAY, needs[i].why,
                                                 needs[i].option};
        return (ForwarderChoice){WIRE_FORWARDER_PORTPROXY, WIRE_WHY_DEFAULT, _WIRE_OPTION_END};
}

const char *forwarder_missing(const ForwarderChoice *choice, const ForwarderMeans *means) {
        if (choice->forwarder != WIRE_FORWARDER_RELAY || means->relay)
                return NULL;
        return "the relay, and this helper has none; update wslbridge on Windows";
}
