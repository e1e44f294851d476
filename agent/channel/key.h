/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The pairing key: where it is read from, and what it may look like. Does not log, and keeps no
 * copy.
 */

#include "protocol/wire/wire.h"

#define KEY_FILE       "/etc/wslbridge/key" /* below the root */
#define KEY_CREDENTIAL "key"                /* below $CREDENTIALS_DIRECTORY */
#define KEY_FILE_MAX   256                  /* bytes; 64 digits and white space */

/* The unit's SetCredential= gives this value when there is no key file. Without such a default,
 * LoadCredential= would keep an unpaired agent from starting. */
#define KEY_UNPAIRED "unpaired"

enum {
        _KEY_E_SUCCESS,
        KEY_E_MISSING, /* not paired, nothing wrong */
        KEY_E_BAD,     /* there is a file, but it is not a key or not a secret */
        KEY_E_LATER,   /* there is a file, which the service gets when it starts again */
        KEY_E_UNREAD,  /* there may be one; it cannot be read for a reason that passes */
};

/**
 * key_load() - read the key from the credential, or else from @root/etc/wslbridge/key
 * @root: "" or a directory without trailing slash
 * @credentials: value of $CREDENTIALS_DIRECTORY, or NULL
 * @ret_problem: for all others but KEY_E_MISSING, what is wrong and what to do; owned by the caller
 *
 * Return: one of these, or -ENOMEM. Wipe the key after use.
 */
int key_load(const char *root, const char *credentials, uint8_t ret_key[WIRE_KEY_SIZE],
             char **ret_problem);

/**
 * key_parse() - 64 hexadecimal digits, white space around them allowed
 *
 * Return: 0, KEY_E_MISSING for nothing or KEY_UNPAIRED, KEY_E_BAD.
 */
int key_parse(const char *text, size_t n, uint8_t ret_key[WIRE_KEY_SIZE]);
