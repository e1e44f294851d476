/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for wsl.exe. The name of the distro decides what it does. It stores the key that it
 * was given as 'WslKey' in HKLM\SOFTWARE\wslbridge-test, and its command line as 'WslCommand'.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void keep(const wchar_t *name, const wchar_t *text) {
        (void) RegSetKeyValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", name, REG_SZ, text,
                               (DWORD) ((wcslen(text) + 1) * sizeof(*text)));
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        char line[256] = "";
        wchar_t wide[256];

        keep(L"WslCommand", GetCommandLineW());
        if (argc < 3 || wcscmp(argv[2], L"Nowhere") == 0) {
                static const wchar_t text[] = L"Es ist keine Distribution mit diesem Namen da.\r\n";
                DWORD n;

                (void) WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, sizeof(text) - 2, &n, NULL);
                return -1;
        }
        if (!fgets(line, sizeof(line), stdin))
                return 3;
        line[strcspn(line, "\r\n")] = '\0';
        (void) MultiByteToWideChar(CP_UTF8, 0, line, -1, wide, ARRAYSIZE(wide));
        keep(L"WslKey", wide);
        if (wcscmp(argv[2], L"Garbage") == 0)
                return puts("paired by magic") < 0;
        if (wcscmp(argv[2], L"Fails") == 0) {
                (void) puts("wslbridgectl: /etc/wslbridge is read-only");
                return 1;
        }
        printf("paired 000102030405060708090a0b0c0d0e0f/%ls\n", argv[2]);
        return 0;
}
