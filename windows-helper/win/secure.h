/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who may read what we keep: security descriptors of our keys and folders, in SDDL.
 */

#include "windows-helper/win/win.h"

/* Secrets: SYSTEM and administrators, nobody else, nothing inherited from above. */
#define SECURE_SECRET_KEY L"D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
/* Folders and files: the same with files' rights; and what users may read. They belong to
 * administrators, because an owner may always change the rights. */
#define SECURE_SECRET_FILE L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
#define SECURE_PUBLIC_FILE L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)"

/* Create a key below HKEY_LOCAL_MACHINE, or take one that is there, and give it @sddl.
 * Return: 0 or negative errno (logged). */
int secure_key(const wchar_t *path, const wchar_t *sddl);

/* The same of a folder, whose owner changes, too. -ENOTDIR when there is a file, or a link to some
 * other place (logged). */
int secure_folder(const wchar_t *path, const wchar_t *sddl);

/* A new file, nobody else's: replaces one that is there. @ret_file is the caller's. -EBUSY (not
 * logged): somebody has it open. */
int secure_file(const wchar_t *path, const wchar_t *sddl, DWORD share, HANDLE *ret_file);
