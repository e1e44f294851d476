/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The name of this guest, kept over restarts, because with another name it would be another guest
 * for the helper. In WSL the agent keeps what WSL has said last about this distribution: its tools
 * may hang for the life of a VM (fact 6.2.5). Elsewhere 'wslbridgectl pair' keeps the name under
 * which it has paired this guest, because the host name may change.
 *
 * A guest that was copied takes the file along. So the file says for which installation it is.
 * In WSL that is the agent id and the id of the file system on which the file lies. "wsl --import"
 * of an archive makes a new file system, and then the file does not count. The copy of a whole disk
 * (--vhd, --import-in-place) cannot be told from its original; see fact 6.2.8. Elsewhere
 * identity_of_machine() tells a copy by its virtual machine. Then the file system does not matter,
 * because its id may be the number of a device, which may be another one after the next start.
 */

#include "agent/guest/wsl-words.h"

#define KEPT_DIRECTORY "/var/lib/wslbridge" /* without $STATE_DIRECTORY */
#define KEPT_FILE      "kept-name"
#define KEPT_SIZE_MAX  1024

#define KEPT_INSTALLATION_SIZE (2 * WIRE_ID_SIZE + 32) /* of its text, with the NUL */

typedef struct Installation {
        uint8_t id[WIRE_ID_SIZE];
        bool of_machine; /* the id is bound to a virtual machine */
} Installation;

typedef struct Kept {
        char distro[WIRE_DISTRO_MAX + 1]; /* "" = not known */
        char word[WSL_WORD_MAX + 1];      /* of the networking mode; "" = not known */
} Kept;

/**
 * kept_load() - read the file in @directory
 * @installation: this one, see above
 *
 * Return: true when it was there, is well formed, and is about this installation. Otherwise
 * @ret_kept is empty.
 */
bool kept_load(const char *directory, const Installation *installation, Kept *ret_kept);

/* Replace the file; make the directory if only its last part is missing. Return: 0 or negative
 * errno. */
int kept_save(const char *directory, const Installation *installation, const Kept *kept);

/* The two halves of these that touch no file. @installation: its text, as the file has it. Return
 * of kept_parse(): as kept_load(). */
bool kept_parse(const char *text, const char *installation, Kept *ret_kept);
void kept_format(const char *installation, const Kept *kept, char ret_text[KEPT_SIZE_MAX + 1]);
