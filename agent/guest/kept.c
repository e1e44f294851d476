/* SPDX-License-Identifier: MIT */

/*
 * A small file:
 *
 *      installation=ID/FILE-SYSTEM-ID  (or ID/machine)
 *      distro=Ubuntu
 *      mode=nat
 */

#include "agent/guest/kept.h"

#include "agent/util/cleanup.h"
#include "agent/util/small-file.h"

#include "common/hex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* For ext4, which WSL uses, the kernel makes f_fsid from the UUID that mkfs has given to the file
 * system. For XFS it is the number of the device. */
static int installation_of(const char *directory, const Installation *installation,
                           char ret_text[KEPT_INSTALLATION_SIZE]) {
        char owner[2 * WIRE_ID_SIZE + 1];
        struct statfs fs;
        uint32_t fsid[2];

        hex_format(installation->id, WIRE_ID_SIZE, owner);
        if (installation->of_machine) {
                (void) snprintf(ret_text, KEPT_INSTALLATION_SIZE, "%s/machine", owner);
                return 0;
        }
        if (statfs(directory, &fs) < 0)
                return -errno;
        memcpy(fsid, &fs.f_fsid, sizeof(fsid));
        (void) snprintf(ret_text, KEPT_INSTALLATION_SIZE, "%s/%08x%08x", owner, fsid[0], fsid[1]);
        return 0;
}

/* The value of @key in @text, up to its line's end; NULL when there is none or it is longer than
 * @max. */
static const char *get_value(const char *text, const char *key, size_t max, size_t *ret_n) {
        size_t n_key = strlen(key);

        for (const char *line = text; line && *line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, key, n_key) != 0 || line[n_key] != '=')
                        continue;
                *ret_n = strcspn(line + n_key + 1, "\n");
                return *ret_n <= max ? line + n_key + 1 : NULL;
        }
        return NULL;
}

bool kept_parse(const char *text, const char *installation, Kept *ret_kept) {
        const char *value;
        uint8_t mode;
        Kept kept = {0};
        size_t n = 0;

        *ret_kept = kept;
        value = get_value(text, "installation", KEPT_INSTALLATION_SIZE, &n);
        if (!value || n != strlen(installation) || memcmp(value, installation, n) != 0)
                return false;
        value = get_value(text, "distro", WIRE_DISTRO_MAX, &n);
        if (value) {
                memcpy(kept.distro, value, n);
                if (!wsl_name_valid(kept.distro))
                        kept.distro[0] = '\0';
        }
        value = get_value(text, "mode", WSL_WORD_MAX, &n);
        if (value)
                (void) wsl_parse_mode(value, n, &mode, kept.word);
        *ret_kept = kept;
        return kept.distro[0] || kept.word[0];
}

void kept_format(const char *installation, const Kept *kept, char ret_text[KEPT_SIZE_MAX + 1]) {
        (void) snprintf(ret_text, KEPT_SIZE_MAX + 1, "installation=%s\ndistro=%s\nmode=%s\n",
                        installation, kept->distro, kept->word);
}

bool kept_load(const char *directory, const Installation *installation, Kept *ret_kept) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        char expected[KEPT_INSTALLATION_SIZE];

        *ret_kept = (Kept){0};
        if (asprintf(&path, "%s/%s", directory, KEPT_FILE) < 0) {
                path = NULL;
                return false;
        }
        if (installation_of(directory, installation, expected) < 0 ||
            small_file_read(path, KEPT_SIZE_MAX, &text) < 0)
                return false;
        return kept_parse(text, expected, ret_kept);
}

int kept_save(const char *directory, const Installation *installation, const Kept *kept) {
        _cleanup_free_ char *path = NULL;
        char text[KEPT_SIZE_MAX + 1], owner[KEPT_INSTALLATION_SIZE];
        int r;

        if (asprintf(&path, "%s/%s", directory, KEPT_FILE) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        (void) mkdir(directory, 0755); /* the next call shows whether it is there */
        r = installation_of(directory, installation, owner);
        if (r < 0)
                return r;
        kept_format(owner, kept, text);
        return small_file_replace(path, text);
}
