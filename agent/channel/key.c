/* SPDX-License-Identifier: MIT */

/* Reading the pairing key; see key.h. */

#include "agent/channel/key.h"

#include "agent/util/cleanup.h"
#include "agent/util/passing.h"
#include "agent/util/read-all.h"

#include "common/hex.h"
#include "protocol/session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_CREDENTIAL_SHOWN "the credential 'key'"

/* Where the mount of the credentials did not arrive, systemd 252 leaves an empty folder that
 * belongs to root, and systemd 257 leaves nothing. */
#define KEY_NOT_ARRIVED                                                                       \
        "has not reached the agent; run 'mount --make-shared /run', then 'systemctl restart " \
        "wslbridge-agent'"

static int key_problem(char **ret_problem, const char *path, const char *what) {
        if (asprintf(ret_problem, "%s %s", path, what) < 0) {
                *ret_problem = NULL;
                return -ENOMEM;
        }
        return KEY_E_BAD;
}

/* Return: KEY_E_UNREAD when @error passes, else KEY_E_BAD with the text @otherwise; or -ENOMEM. */
static int key_unread(char **ret_problem, const char *path, int error, const char *otherwise) {
        if (!error_passes(error))
                return key_problem(ret_problem, path, otherwise);
        if (asprintf(ret_problem, "%s cannot be read now: %s; trying again", path,
                     strerror(error)) < 0) {
                *ret_problem = NULL;
                return -ENOMEM;
        }
        return KEY_E_UNREAD;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int key_parse(const char *text, size_t n, uint8_t ret_key[WIRE_KEY_SIZE]) {
        uint8_t key[WIRE_KEY_SIZE];

        while (n > 0 && is_space(text[0])) {
                text++;
                n--;
        }
        while (n > 0 && is_space(text[n - 1]))
                n--;
        if (n == 0 || (n == strlen(KEY_UNPAIRED) && memcmp(text, KEY_UNPAIRED, n) == 0))
                return KEY_E_MISSING;
        if (n != 2 * WIRE_KEY_SIZE)
                return KEY_E_BAD;
        if (!hex_parse(text, key, WIRE_KEY_SIZE)) {
                session_wipe(key, sizeof(key));
                return KEY_E_BAD;
        }
        memcpy(ret_key, key, sizeof(key));
        session_wipe(key, sizeof(key));
        return 0;
}

/* Only the owner may be able to read or write a key file, and the owner must be root or us. */
static const char *key_file_problem(const struct stat *st) {
        if (!S_ISREG(st->st_mode))
                return "is not a regular file, ignoring; write the key into a file";
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return "does not belong to root, ignoring; run 'chown root' on it";
        if (st->st_mode & (S_IRWXG | S_IRWXO))
                return "can be read by others, ignoring; run 'chmod 600' on it and pair again";
        return NULL;
}

/* @secret: check that nobody else can read the file. A credential is not checked, because its
 * directory protects it, and newer versions of systemd show an ACL for its reader in the group
 * bits. @denied: the advice for when we may not read it */
static int key_read(const char *path, const char *shown, bool secret, const char *denied,
                    uint8_t ret_key[WIRE_KEY_SIZE], char **ret_problem) {
        _cleanup_close_ int fd = -1;
        char text[KEY_FILE_MAX + 1];
        const char *problem;
        struct stat st;
        ssize_t n;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) {
                if (errno == ENOENT || errno == ENOTDIR)
                        return KEY_E_MISSING;
                return key_unread(ret_problem, shown, errno,
                                  errno == EACCES ? denied : "cannot be opened, ignoring");
        }
        if (fstat(fd, &st) < 0)
                return key_unread(ret_problem, shown, errno, "cannot be examined, ignoring");
        if (secret && (problem = key_file_problem(&st)))
                return key_problem(ret_problem, shown, problem);
        n = read_all(fd, text, sizeof(text));
        r = n < 0 ? KEY_E_MISSING : key_parse(text, (size_t) n, ret_key);
        session_wipe(text, sizeof(text));
        if (n < 0)
                return key_unread(ret_problem, shown, (int) -n, "cannot be read, ignoring");
        if (r == KEY_E_BAD) {
                return key_problem(ret_problem, shown,
                                   "is not 64 hexadecimal digits, ignoring; pair again");
        }
        return r;
}

int key_load(const char *root, const char *credentials, uint8_t ret_key[WIRE_KEY_SIZE],
             char **ret_problem) {
        _cleanup_free_ char *credential = NULL, *file = NULL;
        bool arrived = true;
        const char *denied;
        int r;

        if (credentials) {
                if (asprintf(&credential, "%s/%s", credentials, KEY_CREDENTIAL) < 0) {
                        credential = NULL;
                        return -ENOMEM;
                }
                r = key_read(credential, KEY_CREDENTIAL_SHOWN, /* secret= */ false, KEY_NOT_ARRIVED,
                             ret_key, ret_problem);
                if (r != KEY_E_MISSING)
                        return r;
                arrived = access(credential, F_OK) == 0;
        }
        if (asprintf(&file, "%s%s", root, KEY_FILE) < 0) {
                file = NULL;
                return -ENOMEM;
        }
        if (!credentials)
                denied = "cannot be read by the agent's user; run the agent as root, or as the "
                         "service wslbridge-agent";
        else if (!arrived)
                denied = KEY_NOT_ARRIVED;
        else
                denied = "is handed to the service when it starts; run 'systemctl restart "
                         "wslbridge-agent' to use it";
        r = key_read(file, KEY_FILE, /* secret= */ true, denied, ret_key, ret_problem);
        /* Without a key, the unit hands over a word in its place. */
        if (r == KEY_E_MISSING && !arrived)
                return key_problem(ret_problem, KEY_CREDENTIAL_SHOWN, KEY_NOT_ARRIVED);
        if (r == KEY_E_BAD && credentials && arrived &&
            faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) < 0 && errno == EACCES)
                return KEY_E_LATER;
        return r;
}
