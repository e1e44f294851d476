/* SPDX-License-Identifier: MIT */

/*
 * The first steps of a process.
 */

#include "windows-helper/program/start.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>

static char **start_utf8(int argc, wchar_t **wide) {
        static char **argv; /* kept until the process ends */

        argv = calloc((size_t) argc + 1, sizeof(*argv));
        for (int i = 0; argv && i < argc; i++)
                if (win_from_wide(wide[i], wcslen(wide[i]), &argv[i]) < 0)
                        return NULL; /* the process ends at once, so nothing is freed */
        return argv;
}

char **start_arguments(int argc, wchar_t **wide) {
        /* Before anything can load a DLL by name: DLLs come from System32, never from the folder in
         * which we were started (fact 9.2.2). */
        if (!SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32)) {
                (void) log_win_error(GetLastError(), "Cannot restrict where DLLs are loaded from");
                return NULL;
        }
        if (argc < 1 || crypto_load() < 0)
                return NULL;
        return start_utf8(argc, wide);
}
