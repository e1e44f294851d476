/* SPDX-License-Identifier: MIT */

/* Looks for drive C: in the list of mounts; see drive.h. */

#include "agent/guest/drive.h"

#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

/* A folder of the drive may be mounted alone, with the same name in the list. */
static bool is_whole(const char *folder) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof(path), "%s/Users", folder);

        return n > 0 && n < (int) sizeof(path) && access(path, F_OK) == 0;
}

void drive_find(const char *root, char *ret_path, size_t size) {
        char list[PATH_MAX], names[PATH_MAX];
        struct mntent mount;
        bool found = false;
        FILE *mounts;

        (void) snprintf(list, sizeof(list), "%s/proc/self/mounts", root);
        mounts = setmntent(list, "re");
        while (mounts && !found && getmntent_r(mounts, &mount, names, sizeof(names))) {
                if (strcasecmp(mount.mnt_fsname, "C:\\") != 0)
                        continue;
                found = snprintf(ret_path, size, "%s%s", root, mount.mnt_dir) < (int) size &&
                        is_whole(ret_path);
        }
        if (mounts)
                (void) endmntent(mounts);
        if (!found)
                (void) snprintf(ret_path, size, "%s/mnt/c", root);
}
