/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Opening a service of Windows by its name.
 */

#include "windows-helper/win/win.h"

/* @access: what the caller is going to do (SERVICE_QUERY_STATUS …). Return: the service, owned by
 * the caller; or NULL with *ret_error: -ENOENT when there is none (not logged), or another negative
 * errno (logged). */
SC_HANDLE service_open(const wchar_t *name, DWORD access, int *ret_error);
