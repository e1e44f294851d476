/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The peers that were refused most recently because they have no key here, so that an
 * administrator can see whom to pair.
 */

#include "windows-helper/core/controller/controller.h"

typedef struct UnpairedPeers {
        char owners[CONTROLLER_UNPAIRED_MAX][LEDGER_OWNER_MAX + 1]; /* newest first */
        size_t n;
} UnpairedPeers;

/* Put @owner first. The oldest one goes when the list is full. */
void unpaired_peers_add(UnpairedPeers *u, const char *owner);
