/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Giving a key to a WSL distro. wsl.exe runs 'wslbridgectl pair --confirm' in the distro as root,
 * and the two of us talk through its standard input and output (docs/protocol.md, "Pairing").
 */

#include "windows-helper/core/vm/wsl-answer.h"

#define WSL_PAIR_ANSWER_MS  60000 /* the distro may have to start first */
#define WSL_PAIR_CONFIRM_MS 15000 /* it runs, and only renames a file */

/* The host's half of a pairing. Both functions log their errors. */
typedef struct WslPairStore {
        int (*put)(void *userdata, const char *owner); /* store the new key, remember the old one */
        int (*restore)(void *userdata, const char *owner); /* undo that */
        bool (*stop)(void); /* whether to give up while the guest has not answered; NULL: the caller
                               has no handler of Ctrl-C, which then must not end the program */
        void *userdata;
} WslPairStore;

/**
 * wsl_pair() - give a key to a distro
 * @distro: its name in 'wsl --list'
 * @store: called when the guest has the key but does not use it yet
 * @ret_owner: the identity of the guest
 *
 * The guest uses the key only after the host has stored it. If the guest then does not confirm, the
 * host takes its own step back. So after an error both have what they had before, except when the
 * guest's confirmation got lost; the message then says so, and pairing again is right in any case.
 *
 * Return: 0; or negative errno (logged, with what wsl.exe and the guest said).
 */
int wsl_pair(const char *distro, const uint8_t key[WIRE_KEY_SIZE], const WslPairStore *store,
             char ret_owner[WSL_OWNER_MAX + 1]);
