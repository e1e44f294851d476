/* SPDX-License-Identifier: MIT */

/*
 * Reading the list of mounts; see proc_pid_mountinfo(5).
 */

#include "agent/util/mounts.h"
#include "common/hash.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether @path is @folder or something in it. */
static bool is_inside(const char *path, const char *folder) {
        size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

        return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool concerns(const char *point, const char *root, const char *const *middles,
                     const char *end) {
        for (; *middles; middles++) {
                char folder[PATH_MAX];

                if (snprintf(folder, sizeof(folder), "%s%s%s", root, *middles, end) <
                            (int) sizeof(folder) &&
                    (is_inside(point, folder) || is_inside(folder, point)))
                        return true;
        }
        return false;
}

uint64_t mounts_hash(const char *root, const char *const *middles, const char *end) {
        FILE *f = fopen(MOUNTS_LIST, "re");
        uint64_t hash = HASH_START;
        char *line = NULL;
        size_t size = 0;

        while (f && getline(&line, &size, f) > 0) {
                char point[PATH_MAX]; /* the fifth word */

                if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 ||
                    !concerns(point, root, middles, end))
                        continue;
                hash = hash_bytes(hash, line, strlen(line));
        }
        free(line);
        if (f)
                (void) fclose(f);
        return hash;
}
