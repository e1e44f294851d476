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

static int paths_join(const wchar_t *folder, const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        int n = swprintf(ret_path, PATHS_MAX, L"%ls\\wslbridge%ls%ls", folder, name ? L"\\" : L"",
                         name ? name : L"");

        if (n < 0 || n >= PATHS_MAX) {
                log_write(LOG_LEVEL_ERROR, "The path of '%s' is too long", WIN_UTF8(folder));
                return -ENAMETOOLONG;
        }
        return 0;
}

/* Not from the environment, which could be forged by the process that starts us. */
static int paths_known(const KNOWNFOLDERID *id, const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        wchar_t *folder = NULL;
        HRESULT hr = SHGetKnownFolderPath(id, 0, NULL, &folder);
        int r;

        if (FAILED(hr)) {
                CoTaskMemFree(folder);
                return log_win_error((DWORD) hr, "Cannot find a folder of Windows");
        }
        r = paths_join(folder, name, ret_path);
        CoTaskMemFree(folder);
        return r;
}

int paths_data(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        return paths_known(&program_data, name, ret_path);
}

int paths_program(const wchar_t *name, wchar_t ret_path[PATHS_MAX]) {
        return paths_known(&program_files, name, ret_path);
}
