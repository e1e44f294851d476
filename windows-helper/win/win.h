/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Translation between our conventions and those of Windows: UTF-8 to UTF-16, and Win32 error codes
 * to negative errno. Nothing else belongs here.
 */

#define WIN32_LEAN_AND_MEAN  /* without COM, whose headers define 'interface', a field name of ours \
                              */
#include <stddef.h>
#include <wchar.h>
#include <winsock2.h>

#include <windows.h>

/* The negative errno nearest to a Win32 or Winsock error; -EIO for an error without a counterpart.
 */
int win_errno(DWORD error);

/**
 * win_to_wide() - UTF-8 to UTF-16 with its NUL
 * @size: size of @ret_wide in characters
 *
 * Return: 0; -EILSEQ when @text is not valid UTF-8; -ENAMETOOLONG when it does not fit.
 */
int win_to_wide(const char *text, wchar_t *ret_wide, size_t size);

/**
 * win_from_wide() - UTF-16 to newly allocated UTF-8 with its NUL
 * @n: characters of @wide, without a NUL
 *
 * A lone surrogate becomes U+FFFD: texts that Windows stores need not be valid UTF-16, and an
 * invalid name must be reported rather than dropped.
 *
 * Return: 0 or -ENOMEM. The caller frees.
 */
int win_from_wide(const wchar_t *wide, size_t n, char **ret_text);

/**
 * win_format() - swprintf(), as Windows has it
 *
 * That of the compiler's library would be a second printf in the program. A string of the format is
 * %ls (UTF-16) or %hs (ASCII).
 *
 * Return: the characters without the NUL; -1 when @ret_text is too small. It ends with a NUL in any
 * case.
 */
int win_format(wchar_t *ret_text, size_t size, const wchar_t *format, ...);

#define WIN_SHOWN_MAX 1024 /* bytes with the NUL; longer texts are cut */

/* win_shown() into a buffer that lives as long as the enclosing block: for arguments of printf, in
 * whose formats %ls stops at the first letter outside ASCII. */
#define WIN_UTF8(wide_) win_shown((wide_), (char[WIN_SHOWN_MAX]){0})

/* UTF-16 as UTF-8, for messages. The thread's last error stays. Return: @ret_text. */
const char *win_shown(const wchar_t *wide, char ret_text[WIN_SHOWN_MAX]);
