/* SPDX-License-Identifier: MIT */

/*
 * The part of the package that runs in the session of the user who installs: the Explorer there
 * learns that PATH has changed (fact 9.6.7). 'install' itself runs as SYSTEM then, whose message
 * may not reach the user's windows (fact 9.4.3).
 */

#include <windows.h>

#define ANNOUNCE_WAIT_MS 1000 /* for each window that does not answer */

UINT __stdcall announce(ULONG installer);

/* What Windows Installer calls when the transaction is complete. @installer: its handle. It stands
 * for MSIHANDLE, whose header this file does not need otherwise. */
__declspec(dllexport) UINT __stdcall announce(ULONG installer) {
        (void) SendMessageTimeoutW(HWND_BROADCAST, WM_SETTINGCHANGE, 0, (LPARAM) L"Environment",
                                   SMTO_ABORTIFHUNG, ANNOUNCE_WAIT_MS, NULL);
        return ERROR_SUCCESS;
}
