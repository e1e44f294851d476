/* SPDX-License-Identifier: MIT */

/* The guest's identity; see identity.h. */

#include "agent/guest/identity.h"

#include "agent/guest/wsl-words.h"
#include "agent/util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#define IDENTITY_APP_ID \
        SD_ID128_MAKE(fb, f4, b4, 76, 34, 14, 09, 12, 93, 89, 80, 04, af, 55, a8, 6d)
#define IDENTITY_UNNAMED "linux"

void identity_distro(char ret_name[WIRE_DISTRO_MAX + 1]) {
        const char *name = getenv("WSL_DISTRO_NAME");
        char host[WIRE_DISTRO_MAX + 2] = {0};

        if (!name || !wsl_name_valid(name))
                name = gethostname(host, sizeof(host) - 1) == 0 ? host : "";
        if (!wsl_name_valid(name))
                name = IDENTITY_UNNAMED;
        memcpy(ret_name, name, strlen(name) + 1);
}

int identity_load(WireHello *ret_hello) {
        WireHello hello = {.version_min = WIRE_VERSION_MIN, .version_max = WIRE_VERSION_MAX};
        sd_id128_t id, boot;
        int r, outcome = 0;

        /* On images that have not been set up, the machine id is missing, empty, "uninitialized" or
         * malformed. */
        r = sd_id128_get_machine_app_specific(IDENTITY_APP_ID, &id);
        if (r < 0) {
                r = sd_id128_randomize(&id);
                if (r < 0)
                        return r;
                outcome = IDENTITY_E_VOLATILE;
        }
        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;
        memcpy(hello.agent_id, id.bytes, WIRE_ID_SIZE);
        memcpy(hello.boot_id, boot.bytes, WIRE_ID_SIZE);
        identity_distro(hello.distro);
        (void) snprintf(hello.software, sizeof(hello.software), "wslbridge %s", PROJECT_VERSION);
        *ret_hello = hello;
        return outcome;
}
