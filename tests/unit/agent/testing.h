/* SPDX-License-Identifier: MIT */
#pragma once

/* What several tests of the agent share: a directory of their own and a runner. */

#include "tests/suite.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_PATH_MAX 512

static char test_directory[64]; /* of the running test; set by test_setup() */

static inline void test_setup(void) {
        strcpy(test_directory, "/tmp/wslbridge-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(test_directory));
}

static inline void test_teardown(void) {
        char command[TEST_PATH_MAX];

        (void) snprintf(command, sizeof(command), "rm -rf '%s'", test_directory);
        ck_assert_int_eq(system(command), 0);
}

/* A path below the test's directory. The call after the next one overwrites it. */
static inline const char *test_path(const char *name) {
        static char paths[2][TEST_PATH_MAX];
        static unsigned next;
        char *path = paths[next++ % 2];

        (void) snprintf(path, TEST_PATH_MAX, "%s/%s", test_directory, name);
        return path;
}

static inline void test_mkdir(const char *name) {
        char path[TEST_PATH_MAX];

        (void) snprintf(path, sizeof(path), "%s/%s", test_directory, name);
        for (char *slash = path + strlen(test_directory) + 1; (slash = strchr(slash, '/'));
             slash++) {
                *slash = '\0';
                ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
        ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static inline void test_write(const char *name, const void *data, size_t n, mode_t mode) {
        int fd = open(test_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        ck_assert_int_eq(write(fd, data, n), (ssize_t) n);
        close(fd);
}

static inline int test_run(TCase *t, const char *name) {
        Suite *s = suite_create(name);

        suite_add_tcase(s, t);
        return suite_run(s);
}
