/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Words about the process that has a port: who it is, and what helps against it. "End it" is right
 * for a user's program. Windows' own processes and those of WSL need something else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLDER_NAME_MAX     31  /* bytes of a program's name; longer ones are not shown */
#define HOLDER_SERVICES_MAX 63  /* of the services in one process */
#define HOLDER_TEXT_MAX     205 /* leaves room for the endpoint in a text of the wire */

typedef struct Holder {
        uint32_t pid;
        char process[HOLDER_NAME_MAX + 1];      /* "python.exe"; "": Windows does not name it */
        char services[HOLDER_SERVICES_MAX + 1]; /* "A" or "A, B"; "": it is no service */
} Holder;

/* A process of WSL, such as the one that listens for guests in mode virtioproxy (fact 6.2.11). */
bool holder_is_wsl(const Holder *h);

/* "in use by …; what to do". @port: the one that the process has. */
void holder_text(const Holder *h, uint16_t port, char ret_text[HOLDER_TEXT_MAX + 1]);
