/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The WSL distros of a user, and which of them 'setup' may take. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETUP_DISTRO_NAME_MAX 256 /* bytes of UTF-8 with the NUL */
#define SETUP_DISTRO_ID_MAX   64
#define SETUP_DISTROS_MAX     128 /* more are not looked at */

/* LXSS state: 1 is an installed distro; others are being installed, removed or moved (fact 2.1.7).
 */
#define SETUP_STATE_INSTALLED 1

typedef struct SetupDistro {
        char name[SETUP_DISTRO_NAME_MAX];
        char id[SETUP_DISTRO_ID_MAX]; /* the GUID with its braces, as the registry has it */
        uint32_t version;             /* of WSL: 1 or 2 */
        uint32_t state;
        bool is_default;
        bool is_new; /* its first start, which asks for a user's name, has not ended (fact 2.1.10)
                      */
} SetupDistro;

typedef struct SetupDistros {
        SetupDistro items[SETUP_DISTROS_MAX];
        size_t n;
} SetupDistros;

/* Whether a distro belongs to a container engine, which makes and replaces it as it likes. */
bool setup_is_engine(const char *name);

/* Take those of container engines out, and sort the rest by name, the default one first. */
void setup_distros_tidy(SetupDistros *d);

/* Find a distro by its name; case does not matter for ASCII, as wsl.exe has it. NULL: none. */
const SetupDistro *setup_distros_find(const SetupDistros *d, const char *name);
