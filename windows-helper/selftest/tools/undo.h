/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Taking back what the self-test has made. Each function looks whether the thing is ours, removes
 * it, and looks again. Each returns 0 when it is not there (any more), or a Windows error.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>

DWORD undo_service(void);

/* Stop a one-shot service, and wait for the end of its process for up to ten seconds. */
void undo_end_service(SC_HANDLE service);

/* @what: "LISTEN=CONNECT"; without LISTEN all rules to there. A value with other data is somebody
 * else's and stays. */
DWORD undo_rule(const char *what);
DWORD undo_firewall(void);
DWORD undo_file(const wchar_t *path);
DWORD undo_folder(const wchar_t *path); /* ERROR_DIR_NOT_EMPTY: it stays */
DWORD undo_restart(const wchar_t *folder);

/* Whether it is there. */
bool undo_has_service(void);
bool undo_has_firewall_rule(void);

/* Send PARAMCHANGE to iphlpsvc, so that it reads the rules again (fact 4.1.6). Return: 0 or a
 * Windows error. */
DWORD undo_tell_forwarder(void);
