/* SPDX-License-Identifier: MIT */

/*
 * Collects names from Windows and its registry.
 */

#include "windows-helper/selftest/names.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_TEXT_MAX 512
#define NAMES_PROFILES L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
#define NAMES_LXSS     HOSTNET_LXSS_PATH

static void names_add(Mask *mask, MaskKind kind, const wchar_t *name) {
        mask_name(mask, kind, WIN_UTF8(name));
}

static void names_machine(Mask *mask) {
        static const COMPUTER_NAME_FORMAT formats[] = {
                ComputerNameNetBIOS,
                ComputerNameDnsHostname,
                ComputerNameDnsDomain,
                ComputerNameDnsFullyQualified,
        };
        wchar_t text[NAMES_TEXT_MAX];

        for (size_t i = 0; i < ARRAYSIZE(formats); i++) {
                DWORD n = ARRAYSIZE(text);

                if (GetComputerNameExW(formats[i], text, &n))
                        names_add(mask, MASK_HOST, text);
        }
        for (size_t i = 0; i < 2; i++)
                if (GetEnvironmentVariableW(i ? L"USERDOMAIN" : L"USERNAME", text,
                                            ARRAYSIZE(text)) > 0)
                        names_add(mask, i ? MASK_HOST : MASK_USER, text);
}

typedef void (*NamesFn)(Mask *mask, HKEY parent, const wchar_t *name);

/* Call @fn for each subkey. */
static void names_each(Mask *mask, HKEY root, const wchar_t *path, NamesFn fn) {
        wchar_t name[NAMES_TEXT_MAX];
        HKEY key;

        if (RegOpenKeyExW(root, path, 0, KEY_READ, &key) != ERROR_SUCCESS)
                return;
        for (DWORD i = 0; RegEnumKeyW(key, i, name, ARRAYSIZE(name)) == ERROR_SUCCESS; i++)
                fn(mask, key, name);
        (void) RegCloseKey(key);
}

static bool names_value(HKEY parent, const wchar_t *name, const wchar_t *value,
                        wchar_t ret_text[NAMES_TEXT_MAX]) {
        DWORD size = NAMES_TEXT_MAX * sizeof(*ret_text);

        /* Variables in it are expanded. */
        return RegGetValueW(parent, name, value, RRF_RT_REG_SZ, NULL, ret_text, &size) ==
               ERROR_SUCCESS;
}

/* The folder of a user has the user's name, or the beginning of it. */
static void names_profile(Mask *mask, HKEY parent, const wchar_t *name) {
        wchar_t text[NAMES_TEXT_MAX];
        const wchar_t *last;

        if (wcsncmp(name, L"S-1-5-21-", 9) != 0 && wcsncmp(name, L"S-1-12-1-", 9) != 0)
                return; /* an account of Windows itself */
        if (!names_value(parent, name, L"ProfileImagePath", text))
                return;
        last = wcsrchr(text, L'\\');
        names_add(mask, MASK_USER, last ? last + 1 : text);
}

static void names_distro(Mask *mask, HKEY parent, const wchar_t *name) {
        wchar_t text[NAMES_TEXT_MAX];

        if (names_value(parent, name, L"DistributionName", text))
                names_add(mask, MASK_DISTRO, text);
}

/* The distros of a user who is logged on. */
static void names_user(Mask *mask, HKEY parent, const wchar_t *name) {
        wchar_t path[NAMES_TEXT_MAX];

        if (win_format(path, ARRAYSIZE(path), L"%ls\\%ls", name, NAMES_LXSS) > 0)
                names_each(mask, parent, path, names_distro);
}

void names_collect(Mask *mask) {
        names_machine(mask);
        names_each(mask, HKEY_LOCAL_MACHINE, NAMES_PROFILES, names_profile);
        names_each(mask, HKEY_USERS, NULL, names_user);
        names_each(mask, HKEY_CURRENT_USER, NAMES_LXSS, names_distro);
}
