/* SPDX-License-Identifier: MIT */

/*
 * Claim: the place that a link leads to is found without going there, also below a root, and also
 * when the link leads to another one.
 */

#include "agent/util/link.h"

#include "tests/unit/agent/testing.h"

START_TEST(test_where_it_leads) {
        static const struct {
                const char *file, *target, *path;
        } cases[] = {
                {"/etc/a/x", "/mnt/c/y", "/mnt/c/y"},
                {"/etc/a/x", "y", "/etc/a/y"},
                {"/etc/a/x", "./y", "/etc/a/y"},
                {"/etc/a/x", "../y", "/etc/y"},
                {"/etc/a/x", "../../mnt/y", "/mnt/y"},
                {"/etc/a/x", "../../../../mnt/y", "/mnt/y"},
                {"/etc/a/x", "b/../..//mnt/", "/etc/mnt"},
                {"/x", "mnt/y", "/mnt/y"},
                {"/x", "/opt/../mnt/y", "/mnt/y"},
                {"/x", "/..", "/"},
                {"/etc/a/x", "...", "/etc/a/..."},
                {"/etc/a/x", "..y/.z", "/etc/a/..y/.z"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char path[64];

                ck_assert(link_leads_to(cases[i].file, cases[i].target, path, sizeof(path)));
                ck_assert_str_eq(path, cases[i].path);
        }
}
END_TEST

/* The room is for the whole path and its NUL, or it does not fit. */
START_TEST(test_room) {
        for (size_t size = 0; size <= 10; size++) {
                char path[10];

                memset(path, 'x', sizeof(path));
                ck_assert_int_eq(link_leads_to("/a/x", "bc/de", path, size), size >= 9);
                for (size_t i = size; i < sizeof(path); i++)
                        ck_assert_int_eq(path[i], 'x');
        }
}
END_TEST

START_TEST(test_step_by_step) {
        LinkPlace place;
        int fd;

        test_mkdir("root/etc");
        test_mkdir("root/opt");
        ck_assert_int_eq(symlink("../opt/b.ini", test_path("root/etc/a.ini")), 0);
        ck_assert_int_eq(symlink("../mnt/c.ini", test_path("root/opt/b.ini")), 0);
        for (unsigned i = 0; i < 2; i++) { /* with a whole path, and with one below a folder */
                fd = open(test_path("root/etc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                ck_assert_int_ge(fd, 0);
                strcpy(place.at, i == 0 ? test_path("root/etc/a.ini") : "a.ini");
                strcpy(place.shown, "/etc/a.ini");
                ck_assert(link_follow(fd, &place));
                ck_assert_str_eq(place.shown, "/opt/b.ini");
                ck_assert(link_follow(fd, &place));
                ck_assert_str_eq(place.shown, "/mnt/c.ini");
                ck_assert(!link_follow(fd, &place)); /* it does not exist */
                (void) close(fd);
        }
}
END_TEST

int main(void) {
        TCase *t = tcase_create("link");

        tcase_add_checked_fixture(t, test_setup, test_teardown);
        tcase_add_test(t, test_where_it_leads);
        tcase_add_test(t, test_room);
        tcase_add_test(t, test_step_by_step);
        return test_run(t, "link");
}
