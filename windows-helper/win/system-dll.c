/* SPDX-License-Identifier: MIT */

/*
 * Loading DLLs from System32.
 */

#include "windows-helper/win/system-dll.h"
#include "windows-helper/win/log.h"

#include <string.h>

int system_dll_load(const wchar_t *dll, const SystemFunction *functions, size_t n) {
        HMODULE library = LoadLibraryExW(dll, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

        if (!library)
                return log_win_error(GetLastError(), "Cannot load %s from System32", WIN_UTF8(dll));
        for (size_t i = 0; i < n; i++) {
                FARPROC function = GetProcAddress(library, functions[i].name);

                if (!function)
                        return log_win_error(GetLastError(), "The %s of this Windows has no %s",
                                             WIN_UTF8(dll), functions[i].name);
                memcpy(functions[i].pointer, &function, sizeof(function));
        }
        return 0;
}
