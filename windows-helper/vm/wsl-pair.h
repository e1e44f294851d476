/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Handing a key to a WSL distro: wsl.exe runs 'wslbridgectl pair' there as root, reads the key on
 * its standard input, and says who it is (docs/protocol.md, "Pairing").
 */

#include "windows-helper/core/rules/ledger.h"

#define WSL_PAIR_TIMEOUT_MS 60000 /* a distro that has to start first */

/**
 * wsl_pair() - run the exchange
 * @distro: as 'wsl --list' calls it
 * @ret_owner: who has stored the key
 *
 * Return: 0; or negative errno (logged, with what the guest said): then the guest may have stored
 * the key or not, and pairing it again is right in both cases.
 */
int wsl_pair(const char *distro, const uint8_t key[WIRE_KEY_SIZE],
             char ret_owner[LEDGER_OWNER_MAX + 1]);

/* True for "<32 hex digits>/<name>", as a guest calls itself. */
bool wsl_pair_is_owner(const char *text);
