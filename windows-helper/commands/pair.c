/* SPDX-License-Identifier: MIT */

/*
 * 'pair' and 'unpair': making, listing and deleting the keys of guests.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/commands/elevation.h"
#include "windows-helper/store/guest-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/vm/wsl-pair.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int pair_list_one(void *userdata, const char *owner) {
        char seen[GUEST_STORE_TEXT_MAX];
        size_t *n = userdata;

        guest_store_seen(&(GuestStore){REGISTRY_KEY_INIT(GUEST_STORE_PATH)}, owner, seen);
        if ((*n)++ == 0)
                (void) console_printf("%-24s %s\n", "LAST SEEN", "GUEST");
        (void) console_printf("%-24s %s\n", seen, owner);
        return 0;
}

static int pair_list(void) {
        KeyStore keys = KEY_STORE_INIT;
        size_t n = 0;
        int r = key_store_each(&keys, pair_list_one, &n);

        key_store_done(&keys);
        if (r == 0 && n == 0)
                (void) console_printf("No guest is paired.\n");
        return r;
}

static int pair_store(const char *owner, const uint8_t *key) {
        KeyStore keys = KEY_STORE_INIT;
        int r = key_store_put(&keys, owner, key);

        key_store_done(&keys);
        return r;
}

/* For guests that wsl.exe cannot reach: Hyper-V guests, and distros of a user other than the
 * administrator. */
static int pair_print(const char *owner, const uint8_t *key) {
        static const char advice[] =
                "Enter this line at 'sudo wslbridgectl pair' in the guest, and keep it secret:\n";
        int r;

        if (!wsl_pair_is_owner(owner)) {
                log_write(
                        LOG_LEVEL_ERROR,
                        "'%s' is not ID/NAME: 32 digits 0-9a-f, '/', and the guest's name; 'agent' "
                        "in the guest's status.json has both",
                        owner);
                return -EINVAL;
        }
        r = pair_store(owner, key);
        if (r < 0)
                return r;
        (void) console_write(CONSOLE_ERROR, advice, sizeof(advice) - 1);
        for (size_t i = 0; i < WIRE_KEY_SIZE; i++)
                (void) console_printf("%02x", key[i]);
        (void) console_printf("\n");
        return 0;
}

/* The guest stores the key first: a key that only the host has would lock out a guest that was
 * paired before. */
static int pair_distro(const char *distro, const uint8_t *key) {
        char owner[LEDGER_OWNER_MAX + 1];
        int r;

        (void) console_printf("Giving '%s' a new key; the distro may have to start first ...\n",
                              distro);
        r = wsl_pair(distro, key, owner);
        if (r == 0)
                r = pair_store(owner, key);
        if (r == 0)
                (void) console_printf("Paired: %s\n", owner);
        return r;
}

int command_pair(int argc, char **argv) {
        bool print = argc == 2 && strcmp(argv[0], "--print") == 0;
        uint8_t key[WIRE_KEY_SIZE];
        int r;

        if (argc < 1 || argc > 2 || (argc == 2 && !print) ||
            (argc == 1 && argv[0][0] == '-' && strcmp(argv[0], "--list") != 0)) {
                log_write(LOG_LEVEL_ERROR, "Usage: wslbridge-helper pair DISTRO, pair --print "
                                           "ID/NAME, or pair --list");
                return EXIT_FAILURE;
        }
        if (!elevation_check("pair"))
                return EXIT_FAILURE;
        if (strcmp(argv[0], "--list") == 0)
                return pair_list() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        r = random_bcrypt(key, sizeof(key));
        if (r == 0)
                r = print ? pair_print(argv[1], key) : pair_distro(argv[0], key);
        SecureZeroMemory(key, sizeof(key));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int command_unpair(int argc, char **argv) {
        KeyStore keys = KEY_STORE_INIT;
        int r;

        if (argc != 1) {
                log_write(LOG_LEVEL_ERROR, "Usage: wslbridge-helper unpair ID/NAME; 'pair --list' "
                                           "lists the guests");
                return EXIT_FAILURE;
        }
        if (!elevation_check("unpair"))
                return EXIT_FAILURE;
        r = key_store_remove(&keys, argv[0]);
        key_store_done(&keys);
        if (r == -ENOENT)
                log_write(LOG_LEVEL_ERROR,
                          "'%s' is not paired; 'pair --list' lists the guests that "
                          "are",
                          argv[0]);
        if (r < 0)
                return EXIT_FAILURE;
        (void) console_printf("Unpaired: %s. Its rules are withdrawn at once.\n", argv[0]);
        return EXIT_SUCCESS;
}
