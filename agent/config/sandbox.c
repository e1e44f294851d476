/* SPDX-License-Identifier: MIT */

/*
 * The folders of ProtectHome=, InaccessiblePaths= and PrivateTmp= of
 * systemd/wslbridge-agent.service.in; tests/static/test_unit.py compares them.
 */

#include "agent/config/sandbox.h"

#include "agent/util/cleanup.h"

#include <string.h>

static const struct HiddenFolder {
        const char *folder, *shown;
} hidden_folders[] = {
        {"/home", "home directories"},     {"/root", "home directories"},
        {"/run/user", "home directories"}, {"/mnt", "/mnt, where WSL has the drives of Windows"},
        {"/dev/shm", "/dev/shm"},          {"/tmp", "/tmp"},
        {"/var/tmp", "/var/tmp"},
};

const char *sandbox_hides(const char *path) {
        for (size_t i = 0; i < ELEMENTSOF(hidden_folders); i++) {
                size_t n = strlen(hidden_folders[i].folder);

                if (strncmp(path, hidden_folders[i].folder, n) == 0 &&
                    (path[n] == '/' || path[n] == '\0'))
                        return hidden_folders[i].shown;
        }
        return NULL;
}
