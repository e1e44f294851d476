/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sets and removes single keys of .wslconfig and /etc/wsl.conf. All other bytes stay as they are:
 * comments, order, line ends, byte order mark. Pure.
 */

#include "common/wsl/wsl-ini.h"

typedef struct IniWant {
        const char *section, *key, *value; /* letters and digits; the value may have a minus */
} IniWant;

enum {
        _INI_E_SUCCESS,
        INI_E_SAME, /* nothing has to change */
};

/**
 * ini_set() - give keys their values
 * @data: the file as it is; NULL with @n 0 for one that does not exist
 * @ret: empty before; the file as it should be
 * @ret_why: what is wrong with the file when -EINVAL is returned, as ini_check() says it
 *
 * A key that is there keeps its place, its spelling and the comment behind it. If it is there more
 * than once, each gets the value: the WSL of today takes the first one (fact 7.2.1), and so it does
 * not matter which. A key that is missing follows the last key of its section, and a section that
 * is missing comes last.
 *
 * Return: 0, INI_E_SAME, -EINVAL, -ENOMEM, or -ENODATA when WSL would not read what has to be
 * added, because it comes behind ini_stop(). @ret is empty unless it is 0.
 */
int ini_set(const IniDialect *dialect, const uint8_t *data, size_t n, const IniWant *wants,
            size_t n_wants, Buffer *ret, const char **ret_why);

/* Remove each of the keys that still has the value, and a section that is empty then. Otherwise as
 * ini_set(). */
int ini_unset(const IniDialect *dialect, const uint8_t *data, size_t n, const IniWant *wants,
              size_t n_wants, Buffer *ret, const char **ret_why);
