/* SPDX-License-Identifier: MIT */

/*
 * Decided by the service's state alone.
 */

#include "agent/daemon/port-news.h"

bool port_is_news(StatusService *s, uint64_t now_usec) {
        if (s->guest == GUEST_PORT_UNKNOWN)
                return false;
        if (s->guest == GUEST_PORT_LISTENING) {
                s->guest_logged = GUEST_PORT_LISTENING;
                return false;
        }
        if (s->state != WIRE_SERVICE_ACTIVE || s->guest_logged == s->guest ||
            now_usec - s->guest_usec < PORT_NEWS_PAUSE_USEC)
                return false;
        s->guest_logged = s->guest;
        return true;
}
