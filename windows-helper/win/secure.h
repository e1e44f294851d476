/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys, folders and files that only the right users can read or write. Their security descriptors
 * are in SDDL.
 */

#include "windows-helper/win/win.h"

/* A key for secrets: SYSTEM and administrators only; nothing is inherited from its parent. */
#define SECURE_SECRET_KEY L"D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)"
/* Folders and files, for secrets or readable by all users. The owner is the Administrators group,
 * because an owner can always change the rights. */
#define SECURE_SECRET_FILE L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
#define SECURE_PUBLIC_FILE L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)"

/* Create a key below HKEY_LOCAL_MACHINE, or take one that exists, and protect it with @sddl.
 * Return: 0 or negative errno (logged). */
int secure_key(const wchar_t *path, const wchar_t *sddl);

/* The same for a folder; its owner is replaced as well. One that refuses us is taken over with the
 * privileges of an administrator, if the process has them. Return: 0; -EACCES (logged, with the
 * owner); -ENOTDIR when the path is a file or a link to another place (logged); or another negative
 * errno (logged). */
int secure_folder(const wchar_t *path, const wchar_t *sddl);

/* Create a file with @sddl, replacing one that exists. @ret_file: to be closed by the caller.
 * Return: 0; -EBUSY when another process has it open, or -EISDIR when a folder with content is in
 * its place (not logged); or another negative errno (logged). */
int secure_file(const wchar_t *path, const wchar_t *sddl, DWORD share, HANDLE *ret_file);
