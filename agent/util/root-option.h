/* SPDX-License-Identifier: MIT */
#pragma once

/* The option --root=, which both programs of the guest have. */

/**
 * root_option_parse() - check and normalize the directory that --root= names
 * @text: must be absolute; trailing slashes are removed in place, so that "/" becomes ""
 *
 * Return: @text, which can be put in front of an absolute path; or NULL after a message on standard
 * error.
 */
const char *root_option_parse(char *text);
