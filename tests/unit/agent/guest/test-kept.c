/* SPDX-License-Identifier: MIT */

/* Claim: what WSL said is there again at the next start of the same installation, and of no other;
 * and a file that is broken or forged is no answer. */

#include "agent/guest/kept.h"

#include "agent/util/cleanup.h"
#include "agent/util/small-file.h"
#include "tests/unit/agent/testing.h"

#include <sys/statfs.h>

static const Installation here = {.id = {0xab, 0x01}};
static const Installation other = {.id = {0xab, 0x02}};
static const Installation machine = {.id = {0xab, 0x01}, .of_machine = true};
static char directory[TEST_PATH_MAX];

static void setup(void) {
        test_setup();
        strcpy(directory, test_path("lib"));
}

static void save(const char *distro, const char *word) {
        Kept kept = {0};

        strcpy(kept.distro, distro);
        strcpy(kept.word, word);
        ck_assert_int_eq(kept_save(directory, &here, &kept), 0);
}

static void expect(const char *distro, const char *word) {
        Kept kept;

        memset(&kept, 0xa5, sizeof(kept)); /* everything must be written */
        ck_assert_int_eq(kept_load(directory, &here, &kept), *distro || *word);
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
        ck_assert_int_eq(kept_save(directory, &here, &(Kept){0}), -ENOENT);
}
END_TEST

/* A copy that has got a machine id of its own, and one that lies on another file system. */
START_TEST(test_another_installation) {
        char text[256];
        struct statfs fs;
        uint32_t fsid[2];
        Kept kept;

        save("Ubuntu", "nat");
        ck_assert(!kept_load(directory, &other, &kept));
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

/* Another number of the disk makes another id of some file systems, so that id is not in the file.
 */
START_TEST(test_a_machine_on_any_file_system) {
        static const char text[] = "installation=ab010000000000000000000000000000/machine\n"
                                   "distro=web1\nmode=\n";
        char *found = NULL;
        Kept kept = {.distro = "web1"};

        ck_assert_int_eq(kept_save(directory, &machine, &kept), 0);
        ck_assert_int_eq(small_file_read(test_path("lib/kept-name"), KEPT_SIZE_MAX, &found), 0);
        ck_assert_str_eq(found, text);
        free(found);
        memset(&kept, 0, sizeof(kept));
        ck_assert(kept_load(directory, &machine, &kept));
        ck_assert_str_eq(kept.distro, "web1");
        expect("", ""); /* with the same id, but that is no machine's */
}
END_TEST

/* The agent owns the folder, and root writes to it as well. */
START_TEST(test_what_lies_in_the_way) {
        char *found = NULL;

        test_mkdir("lib");
        test_write("others", "x", 1, 0600);
        for (unsigned i = 0; i < 3; i++) {
                const char *there = test_path("lib/kept-name.new"), *others = test_path("others");

                ck_assert_int_eq(i == 0   ? mkfifo(there, 0666)
                                 : i == 1 ? link(others, there)
                                          : symlink(others, there),
                                 0);
                save("Ubuntu", "nat"); /* does not wait for a reader */
                expect("Ubuntu", "nat");
        }
        ck_assert_int_eq(small_file_read(test_path("others"), 1, &found), 0);
        ck_assert_str_eq(found, "x");
        free(found);
        test_mkdir("lib/kept-name.new");
        ck_assert_int_eq(kept_save(directory, &here, &(Kept){0}), -EEXIST);
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
        tcase_add_test(t, test_a_machine_on_any_file_system);
        tcase_add_test(t, test_what_lies_in_the_way);
        tcase_add_test(t, test_broken_files);
        return test_run(t, "kept");
}
