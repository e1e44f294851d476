/* SPDX-License-Identifier: MIT */

/*
 * The names that container engines give to their interfaces.
 */

#include "agent/ctl/doctor/containers.h"

#include <stddef.h>
#include <string.h>

#define DOCKER_ID_LENGTH 12 /* of the id of a network made with 'docker network create' */

bool container_interface(const char *name) {
        static const struct {
                const char *prefix;
                const char *next; /* one of these follows; NULL: anything */
        } names[] = {
                {"docker", "0123456789"},
                {"podman", "0123456789"},
                {"cni", "0123456789"},
                {"cni-podman", "0123456789"},
                {"nerdctl", "0123456789"},
                {"kube-", NULL},
                {"flannel", NULL},
                {"cilium_", NULL},
                {"cali", NULL},
                {"weave", NULL},
        };

        if (strncmp(name, "br-", 3) == 0)
                return strlen(name) == 3 + DOCKER_ID_LENGTH &&
                       strspn(name + 3, "0123456789abcdef") == DOCKER_ID_LENGTH;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                size_t n = strlen(names[i].prefix);

                if (strncmp(name, names[i].prefix, n) == 0 &&
                    (!names[i].next || (name[n] && strchr(names[i].next, name[n]))))
                        return true;
        }
        return false;
}
