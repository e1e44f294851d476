/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What 'wslbridgectl pair' answers in a distro, found among everything that wsl.exe writes
 * (docs/protocol.md, "Pairing"). Pure.
 */

#include "common/buffer.h"
#include "protocol/wire/wire.h"

#define WSL_OWNER_MAX (2 * WIRE_ID_SIZE + 1 + WIRE_DISTRO_MAX) /* "<id>/<name>" */

#define WSL_WORD_PAIRED    "paired "    /* the guest has the key, and waits for our word */
#define WSL_WORD_CONFIRMED "confirmed " /* the key is in force in the guest */

/* What we say to the guest after we have stored the key. */
#define WSL_WORD_STORED "stored\n"

#define WSL_SHOWN_MAX 600 /* bytes of a foreign text in a message */

/* True for "<32 hex digits>/<name>", the identity of a guest. */
bool wsl_answer_is_owner(const char *text);

/**
 * wsl_answer_find() - the last line that has a word and an identity behind it
 * @text: from foreign_text_decode()
 * @ended: nothing follows, so the last line need not have a line feed
 *
 * Return: whether there is one.
 */
bool wsl_answer_find(const char *text, const char *word, bool ended,
                     char ret_owner[WSL_OWNER_MAX + 1]);

/* The lines of two texts as one line for a message: the end of it, if it is too long. */
void wsl_answer_show(const char *errors, const char *output, char ret_text[WSL_SHOWN_MAX + 1]);
