/* SPDX-License-Identifier: MIT */

/* Follows symbolic links on paper: reads each link, but opens nothing. */

#include "agent/util/link.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool link_leads_to(const char *file, const char *target, char *ret_path, size_t size) {
        int n_folder = *target == '/' ? 0 : (int) (strrchr(file, '/') - file);
        char whole[2 * PATH_MAX];
        size_t n = 0;

        if (snprintf(whole, sizeof(whole), "%.*s/%s", n_folder, file, target) >=
            (int) sizeof(whole))
                return false;
        for (const char *part = whole; *part;) {
                size_t n_part;

                part += strspn(part, "/");
                n_part = strcspn(part, "/");
                if (n_part == 2 && memcmp(part, "..", 2) == 0) {
                        while (n > 0 && ret_path[--n] != '/')
                                ;
                } else if (n_part > 0 && !(n_part == 1 && *part == '.')) {
                        if (n + 1 + n_part >= size)
                                return false;
                        ret_path[n++] = '/';
                        memcpy(ret_path + n, part, n_part);
                        n += n_part;
                }
                part += n_part;
        }
        if (n == 0) /* the root */
                ret_path[n++] = '/';
        ret_path[n] = '\0';
        return true;
}

bool link_follow(int dir_fd, LinkPlace *place) {
        char target[PATH_MAX], next[PATH_MAX];
        ssize_t n = readlinkat(dir_fd, place->at, target, sizeof(target) - 1);
        const char *slash = strrchr(place->at, '/');
        int n_folder;

        if (n < 0)
                return false;
        target[n] = '\0';
        if (!link_leads_to(place->shown, target, next, sizeof(next)))
                return false;
        strcpy(place->shown, next);
        n_folder = *target == '/' || !slash ? 0 : (int) (slash + 1 - place->at);
        if (snprintf(next, sizeof(next), "%.*s%s", n_folder, place->at, target) >=
            (int) sizeof(next))
                return false;
        strcpy(place->at, next);
        return true;
}
