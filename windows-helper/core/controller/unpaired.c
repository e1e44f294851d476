/* SPDX-License-Identifier: MIT */

/*
 * The list of unpaired peers. Each is in it once, no matter how often it tries.
 */

#include "windows-helper/core/controller/unpaired-private.h"

#include <stdio.h>
#include <string.h>

void unpaired_peers_add(UnpairedPeers *u, const char *owner) {
        size_t i = 0;

        while (i < u->n && strcmp(u->owners[i], owner) != 0)
                i++;
        if (i == u->n && i < CONTROLLER_UNPAIRED_MAX)
                u->n++;
        else if (i == CONTROLLER_UNPAIRED_MAX)
                i--;
        memmove(u->owners[1], u->owners[0], i * sizeof(u->owners[0]));
        (void) snprintf(u->owners[0], sizeof(u->owners[0]), "%s", owner);
}
