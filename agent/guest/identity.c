/* SPDX-License-Identifier: MIT */

/* The guest's identity; see identity.h. */

#include "agent/guest/identity.h"

#include "agent/guest/wsl-words.h"
#include "agent/util/cleanup.h"
#include "agent/util/passing.h"
#include "agent/util/read-all.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#define IDENTITY_APP_ID \
        SD_ID128_MAKE(fb, f4, b4, 76, 34, 14, 09, 12, 93, 89, 80, 04, af, 55, a8, 6d)
#define IDENTITY_TRIES   3 /* -EIO is a malformed id, or a disk that did not answer once */
#define IDENTITY_UNNAMED "linux"

#define UUID_FILE_MAX 64 /* bytes; a UUID and a newline */

void identity_distro(char ret_name[WIRE_DISTRO_MAX + 1]) {
        const char *name = getenv("WSL_DISTRO_NAME");
        char host[WIRE_DISTRO_MAX + 2] = {0};

        if (!name || !wsl_name_valid(name))
                name = gethostname(host, sizeof(host) - 1) == 0 ? host : "";
        if (!wsl_name_valid(name))
                name = IDENTITY_UNNAMED;
        memcpy(ret_name, name, strlen(name) + 1);
}

/* The same id as sd_id128_get_machine_app_specific(), which is not called: in systemd 249
 * (Ubuntu 22.04) it needs the kernel's crypto sockets, which the sandbox of the service does not
 * allow. */
static int agent_id(sd_id128_t *ret_id) {
        const sd_id128_t application = IDENTITY_APP_ID;
        uint8_t mac[crypto_auth_hmacsha256_BYTES];
        crypto_auth_hmacsha256_state state;
        sd_id128_t machine;
        int r = 0;

        for (unsigned i = 0; i < IDENTITY_TRIES; i++) {
                r = sd_id128_get_machine(&machine);
                if (r != -EIO && r != -EINTR)
                        break;
        }
        if (r < 0)
                return r;
        (void) crypto_auth_hmacsha256_init(&state, machine.bytes, sizeof(machine.bytes));
        (void) crypto_auth_hmacsha256_update(&state, application.bytes, sizeof(application.bytes));
        (void) crypto_auth_hmacsha256_final(&state, mac);
        memcpy(ret_id->bytes, mac, sizeof(ret_id->bytes));
        /* A random UUID (version 4, variant 1) by its form. */
        ret_id->bytes[6] = (uint8_t) ((ret_id->bytes[6] & 0x0f) | 0x40);
        ret_id->bytes[8] = (uint8_t) ((ret_id->bytes[8] & 0x3f) | 0x80);
        return 0;
}

/* Return: whether the file has one. */
static bool read_uuid(const char *folder, const char *name, sd_id128_t *ret_id) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        char text[UUID_FILE_MAX + 1];
        ssize_t n;

        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return false;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        n = fd < 0 ? -1 : read_all(fd, text, UUID_FILE_MAX);
        text[n < 0 ? 0 : n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return sd_id128_from_string(text, ret_id) >= 0;
}

void identity_of_machine(const char *root, const char *credentials,
                         const uint8_t agent_id[WIRE_ID_SIZE], Installation *ret_installation) {
        uint8_t mac[crypto_auth_hmacsha256_BYTES], key[crypto_auth_hmacsha256_KEYBYTES] = {0};
        sd_id128_t machine;

        *ret_installation = (Installation){.of_machine = false};
        memcpy(ret_installation->id, agent_id, WIRE_ID_SIZE);
        if (!(credentials && read_uuid(credentials, IDENTITY_CREDENTIAL, &machine)) &&
            !read_uuid(root, IDENTITY_UUID_FILE, &machine))
                return;
        memcpy(key, machine.bytes, sizeof(machine.bytes));
        (void) crypto_auth_hmacsha256(mac, agent_id, WIRE_ID_SIZE, key);
        memcpy(ret_installation->id, mac, WIRE_ID_SIZE);
        ret_installation->of_machine = true;
}

int identity_load(WireHello *ret_hello) {
        WireHello hello = {.version_min = WIRE_VERSION_MIN, .version_max = WIRE_VERSION_MAX};
        sd_id128_t id, boot;
        int r, outcome = 0;

        /* On images that have not been set up, the machine id is missing, empty, "uninitialized" or
         * malformed. */
        r = agent_id(&id);
        if (r < 0 && r != -EIO && error_passes(-r))
                return r; /* it is there, and starting once more may find it */
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
