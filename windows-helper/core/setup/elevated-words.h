/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The lines between 'setup' and its elevated half. The user's half asks, one line at a time:
 *
 *     install          install this program as the service, once
 *     key              make the key, once; it is answered with "key HEX"
 *     put OWNER        store the key for this guest, once
 *     restore OWNER    take that put back
 *     unpair OWNER     delete the guest's key
 *     adopt ENDPOINTS  take over port forwardings, such as those at 0.0.0.0:8000-8010
 *     bye
 *
 * Each is answered with "ok", "key HEX" or "error SENTENCE"; before that may come "say TEXT" lines
 * for the user. The elevated half begins with "hello VERSION", or "error SENTENCE". Pure.
 */

#include "protocol/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>

#define ELEVATED_LINE_MAX 1024               /* bytes with the NUL */
#define ELEVATED_ADOPTS   WIRE_ENDPOINTS_MAX /* so many at most: a guest cannot have more */

/* The name of the pipe: this, and ELEVATED_RANDOM hexadecimal digits. */
#define ELEVATED_PIPE   "\\\\.\\pipe\\wslbridge-setup-"
#define ELEVATED_RANDOM 32

typedef enum ElevatedWord {
        ELEVATED_INSTALL,
        ELEVATED_KEY,
        ELEVATED_PUT,
        ELEVATED_RESTORE,
        ELEVATED_UNPAIR,
        ELEVATED_ADOPT,
        ELEVATED_BYE,
        _ELEVATED_WORD_END,
} ElevatedWord;

const char *elevated_word_name(ElevatedWord word);

/* Read a request. @line: without its line feed. *ret_argument: points into @line, "" if none.
 * Return: 0, or -EINVAL when it is none, or when an argument is missing or too much. */
int elevated_parse(const char *line, ElevatedWord *ret_word, const char **ret_argument);

/* What the elevated half has granted so far, so that it grants each thing once. */
typedef struct ElevatedState {
        bool installed, made_key, put;
        size_t adopted;
        char owner[ELEVATED_LINE_MAX]; /* of the put */
} ElevatedState;

/* Whether a request may be granted now; marks it as granted. @owner_valid: whether the argument is
 * an owner. @n_ports: how many port forwardings it is about. Return: NULL, or the sentence that
 * refuses it. */
const char *elevated_admit(ElevatedState *s, ElevatedWord word, const char *argument,
                           bool owner_valid, size_t n_ports);

/* Whether @name is that of a pipe of ours: exact prefix and digits, so that it leads to no other
 * machine and to no other pipe. */
bool elevated_is_pipe(const char *name);
