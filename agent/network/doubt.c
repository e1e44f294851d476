/* SPDX-License-Identifier: MIT */

/* Whether a worse choice is believed yet; see doubt.h. */

#include "agent/network/doubt.h"
#include "agent/network/netwatch.h"

bool doubt_look(Doubt *d, const Choice *was, const Choice *is, const DoubtLook *look) {
        if (!choice_may_pass(was, is) || (look->asked && look->trailing)) {
                d->since_usec = 0;
                return false;
        }
        if (d->since_usec == 0)
                d->since_usec = look->now_usec;
        if (!look->trailing || look->now_usec - d->since_usec < NETWATCH_WINDOW_USEC)
                return true;
        d->since_usec = 0;
        return false;
}
