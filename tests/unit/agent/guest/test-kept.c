/* SPDX-License-Identifier: MIT */

/* Claim: what WSL said is there again at the next start of the same installation, and of no other;
 * and a file that is broken or forged is no answer. */

#include "agent/guest/kept.h"

#include "agent/util/cleanup.h"
#include "tests/unit/agent/testing.h"

#include <sys/statfs.h>

static const uint8_t id[WIRE_ID_SIZE] = {0xab, 0x01};
static const uint8_t other_id[WIRE_ID_SIZE] = {0xab, 0x02};
static char directory[TEST_PATH_MAX];

static void setup(void) {
        test_setup();
        strcpy(directory, test_path("lib"));
}

static void save(const char *distro, const char *word) {
        Kept kept = {0};

        strcpy(kept.distro, distro);
        strcpy(kept.word, word);
        ck_assert_int_eq(kept_save(directory, id, &kept), 0);
}

static void expect(const char *distro, const char *word) {
        Kept kept;

        memset(&kept, 0xa5, sizeof(kept)); /* everything must be written */
        ck_assert_int_eq(kept_load(directory, id, &kept), *distro || *word);
        ck_assert_str_eq(kept.distro, distro);
        ck_assert_str_eq(kept.word, word);
}

START_TEST(test_kept) {
        struct stat st;

        expect("", "");
        save("Ubuntu-22.04", "nat"); /* this makes the directory */
        expect("Ubuntu-22.04", "nat");
        save("Debian", "");
        expect("Debian", "");
        save("", "wormhole");
        expect("", "wormhole");
        ck_assert_int_eq(stat(test_path("lib/kept-name.new"), &st), -1);
        strcpy(directory, test_path("no/lib"));
        ck_assert_int_eq(kept_save(directory, id, &(Kept){0}), -ENOENT);
}
END_TEST

/* A copy that has got a machine id of its own, and one that lies on another file system. */
START_TEST(test_another_installation) {
        char text[256];
        struct statfs fs;
        uint32_t fsid[2];
        Kept kept;

        save("Ubuntu", "nat");
        ck_assert(!kept_load(directory, other_id, &kept));
        ck_assert_str_eq(kept.distro, "");
        expect("Ubuntu", "nat");

        ck_assert_int_eq(statfs(directory, &fs), 0);
        memcpy(fsid, &fs.f_fsid, sizeof(fsid));
        for (uint32_t i = 0; i < 2; i++) {
                int n = snprintf(text, sizeof(text),
                                 "installation=ab01%028d/%08x%08x\ndistro=Ubuntu\nmode=nat\n", 0,
                                 fsid[0] ^ i, fsid[1]);

                test_write("lib/kept-name", text, (size_t) n, 0644);
                expect(i == 0 ? "Ubuntu" : "", i == 0 ? "nat" : "");
        }
}
END_TEST

START_TEST(test_broken_files) {
        static const char *const broken[] = {
                "",
                "\n\n",
                "distro=Ubuntu\nmode=nat\n",
                "installation=\ndistro=Ubuntu\n",
                "installation=ab01\ndistro=Ubuntu\n",
        };
        char text[KEPT_SIZE_MAX + 600];
        struct statfs fs;
        uint32_t fsid[2];
        int n;

        test_mkdir("lib");
        for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
                test_write("lib/kept-name", broken[i], strlen(broken[i]), 0644);
                expect("", "");
        }
        ck_assert_int_eq(statfs(directory, &fs), 0);
        memcpy(fsid, &fs.f_fsid, sizeof(fsid));
        /* Ours, but with a name that no identity has, and a word that is too long. */
        n = snprintf(text, sizeof(text),
                     "installation=ab01%028d/%08x%08x\ndistro=a/b\nmode=%0500d\nother=x", 0,
                     fsid[0], fsid[1], 0);
        test_write("lib/kept-name", text, (size_t) n, 0644);
        expect("", "");
        ck_assert_int_eq(rename(test_path("lib/kept-name"), test_path("lib/real")), 0);
        ck_assert_int_eq(symlink("real", test_path("lib/kept-name")), 0);
        expect("", "");
}
END_TEST

int main(void) {
        TCase *t = tcase_create("kept");

        tcase_add_checked_fixture(t, setup, test_teardown);
        tcase_add_test(t, test_kept);
        tcase_add_test(t, test_another_installation);
        tcase_add_test(t, test_broken_files);
        return test_run(t, "kept");
}
