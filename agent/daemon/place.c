/* SPDX-License-Identifier: MIT */

/*
 * Where the guest is, as the helper sees it. In mode unknown, which is that of a guest of plain
 * Hyper-V, nothing in the guest tells the Default Switch from an external one; the host sees the
 * difference, and says it in each RESULT.
 *
 * What it has said holds for the gateway that the guest had then, also while the helper is away.
 * With another gateway the guest is on another network, so it has to be said anew.
 */

#include "agent/daemon/agent-private.h"

const WireAddress *agent_published(const Agent *a) {
        return a->address.choice.v4.addr.family ? &a->address.choice.v4 : &a->address.choice.v6;
}

/* A default route may be away for a moment, which is no other network. */
static bool place_holds(const Agent *a) {
        const IpAddr *gateway = &agent_published(a)->gateway;

        return a->place.known &&
               (gateway->family == IP_FAMILY_NONE || ip_compare(&a->place.gateway, gateway) == 0);
}

WireReach agent_reach(const Agent *a) {
        return wire_place_reach(a->guest.answers.mode,
                                place_holds(a) ? a->place.place : WIRE_PLACE_USUAL);
}

/* A place of a later version may mean anything. */
bool agent_is_behind_host(const Agent *a) {
        return agent_reach(a) == WIRE_REACH_FORWARDED &&
               (a->guest.answers.mode != WIRE_MODE_UNKNOWN ||
                (place_holds(a) && a->place.place == WIRE_PLACE_USUAL));
}

const char *agent_host_problem(const Agent *a) {
        uint8_t version = channel_version(a->connection.channel);
        bool old = version > 0 && version < WIRE_VERSION_FIELDS;

        if (agent_is_behind_host(a) || agent_reach(a) != WIRE_REACH_FORWARDED)
                return NULL;
        return old || place_holds(a) ? "has not been told by the helper that its gateway is the "
                                       "Windows host"
                                     : NULL;
}

bool agent_set_place(Agent *a, uint8_t place) {
        WireReach before = agent_reach(a);
        bool was_behind = agent_is_behind_host(a);
        bool had_problem = agent_host_problem(a) != NULL;

        if (!place_holds(a) || a->place.place != place)
                a->place = (AgentPlace){true, agent_published(a)->gateway, place};
        return agent_reach(a) != before || agent_is_behind_host(a) != was_behind ||
               (agent_host_problem(a) != NULL) != had_problem;
}
