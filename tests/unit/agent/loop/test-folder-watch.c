/* SPDX-License-Identifier: MIT */

/*
 * Claim: a folder may come, go and be one that we may not read; the watch lives through it, and
 * tells what comes after.
 */

#include "agent/loop/folder-watch.h"

#include "tests/unit/agent/testing.h"

static unsigned n_calls;

static int on_change(void *userdata) {
        n_calls++;
        return 0;
}

/* Let the loop handle what the kernel has queued. Return: how often a change was told. */
static unsigned changes(sd_event *event) {
        unsigned before = n_calls;
        int r;

        while ((r = sd_event_run(event, 0)) > 0) {
        }
        ck_assert_int_eq(r, 0);
        return n_calls - before;
}

static void move_file_in(void) {
        test_write("new", "x", 1, 0644);
        ck_assert_int_eq(rename(test_path("new"), test_path("folder/file")), 0);
}

START_TEST(test_folder_comes_and_goes) {
        sd_event *event = NULL;
        FolderWatch *watch = NULL;

        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(folder_watch_new(&watch, event, test_path("folder"), on_change, NULL), 0);
        for (unsigned i = 0; i < 2; i++) {
                test_mkdir("folder");
                ck_assert_uint_ge(changes(event), 1);
                move_file_in();
                ck_assert_uint_ge(changes(event), 1);
                ck_assert_int_eq(unlink(test_path("folder/file")), 0);
                ck_assert_int_eq(rmdir(test_path("folder")), 0);
                ck_assert_uint_ge(changes(event), 1);
        }
        test_mkdir("other");
        ck_assert_uint_eq(changes(event), 0);
        folder_watch_free(watch);
        sd_event_unref(event);
}
END_TEST

START_TEST(test_folder_that_we_may_not_read) {
        sd_event *event = NULL;
        FolderWatch *watch = NULL;

        if (geteuid() != 0)
                return; /* root has to change its user; others cannot. CI runs as root. */
        ck_assert_int_eq(chmod(test_directory, 0755), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_int_eq(folder_watch_new(&watch, event, test_path("folder"), on_change, NULL), 0);
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(mkdir(test_path("folder"), 0700), 0);
        ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_uint_ge(changes(event), 1);
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(chmod(test_path("folder"), 0755), 0);
        ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_uint_ge(changes(event), 1);
        ck_assert_int_eq(seteuid(0), 0);
        move_file_in();
        ck_assert_uint_ge(changes(event), 1);
        folder_watch_free(watch);
        sd_event_unref(event);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("folder-watch");

        tcase_add_checked_fixture(t, test_setup, test_teardown);
        tcase_add_test(t, test_folder_comes_and_goes);
        tcase_add_test(t, test_folder_that_we_may_not_read);
        return test_run(t, "folder-watch");
}
