/* SPDX-License-Identifier: MIT */

/*
 * 'pair' and 'unpair': making, listing and deleting the keys of guests.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/setup/lxss.h"
#include "windows-helper/store/guest-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/vm/pair-keys.h"
#include "windows-helper/vm/wsl-pair.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include "common/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(WSL_OWNER_MAX == LEDGER_OWNER_MAX,
               "The answer of a guest is the owner of its rules");

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

static int pair_show_key(const uint8_t *key) {
        static const char advice[] =
                "Enter this line at 'sudo wslbridgectl pair' in the guest, and keep it secret:\n";
        char line[2 * WIRE_KEY_SIZE + 2];
        int r;

        (void) console_write(CONSOLE_ERROR, advice, sizeof(advice) - 1);
        hex_format(key, WIRE_KEY_SIZE, line);
        line[sizeof(line) - 2] = '\n';
        r = console_write(CONSOLE_OUTPUT, line, sizeof(line) - 1);
        SecureZeroMemory(line, sizeof(line));
        return r;
}

/* For guests that wsl.exe cannot reach: Hyper-V guests, and distros of a user other than the
 * administrator. The key is shown first: one that is stored and that nobody has seen would lock out
 * a guest that was paired before. */
static int pair_print(const char *owner, const uint8_t *key) {
        KeyStore keys = KEY_STORE_INIT;
        int r;

        if (!wsl_answer_is_owner(owner)) {
                log_write(LOG_LEVEL_ERROR,
                          "'%s' is not ID/NAME: 32 digits 0-9a-f, '/', and the guest's name; "
                          "'agent' in the guest's status.json has both",
                          owner);
                return -EINVAL;
        }
        r = pair_show_key(key);
        if (r < 0) {
                log_write(LOG_LEVEL_ERROR,
                          "The key could not be written, so it was not stored either");
                return r;
        }
        r = key_store_put(&keys, owner, key);
        key_store_done(&keys);
        if (r < 0)
                log_write(LOG_LEVEL_ERROR, "The key above was not stored and is of no use");
        return r;
}

/* A terminal "as administrator" may be another account's: one whose password was given, or that of
 * Windows' Administrator protection (fact 2.1.9). */
static void pair_if_no_distro(const char *distro) {
        SetupDistros *distros = calloc(1, sizeof(*distros));

        if (distros && lxss_read(distros) == 0 && distros->n == 0)
                log_write(LOG_LEVEL_ERROR,
                          "The account of this terminal has no WSL distro. In a terminal of the "
                          "user who has it, not opened as administrator, type 'wslbridge-helper "
                          "setup \"%s\"'",
                          distro);
        free(distros);
}

static int pair_distro(const char *distro, const uint8_t *key) {
        PairKeys keys = {.store = KEY_STORE_INIT, .key = key};
        const WslPairStore store = {pair_keys_put, pair_keys_restore, NULL, &keys};
        char owner[WSL_OWNER_MAX + 1];
        int r;

        (void) console_printf("Giving '%s' a new key; the distro may have to start first ...\n",
                              distro);
        r = wsl_pair(distro, key, &store, owner);
        pair_keys_done(&keys);
        if (r == 0)
                (void) console_printf("Paired: %s\n", owner);
        else
                pair_if_no_distro(distro);
        return r;
}

int command_pair(int argc, char **argv) {
        bool print = argc == 2 && strcmp(argv[0], "--print") == 0;
        uint8_t key[WIRE_KEY_SIZE];
        int r;

        if (argc < 1 || argc > 2 || (argc == 2 && !print) ||
            (argc == 1 && argv[0][0] == '-' && strcmp(argv[0], "--list") != 0))
                return command_usage("pair");
        if (!rights_demand("pair"))
                return EXIT_FAILURE;
        if (strcmp(argv[0], "--list") == 0)
                return pair_list() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        r = random_bcrypt(key, sizeof(key));
        if (r == 0)
                r = print ? pair_print(argv[1], key) : pair_distro(argv[0], key);
        SecureZeroMemory(key, sizeof(key));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The name of a distro may be typed in any case, as everywhere in Windows. The registry cannot hold
 * two names that differ only in case, so there is no doubt about which guest is meant. */
int command_unpair(int argc, char **argv) {
        KeyStore keys = KEY_STORE_INIT;
        char owner[KEY_STORE_NAME_MAX];
        int r;

        if (argc != 1 || argv[0][0] == '-')
                return command_usage("unpair");
        if (!rights_demand("unpair"))
                return EXIT_FAILURE;
        r = key_store_remove(&keys, argv[0], owner);
        key_store_done(&keys);
        if (r == -ENOENT)
                log_write(LOG_LEVEL_ERROR,
                          "'%s' is not paired; 'wslbridge-helper pair --list' lists the guests "
                          "that are",
                          argv[0]);
        if (r < 0)
                return EXIT_FAILURE;
        (void) console_printf("Unpaired: %s. Its rules are withdrawn at once. The guest keeps its "
                              "key, which is of no use any more.\n",
                              owner);
        return EXIT_SUCCESS;
}
