/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The peers that were refused most recently because they have no key here, so that an
 * administrator can see whom to pair. An agent that is refused tries again every half minute. So
 * one that has not tried for some minutes has gone, or was paired.
 */

#include "windows-helper/core/controller/controller.h"

typedef struct UnpairedPeers {
        char owners[CONTROLLER_UNPAIRED_MAX][LEDGER_OWNER_MAX + 1]; /* newest first */
        uint64_t tried_usec[CONTROLLER_UNPAIRED_MAX];               /* of the same index */
        size_t n;
} UnpairedPeers;

#define UNPAIRED_USEC UINT64_C(120000000)

/* Put @owner first. The oldest one goes when the list is full. */
void unpaired_peers_add(UnpairedPeers *u, const char *owner, uint64_t now_usec);

/* @owner is admitted. */
void unpaired_peers_forget(UnpairedPeers *u, const char *owner);

/* Forget those that do not try any more. Return: whether there were any. */
bool unpaired_peers_expire(UnpairedPeers *u, uint64_t now_usec);

/* When the next one expires, or SESSION_NO_DEADLINE. */
uint64_t unpaired_peers_deadline(const UnpairedPeers *u);
