/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What WSL has said last about this distribution, kept over restarts: its tools may hang for the
 * life of a VM (fact 6.2.5), and without a name the guest would be another one for the helper.
 *
 * A distribution that was copied takes the file along. So the file says for which installation it
 * is: the agent id, and the id of the file system on which the file lies. "wsl --import" of an
 * archive makes a new file system, and then the file does not count. The copy of a whole disk
 * (--vhd, --import-in-place) cannot be told from its original; see fact 6.2.8.
 */

#include "agent/guest/wsl-words.h"

#define KEPT_DIRECTORY "/var/lib/wslbridge" /* without $STATE_DIRECTORY */
#define KEPT_FILE      "wsl-answers"
#define KEPT_SIZE_MAX  1024

typedef struct Kept {
        char distro[WIRE_DISTRO_MAX + 1]; /* "" = not known */
        char word[WSL_WORD_MAX + 1];      /* of the networking mode; "" = not known */
} Kept;

/**
 * kept_load() - read the file in @directory
 * @agent_id: who asks
 *
 * Return: true when it was there, is well formed, and is about this installation. Otherwise
 * @ret_kept is empty.
 */
bool kept_load(const char *directory, const uint8_t agent_id[WIRE_ID_SIZE], Kept *ret_kept);

/* Replace the file; make the directory if only its last part is missing. Return: 0 or negative
 * errno. */
int kept_save(const char *directory, const uint8_t agent_id[WIRE_ID_SIZE], const Kept *kept);
