/* SPDX-License-Identifier: MIT */

/*
 * Our folders below ProgramData and Program Files, wherever Windows has put these.
 */

#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <objbase.h>
#include <shlobj.h>
#include <stdio.h>

/* FOLDERID_ProgramData and FOLDERID_ProgramFiles, copied here to need no library of GUIDs. */
static const KNOWNFOLDERID program_data = {
        0x62ab5d82, 0xfdc1, 0x4dc3, {0xa9, 0xdd, 0x07, 0x0d, 0x1d, 0x49, 0x5d, 0x97}};
static const KNOWNFOLDERID program_files = {
        0x905e63b6, 0xc1bf, 0x494e, {0xb2, 0x9c, 0x65, 0xb7, 0x32, 0xd3, 0xd2, 0x1a}};

/* FOLDERID_Profile */
static const KNOWNFOLDERID profile = {
        0x5e6c858f, 0x0e22, 0x4760, {0x9a, 0xfe, 0xea, 0x33, 0x17, 0xb6, 0x71, 0x73}};

static int paths_join(const wchar_t *folder, const wchar_t *ours, const wchar_t *name,
                      wchar_t ret_path[PATHS_MAX]) {
        int n = win_format(ret_path, PATHS_MAX, L"%ls%ls%ls%ls", folder, ours, name ? L"\\" : L"",
                           name ? name : L"");

        if (n < 0 || n >= PATHS_MAX) {
                log_write(LOG_LEVEL_ERROR, "The path of '%s' is too long", WIN_UTF8(folder));
                return -ENAMETOOLONG;
        }
        return 0;
}

/* Not from the environment, which could be forged by the process that starts us. */
static int paths_known(const KNOWNFOLDERID *id, const wchar_t *ours, const wchar_t *name,
                       wchar_t ret_path[PATHS_MAX]) {
        wchar_t *folder = NULL;
        HRESULT hr = SHGetKnownFolderPath(id, 0, NULL, &folder);
        int r;

        if (FAILED(hr)) {
                CoTaskMemFree(folder);
                return log_win_error((DWORD) hr, "Cannot find a folder of Windows");
        }
        r = paths_join(folder, ours, name, ret_path);
        CoTaskMemFree(folder);
        return r;
}

int paths_data(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        return paths_known(&program_data, L"\\wslbridge", name, ret_path);
}

int paths_program(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        return paths_known(&program_files, L"\\wslbridge", name, ret_path);
}

int paths_beside(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        wchar_t folder[PATHS_MAX], *slash;
        DWORD n = GetModuleFileNameW(NULL, folder, PATHS_MAX);

        if (n == 0 || n >= PATHS_MAX)
                return log_win_error(GetLastError(), "Cannot find the file of this program");
        slash = wcsrchr(folder, L'\\');
        if (slash)
                *slash = L'\0';
        return paths_join(folder, L"", name, ret_path);
}

int paths_profile(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        return paths_known(&profile, L"", name, ret_path);
}
