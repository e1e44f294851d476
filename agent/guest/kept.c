/* SPDX-License-Identifier: MIT */

/*
 * Keeps WSL's last answers in a small file:
 *
 *      installation=AGENT-ID/FILE-SYSTEM-ID
 *      distro=Ubuntu
 *      mode=nat
 */

#include "agent/guest/kept.h"

#include "agent/util/cleanup.h"
#include "agent/util/read-all.h"
#include "agent/util/write-all.h"

#include "common/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define INSTALLATION_SIZE (2 * WIRE_ID_SIZE + 32)

/* For ext4, the kernel makes f_fsid from the UUID that mkfs has given to the file system. */
static int installation_of(int fd, const uint8_t agent_id[WIRE_ID_SIZE],
                           char ret_text[INSTALLATION_SIZE]) {
        char owner[2 * WIRE_ID_SIZE + 1];
        struct statfs fs;
        uint32_t id[2];

        if (fstatfs(fd, &fs) < 0)
                return -errno;
        memcpy(id, &fs.f_fsid, sizeof(id));
        hex_format(agent_id, WIRE_ID_SIZE, owner);
        (void) snprintf(ret_text, INSTALLATION_SIZE, "%s/%08x%08x", owner, id[0], id[1]);
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

static void parse(const char *text, Kept *ret_kept) {
        const char *value;
        uint8_t mode;
        Kept kept = {0};
        size_t n = 0;

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
}

bool kept_load(const char *directory, const uint8_t agent_id[WIRE_ID_SIZE], Kept *ret_kept) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *path = NULL;
        char text[KEPT_SIZE_MAX + 1], expected[INSTALLATION_SIZE];
        const char *installation;
        ssize_t n;
        size_t n_installation = 0;

        *ret_kept = (Kept){0};
        if (asprintf(&path, "%s/%s", directory, KEPT_FILE) < 0) {
                path = NULL;
                return false;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || installation_of(fd, agent_id, expected) < 0)
                return false;
        n = read_all(fd, text, KEPT_SIZE_MAX);
        text[n < 0 ? 0 : n] = '\0';
        installation = get_value(text, "installation", sizeof(expected), &n_installation);
        if (!installation || n_installation != strlen(expected) ||
            memcmp(installation, expected, n_installation) != 0)
                return false;
        parse(text, ret_kept);
        return ret_kept->distro[0] || ret_kept->word[0];
}

int kept_save(const char *directory, const uint8_t agent_id[WIRE_ID_SIZE], const Kept *kept) {
        const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        _cleanup_close_ int fd = -1;
        char text[KEPT_SIZE_MAX + 1], installation[INSTALLATION_SIZE];
        int r;

        if (asprintf(&path, "%s/%s", directory, KEPT_FILE) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&temporary, "%s/.%s.new", directory, KEPT_FILE) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        (void) mkdir(directory, 0755); /* the open below shows whether it is there */
        fd = open(temporary, flags, 0644);
        if (fd < 0)
                return -errno;
        r = installation_of(fd, agent_id, installation);
        if (r == 0) {
                (void) snprintf(text, sizeof(text), "installation=%s\ndistro=%s\nmode=%s\n",
                                installation, kept->distro, kept->word);
                r = write_all(fd, text, strlen(text));
        }
        if (r == 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}
