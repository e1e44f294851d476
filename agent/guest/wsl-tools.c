/* SPDX-License-Identifier: MIT */

/* Looks for WSL's tools and its socket; see wsl-tools.h. */

#include "agent/guest/wsl-tools.h"

#include <stdio.h>
#include <unistd.h>

#define INTEROP_SOCKET "1_interop"
#define INTEROP_FOLDER "/run/WSL"

static bool in_folder(const char *folder, const char *name, int mode, char ret[WSL_PATH_MAX + 1]) {
        int n = snprintf(ret, WSL_PATH_MAX + 1, "%s/%s", folder, name);

        return n > 0 && n <= WSL_PATH_MAX && access(ret, mode) == 0;
}

bool wsl_tool_find(const char *folder, const char *name, char ret_path[WSL_PATH_MAX + 1]) {
        if (folder)
                return in_folder(folder, name, X_OK, ret_path);
        return in_folder("/usr/bin", name, X_OK, ret_path) ||
               in_folder("/bin", name, X_OK, ret_path);
}

bool wsl_interop_is_here(const char *folder) {
        char path[WSL_PATH_MAX + 1];

        return in_folder(folder ? folder : INTEROP_FOLDER, INTEROP_SOCKET, F_OK, path);
}
