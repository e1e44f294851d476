/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The edge between our conventions and Windows': UTF-8 inside and UTF-16 outside, negative errno
 * inside and Win32 error codes outside. Nothing else belongs here.
 */

#define WIN32_LEAN_AND_MEAN /* no COM: its headers define 'interface', a field name of ours */
#include <stddef.h>
#include <wchar.h>
#include <winsock2.h>

#include <windows.h>

/* The negative errno nearest to a Win32 or Winsock error; -EIO for what has no counterpart. */
int win_errno(DWORD error);

/**
 * win_to_wide() - UTF-8 to UTF-16 with its NUL
 * @size: room in characters
 *
 * Return: 0; -EILSEQ when @text is no UTF-8; -ENAMETOOLONG when it does not fit.
 */
int win_to_wide(const char *text, wchar_t *ret_wide, size_t size);

/**
 * win_from_wide() - UTF-16 to newly allocated UTF-8 with its NUL
 * @n: characters of @wide, without a NUL
 *
 * Lossy for lone surrogates (U+FFFD): what Windows stores need not be valid, and a name that is
 * not must be reported, not dropped.
 *
 * Return: 0 or -ENOMEM. The caller frees.
 */
int win_from_wide(const wchar_t *wide, size_t n, char **ret_text);
