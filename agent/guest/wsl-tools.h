/* SPDX-License-Identifier: MIT */
#pragma once

/* Where WSL's tools are, and whether they can answer yet. */

#include <stdbool.h>

#define WSL_PATH_MAX 255

/* The path of the tool @name. @folder: has the tools of a test; NULL: /usr/bin and then /bin, as in
 * the $PATH that the tools get. Return: false = WSL does not have this tool. */
bool wsl_tool_find(const char *folder, const char *name, char ret_path[WSL_PATH_MAX + 1]);

/* Whether the socket through which the tools ask is there (fact 6.2.3). @folder: as above, or NULL
 * for WSL's own. */
bool wsl_interop_is_here(const char *folder);
