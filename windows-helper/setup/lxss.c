/* SPDX-License-Identifier: MIT */

/*
 * Reads HKEY_CURRENT_USER, which is the user's even where an administrator looks over his shoulder.
 */

#include "windows-helper/setup/lxss.h"

#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LXSS_PATH    L"Software\\Microsoft\\Windows\\CurrentVersion\\Lxss"
#define LXSS_FLAG_VM 8 /* LXSS_DISTRO_FLAGS_VM_MODE */

/* Return: whether there is such a string that fits. */
static bool lxss_string(HKEY key, const wchar_t *sub, const wchar_t *name, char *ret, size_t size) {
        wchar_t wide[SETUP_DISTRO_NAME_MAX];
        DWORD bytes = sizeof(wide);
        char *text = NULL;
        bool fits = false;

        if (RegGetValueW(key, sub, name, RRF_RT_REG_SZ, NULL, wide, &bytes) == ERROR_SUCCESS &&
            win_from_wide(wide, wcslen(wide), &text) == 0 && strlen(text) < size) {
                memcpy(ret, text, strlen(text) + 1);
                fits = true;
        }
        free(text);
        return fits;
}

static uint32_t lxss_number(HKEY key, const wchar_t *sub, const wchar_t *name, uint32_t fallback) {
        DWORD value = 0, bytes = sizeof(value);

        return RegGetValueW(key, sub, name, RRF_RT_REG_DWORD, NULL, &value, &bytes) == ERROR_SUCCESS
                       ? value
                       : fallback;
}

/* Only the flag says which WSL it is; the value Version is about its file system (fact 2.1.7). */
static void lxss_add(HKEY key, const wchar_t *sub, const char *standard, SetupDistros *ret) {
        SetupDistro *d = &ret->items[ret->n];
        char *id = NULL;

        if (!lxss_string(key, sub, L"DistributionName", d->name, sizeof(d->name)) ||
            win_from_wide(sub, wcslen(sub), &id) < 0)
                return;
        if (strlen(id) < sizeof(d->id)) {
                memcpy(d->id, id, strlen(id) + 1);
                d->version = lxss_number(key, sub, L"Flags", 0) & LXSS_FLAG_VM ? 2 : 1;
                d->state = lxss_number(key, sub, L"State", SETUP_STATE_INSTALLED);
                d->is_default = _stricmp(id, standard) == 0;
                d->is_new = lxss_number(key, sub, L"RunOOBE", 0) != 0;
                ret->n++;
        }
        free(id);
}

int lxss_read(SetupDistros *ret) {
        char standard[SETUP_DISTRO_ID_MAX] = "";
        wchar_t sub[SETUP_DISTRO_ID_MAX];
        LSTATUS error;
        HKEY key;

        ret->n = 0;
        error = RegOpenKeyExW(HKEY_CURRENT_USER, LXSS_PATH, 0, KEY_READ, &key);
        if (error == ERROR_FILE_NOT_FOUND)
                return 0;
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot read the list of distros");
        (void) lxss_string(key, NULL, L"DefaultDistribution", standard, sizeof(standard));
        for (DWORD i = 0; ret->n < SETUP_DISTROS_MAX; i++) {
                DWORD n = ARRAYSIZE(sub);

                error = RegEnumKeyExW(key, i, sub, &n, NULL, NULL, NULL, NULL);
                if (error == ERROR_NO_MORE_ITEMS)
                        break;
                if (error == ERROR_SUCCESS)
                        lxss_add(key, sub, standard, ret);
        }
        (void) RegCloseKey(key);
        setup_distros_tidy(ret);
        return 0;
}
