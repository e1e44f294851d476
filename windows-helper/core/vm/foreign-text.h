/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text that another program of Windows wrote into a pipe, as UTF-8. Pure.
 */

#include "common/buffer.h"

/**
 * foreign_text_decode() - append the bytes of another program as UTF-8 to @ret
 *
 * Each line may be UTF-8 or UTF-16, because wsl.exe writes lines of its own (in UTF-16, unless it
 * knows WSL_UTF8) between those of the distro (fact 2.1.5). A line is UTF-16 when it has a NUL.
 * Carriage returns, NULs and byte order marks are left out; a byte that is part of no character
 * becomes '?'.
 * Out of memory sets @ret's .oom.
 */
void foreign_text_decode(const uint8_t *bytes, size_t n, Buffer *ret);
