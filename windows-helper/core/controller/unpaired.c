/* SPDX-License-Identifier: MIT */

/*
 * The list of unpaired peers. Each is in it once, no matter how often it tries.
 */

#include "windows-helper/core/controller/unpaired-private.h"

#include <stdio.h>
#include <string.h>

void unpaired_peers_forget(UnpairedPeers *u, const char *owner) {
        for (size_t i = 0; i < u->n; i++) {
                if (strcmp(u->owners[i], owner) != 0)
                        continue;
                u->n--;
                memmove(u->owners[i], u->owners[i + 1], (u->n - i) * sizeof(u->owners[0]));
                memmove(&u->tried_usec[i], &u->tried_usec[i + 1],
                        (u->n - i) * sizeof(u->tried_usec[0]));
        }
}

void unpaired_peers_add(UnpairedPeers *u, const char *owner, uint64_t now_usec) {
        unpaired_peers_forget(u, owner);
        u->n -= u->n == CONTROLLER_UNPAIRED_MAX;
        memmove(u->owners[1], u->owners[0], u->n * sizeof(u->owners[0]));
        memmove(&u->tried_usec[1], u->tried_usec, u->n * sizeof(u->tried_usec[0]));
        (void) snprintf(u->owners[0], sizeof(u->owners[0]), "%s", owner);
        u->tried_usec[0] = now_usec;
        u->n++;
}

uint64_t unpaired_peers_deadline(const UnpairedPeers *u) {
        return u->n > 0 ? u->tried_usec[u->n - 1] + UNPAIRED_USEC : SESSION_NO_DEADLINE;
}

bool unpaired_peers_expire(UnpairedPeers *u, uint64_t now_usec) {
        size_t n = u->n;

        while (unpaired_peers_deadline(u) <= now_usec)
                u->n--;
        return u->n < n;
}
