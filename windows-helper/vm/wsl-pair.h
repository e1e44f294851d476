/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Giving a key to a WSL distro. wsl.exe runs 'wslbridgectl pair' in the distro as root; that reads
 * the key from its standard input and answers with the guest's identity (docs/protocol.md,
 * "Pairing").
 */

#include "windows-helper/core/rules/ledger.h"

#define WSL_PAIR_TIMEOUT_MS 60000 /* the distro may have to start first */

/**
 * wsl_pair() - give a key to a distro
 * @distro: its name in 'wsl --list'
 * @ret_owner: the identity of the guest that has stored the key
 *
 * Return: 0; or negative errno (logged, with the guest's answer). After an error the guest may or
 * may not have stored the key; pairing it again is right in both cases.
 */
int wsl_pair(const char *distro, const uint8_t key[WIRE_KEY_SIZE],
             char ret_owner[LEDGER_OWNER_MAX + 1]);

/* True for "<32 hex digits>/<name>", the identity of a guest. */
bool wsl_pair_is_owner(const char *text);
