/* SPDX-License-Identifier: MIT */

/*
 * Claim: the output of WSL's tools, in any form that their versions have, is either understood or
 * rejected. Nothing is guessed.
 */

#include "agent/guest/wsl-words.h"
#include "agent/util/cleanup.h"
#include "tests/suite.h"

#include <check.h>
#include <string.h>

/* String and length without its NUL, for texts with NULs inside. */
#define BYTES(text) text, sizeof(text) - 1

#define HUNDRED                                                                                    \
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
        "890123456789"
#define LONG HUNDRED HUNDRED HUNDRED

static const struct {
        const char *output;
        size_t n;
        const char *word; /* NULL: no answer */
        WireMode mode;
} modes[] = {
        {BYTES("nat\n"), "nat", WIRE_MODE_NAT},
        {BYTES("nat"), "nat", WIRE_MODE_NAT}, /* wslinfo -n */
        {BYTES("mirrored\n"), "mirrored", WIRE_MODE_MIRRORED},
        {BYTES("bridged\n"), "bridged", WIRE_MODE_BRIDGED},
        {BYTES("virtioproxy\n"), "virtioproxy", WIRE_MODE_VIRTIOPROXY},
        {BYTES("consomme\n"), "consomme", WIRE_MODE_VIRTIOPROXY},
        {BYTES("none\n"), "none", WIRE_MODE_NONE},
        {BYTES("wsl1\n"), "wsl1", WIRE_MODE_MIRRORED},
        {BYTES("NAT\r\n"), "NAT", WIRE_MODE_NAT},
        {BYTES("\r\n  nat \t\r\n"), "nat", WIRE_MODE_NAT},
        {BYTES("\xef\xbb\xbfnat\n"), "nat", WIRE_MODE_NAT},
        {BYTES("n\0a\0t\0\r\0\n\0"), "nat", WIRE_MODE_NAT},
        {BYTES("\xff\xfem\0i\0r\0r\0o\0r\0e\0d\0\r\0\n\0"), "mirrored", WIRE_MODE_MIRRORED},
        {BYTES("\xff\xfe"
               "n\0a\0t\0\x16\x20"),
         "nat?", WIRE_MODE_UNKNOWN},
        {BYTES("nat\0mirrored"), "nat", WIRE_MODE_NAT},
        /* a warning before the answer */
        {BYTES("no nat\nnat\n"), "nat", WIRE_MODE_NAT},
        {BYTES("wsl: A localhost proxy was found\r\n\r\nmirrored\r\n"), "mirrored",
         WIRE_MODE_MIRRORED},
        {BYTES("\xff\xfe!\0\n\0n\0a\0t\0"), "nat", WIRE_MODE_NAT},
        {BYTES(LONG LONG "\nbridged\nnat\n"), "bridged", WIRE_MODE_BRIDGED},
        /* unknown words, localized text, garbage */
        {BYTES("wormhole\n"), "wormhole", WIRE_MODE_UNKNOWN},
        {BYTES("nat2\n"), "nat2", WIRE_MODE_UNKNOWN},
        {BYTES("Ung\xc3\xbcltige Option\n"), "Ung\xc3\xbcltige Option", WIRE_MODE_UNKNOWN},
        {BYTES("\xe4\xf6\x01\x1b[31m\n"), "????[31m", WIRE_MODE_UNKNOWN},
        {BYTES("no nat\nnat2\n"), "no nat", WIRE_MODE_UNKNOWN},
        {BYTES("0123456789012345678901234567890123456789012345678901234567890123456789"),
         "012345678901234567890123456789012345678901234567890123456789012", WIRE_MODE_UNKNOWN},
        /* nothing */
        {BYTES(""), NULL, WIRE_MODE_UNKNOWN},
        {BYTES("\n"), NULL, WIRE_MODE_UNKNOWN},
        {BYTES(" \r\n\t\n"), NULL, WIRE_MODE_UNKNOWN},
        {BYTES("\0"), NULL, WIRE_MODE_UNKNOWN},
        {BYTES("\xff\xfe"), NULL, WIRE_MODE_UNKNOWN},
};

START_TEST(test_modes) {
        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                char word[WSL_WORD_MAX + 1];
                uint8_t mode = 99;

                ck_assert_msg(wsl_parse_mode(modes[i].output, modes[i].n, &mode, word) ==
                                      (modes[i].word != NULL),
                              "case %zu: '%s'", i, modes[i].output);
                ck_assert_str_eq(word, modes[i].word ? modes[i].word : "");
                ck_assert_msg(mode == modes[i].mode, "case %zu: %s", i, wire_mode_name(mode));
        }
}
END_TEST

static const struct {
        const char *output;
        size_t n;
        const char *name; /* NULL: no answer */
} distros[] = {
        {BYTES("\\\\wsl.localhost\\Debian\\\n"), "Debian"},
        {BYTES("\\\\wsl.localhost\\Ubuntu-22.04\\\n"), "Ubuntu-22.04"},
        {BYTES("\\\\wsl.localhost\\Debian"), "Debian"},
        {BYTES("\\\\wsl$\\kali-linux\\\n"), "kali-linux"},
        {BYTES("\\\\WSL.LOCALHOST\\Debian\\\r\n"), "Debian"},
        {BYTES("\\\0\\\0w\0s\0l\0$\0\\\0D\0e\0b\0\\\0"), "Deb"},
        {BYTES("\\\\wsl$\\0123456789012345678901234567890123456789012345678901234567890123\\"),
         "0123456789012345678901234567890123456789012345678901234567890123"},
        {BYTES("\\\\wsl$\\01234567890123456789012345678901234567890123456789012345678901234\\"),
         NULL},
        {BYTES("wsl: a warning\n\\\\server\\share\n\\\\wsl$\\Debian\\\n"), "Debian"},
        {BYTES("\\\\wsl.localhost\\\n"), NULL},
        {BYTES("\\\\wsl.localhost\\\\\n"), NULL},
        {BYTES("\\\\wsl.localhost\\My Distro\\\n"), NULL}, /* not a name for an identity */
        {BYTES("\\\\wsl.localhost\\D\xc3\xa9"
               "bian\\\n"),
         NULL},
        {BYTES("\\\\wsl.localhost\\Debian\\home\\\n"), NULL}, /* not an answer to the question */
        {BYTES("\\\\server\\share\\\n"), NULL},
        {BYTES("C:\\\n"), NULL},
        {BYTES("wslpath: /: Invalid argument\n"), NULL},
        {BYTES("\\\\wsl"), NULL},
        {BYTES(""), NULL},
};

START_TEST(test_distros) {
        for (size_t i = 0; i < ELEMENTSOF(distros); i++) {
                char name[WIRE_DISTRO_MAX + 1] = "as before";

                ck_assert_msg(wsl_parse_distro(distros[i].output, distros[i].n, name) ==
                                      (distros[i].name != NULL),
                              "case %zu: '%s' gives '%s'", i, distros[i].output, name);
                ck_assert_str_eq(name, distros[i].name ? distros[i].name : "as before");
        }
}
END_TEST

START_TEST(test_vm_ids) {
        static const uint8_t expected[WIRE_ID_SIZE] = {0x90, 0xdb, 0x8b, 0x89, 0x0d, 0x35,
                                                       0x4f, 0x79, 0x8c, 0xe9, 0x49, 0xea,
                                                       0x0a, 0xc8, 0xb7, 0xcd};
        static const char *const good[] = {
                "90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CD\n",
                "90db8b89-0d35-4f79-8ce9-49ea0ac8b7cd",
                "{90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CD}\r\n",
                "wsl: a warning\n90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CD\n",
        };
        static const char *const bad[] = {
                "wsl1\n",
                "",
                "90DB8B89-0D35-4F79-8CE9-49EA0AC8B7C\n",
                "90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CDE\n",
                "90DB8B89X0D35-4F79-8CE9-49EA0AC8B7CD\n",
                "90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CG\n",
                "{90DB8B89-0D35-4F79-8CE9-49EA0AC8B7CD\n",
                "{}",
                "Invalid command line argument: --vm-id\n",
        };
        uint8_t id[WIRE_ID_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                memset(id, 0, sizeof(id));
                ck_assert_msg(wsl_parse_vm_id(good[i], strlen(good[i]), id), "%s", good[i]);
                ck_assert_mem_eq(id, expected, sizeof(id));
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(!wsl_parse_vm_id(bad[i], strlen(bad[i]), id), "%s", bad[i]);
}
END_TEST

/* Takes every prefix of every byte string. Nothing is read past the end (the sanitizers would see
 * it). */
START_TEST(test_any_bytes) {
        char word[WSL_WORD_MAX + 1], name[WIRE_DISTRO_MAX + 1];
        uint8_t mode, id[WIRE_ID_SIZE];

        for (unsigned seed = 0; seed < 256; seed++)
                for (size_t n = 0; n <= 600; n += 1 + n / 8) {
                        char *output = malloc(n + 1);

                        ck_assert_ptr_nonnull(output);
                        for (size_t i = 0; i < n; i++)
                                output[i] = (char) (i % 5 == 1 ? 0 : seed * (i + 1));
                        output = realloc(output, n ? n : 1);
                        (void) wsl_parse_mode(output, n, &mode, word);
                        ck_assert_uint_le(strlen(word), WSL_WORD_MAX);
                        if (wsl_parse_distro(output, n, name))
                                ck_assert(wsl_name_valid(name));
                        (void) wsl_parse_vm_id(output, n, id);
                        free(output);
                }
}
END_TEST

START_TEST(test_releases) {
        ck_assert(wsl_release_is_wsl("5.15.167.4-microsoft-standard-WSL2"));
        ck_assert(wsl_release_is_wsl("4.4.0-19041-Microsoft"));
        ck_assert(!wsl_release_is_wsl("6.1.0-28-amd64"));
        ck_assert(!wsl_release_is_wsl(""));
        ck_assert(wsl_release_is_wsl1("4.4.0-19041-Microsoft"));
        ck_assert(!wsl_release_is_wsl1("5.15.167.4-microsoft-standard-WSL2"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wsl-words");
        TCase *t = tcase_create("wsl-words");

        tcase_add_test(t, test_modes);
        tcase_add_test(t, test_distros);
        tcase_add_test(t, test_vm_ids);
        tcase_add_test(t, test_any_bytes);
        tcase_add_test(t, test_releases);
        suite_add_tcase(suite, t);
        return suite_run(suite);
}
