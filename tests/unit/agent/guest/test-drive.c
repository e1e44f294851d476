/* SPDX-License-Identifier: MIT */

/* Claim: drive C: is found in the list of mounts, wherever automount.root has put it, and is looked
 * for below /mnt/c where that list does not say. */

#include "agent/guest/drive.h"

#include "tests/unit/agent/testing.h"

#include <limits.h>
#include <sys/stat.h>

static void folder(const char *name) {
        ck_assert_int_eq(mkdir(test_path(name), 0755), 0);
}

static void setup(void) {
        test_setup();
        folder("proc");
        folder("proc/self");
        folder("mnt");
        folder("mnt/c");
        folder("mnt/c/Users");
        folder("c");
        folder("c/Users");
        folder("win");
        folder("my drives");
        folder("my drives/c");
        folder("my drives/c/Users");
}

static void expect(const char *mounts, const char *folder) {
        char path[PATH_MAX], wanted[PATH_MAX];

        test_write("proc/self/mounts", mounts, strlen(mounts), 0644);
        drive_find(test_directory, path, sizeof(path));
        (void) snprintf(wanted, sizeof(wanted), "%s%s", test_directory, folder);
        ck_assert_str_eq(path, wanted);
}

START_TEST(test_found) {
        expect("/dev/sdc / ext4 rw 0 0\nC:\\134 /mnt/c 9p rw,aname=drvfs;path=C:\\134 0 0\n",
               "/mnt/c");
        expect("C:\\134 /c 9p rw 0 0\n", "/c");
        expect("c:\\134 /c drvfs rw 0 0\n", "/c");
        expect("D:\\134 /mnt/d 9p rw 0 0\nC:\\134 /my\\040drives/c 9p rw 0 0\n", "/my drives/c");
}
END_TEST

/* A folder of the drive, bound to another place, has the same name in the list. */
START_TEST(test_the_whole_drive) {
        expect("C:\\134 /win 9p rw 0 0\nC:\\134 /c 9p rw 0 0\n", "/c");
}
END_TEST

START_TEST(test_not_in_the_list) {
        expect("", "/mnt/c");
        expect("/dev/sdc / ext4 rw 0 0\n", "/mnt/c");
        expect("drvfsaC8C /c virtiofs rw 0 0\n", "/mnt/c");
        expect("C:\\134Users /c 9p rw 0 0\n", "/mnt/c");
        expect("C:\\134 /win 9p rw 0 0\n", "/mnt/c");
}
END_TEST

START_TEST(test_no_list) {
        char path[PATH_MAX], wanted[PATH_MAX];

        drive_find(test_directory, path, sizeof(path));
        (void) snprintf(wanted, sizeof(wanted), "%s/mnt/c", test_directory);
        ck_assert_str_eq(path, wanted);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("drive");

        tcase_add_checked_fixture(t, setup, test_teardown);
        tcase_add_test(t, test_found);
        tcase_add_test(t, test_the_whole_drive);
        tcase_add_test(t, test_not_in_the_list);
        tcase_add_test(t, test_no_list);
        return test_run(t, "drive");
}
