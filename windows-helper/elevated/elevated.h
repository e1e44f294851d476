/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The half of 'setup' that needs an administrator: another process of this program, started with
 * the question of User Account Control, at the other end of a pipe (docs/threat-model.md,
 * "The elevated step of setup"). It is started when it is first needed, and only once.
 */

#include "protocol/wire/wire.h"
#include "windows-helper/elevated/pipe.h"

#include <stdbool.h>

#define ELEVATED_WHY_MAX 1200 /* bytes of a sentence, with the NUL */

typedef struct Elevated {
        HANDLE process;             /* owned; NULL as long as it is not started */
        ElevatedPipe pipe;          /* its handle is owned */
        bool failed;                /* starting it was tried, and is not tried again */
        bool changing;              /* it was asked to change something; the caller resets it */
        bool (*stop)(void);         /* whether the user wants no more of it; NULL: never */
        char why[ELEVATED_WHY_MAX]; /* what the last request failed with, without a full stop */
} Elevated;

/* Ask for something, such as ELEVATED_INSTALL. @argument: NULL for none. Return: 0; or negative
 * errno, and then .why says why. -ECANCELED: the user refused the elevation. -EINTR: he gave it,
 * and .stop() says that he wants to stop; nothing was asked for. */
int elevated_ask(Elevated *e, ElevatedWord word, const char *argument);

/* Ask for the new key. Return: as elevated_ask(). */
int elevated_key(Elevated *e, uint8_t ret_key[WIRE_KEY_SIZE]);

/* Start it, if it does not run yet, so that the user has given his consent before something changes
 * elsewhere. Return: as elevated_ask(); -EINTR: .stop() says that he wants to stop. */
int elevated_ready(Elevated *e);

/* Let it end. */
void elevated_done(Elevated *e);
