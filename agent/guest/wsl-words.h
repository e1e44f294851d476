/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Parsers for what WSL's tools print. They are lenient: the first line that is an answer counts,
 * because a warning may stand before it; \r\n, UTF-16 and surrounding space are tolerated, and
 * output without such a line counts as no answer. Pure.
 */

#include "protocol/wire/wire.h"

#define WSL_WORD_MAX 63

/**
 * wsl_parse_mode() - "wslinfo --networking-mode"
 * @ret_word: the first line that is a known word, else the first line, cleaned for status and log;
 *     "" when there is none
 * @ret_mode: WireMode; UNKNOWN when no line is a known word
 *
 * virtioproxy was renamed to consomme (fact 6.2.1). WSL 1 has no VM and shares the host's
 * addresses: mirrored.
 *
 * Return: whether there was a word.
 */
bool wsl_parse_mode(const char *output, size_t n, uint8_t *ret_mode,
                    char ret_word[WSL_WORD_MAX + 1]);

/* The name in the path \\wsl.localhost\NAME\ or \\wsl$\NAME\, whose last backslash is cut; NULL
 * when @path is another one. */
char *wsl_find_distro(char *path);

/* "wslpath -w /", which prints \\wsl.localhost\NAME\ or \\wsl$\NAME\ (fact 7.1.1). Return: whether
 * the output is that, with a name that an identity may have. */
bool wsl_parse_distro(const char *output, size_t n, char ret_name[WIRE_DISTRO_MAX + 1]);

/* "wslinfo --vm-id": a GUID, with braces or without. The bytes are in the order of the text. */
bool wsl_parse_vm_id(const char *output, size_t n, uint8_t ret_id[WIRE_ID_SIZE]);

/* A name that the other end can show and store: printable ASCII without separators. */
bool wsl_name_valid(const char *name);

/* Kernel release of WSL (fact 6.2.6): "5.15.167.4-microsoft-standard-WSL2",
 * "4.4.0-19041-Microsoft". */
bool wsl_release_is_wsl(const char *release);

/* The release of WSL 1, which Windows' own kernel makes up, has a capital letter (fact 6.2.6). */
bool wsl_release_is_wsl1(const char *release);
