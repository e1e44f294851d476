/* SPDX-License-Identifier: MIT */

/*
 * Claim: a reader never sees a part of status.json and may always read it; one agent has the
 * folder; and what somebody else put there is neither changed nor removed.
 */

#include "agent/status/file.h"

#include "tests/unit/agent/testing.h"

#include <signal.h>
#include <sys/wait.h>

static StatusFile file;
static char directory[TEST_PATH_MAX]; /* "run" below the test's directory */

static void setup(void) {
        test_setup();
        strcpy(directory, test_path("run"));
        file = STATUS_FILE_NULL;
}

static void teardown(void) {
        status_file_done(&file);
        test_teardown();
}

static void lock(void) {
        pid_t pid = 0;

        ck_assert_int_eq(status_file_lock(&file, directory, &pid), 0);
}

static void expect_content(const char *path, const char *expected) {
        char content[64] = "";
        FILE *f = fopen(path, "re");

        ck_assert_ptr_nonnull(f);
        ck_assert_ptr_nonnull(fgets(content, sizeof(content), f));
        (void) fclose(f);
        ck_assert_str_eq(content, expected);
}

START_TEST(test_file_is_replaced) {
        struct stat before, after;
        char content[64] = "";
        FILE *f;

        lock(); /* this makes the folder */
        ck_assert_int_eq(status_file_write(&file, "old"), 0);
        ck_assert_int_eq(stat(test_path("run/status.json"), &before), 0);

        /* A reader that has the file open keeps the old text, because the new text is another file.
         */
        f = fopen(test_path("run/status.json"), "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(status_file_write(&file, "new text"), 0);
        ck_assert_ptr_nonnull(fgets(content, sizeof(content), f));
        ck_assert_str_eq(content, "old\n");
        (void) fclose(f);
        ck_assert_int_eq(stat(test_path("run/status.json"), &after), 0);
        ck_assert_uint_ne(before.st_ino, after.st_ino);
        ck_assert_int_eq(after.st_size, 9);

        status_file_done(&file);
        ck_assert_int_eq(rmdir(test_path("run")), 0); /* nothing else is left in it */
}
END_TEST

/* The service has the umask 0077, and users read its status. Only the agent's user opens the lock,
 * because whoever can open a file can lock it. */
START_TEST(test_modes) {
        struct stat st;

        (void) umask(0077);
        lock(); /* this makes the folder */
        ck_assert_int_eq(stat(test_path("run"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0755);
        ck_assert_int_eq(status_file_write(&file, "text"), 0);
        ck_assert_int_eq(stat(test_path("run/status.json"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        (void) umask(0);
        status_file_done(&file);
        lock();
        ck_assert_int_eq(stat(test_path("run/lock"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(test_folder_that_is_not_there) {
        pid_t pid = 0;

        strcpy(directory, test_path("no/run"));
        ck_assert_int_eq(status_file_lock(&file, directory, &pid), -ENOENT);
        ck_assert_int_eq(status_file_write(&file, "x"), -ENOENT);
        test_mkdir("no"); /* it makes the folder, but not its parents */
        ck_assert_int_eq(status_file_write(&file, "x"), 0);
}
END_TEST

START_TEST(test_file_that_cannot_be_replaced) {

        /* A directory is in the way: this is an error, and no temporary file stays. */
        test_mkdir("run/status.json");
        lock();
        ck_assert_int_eq(status_file_write(&file, "text"), -EISDIR);
        status_file_done(&file);
        ck_assert_int_eq(rmdir(test_path("run/status.json")), 0);
        ck_assert_int_eq(rmdir(test_path("run")), 0);
}
END_TEST

/* A link where the agent writes must not lead it to another file. */
START_TEST(test_links_are_not_followed) {
        char link[64];
        struct stat st;
        pid_t pid = 0;

        test_mkdir("run");
        test_write("victim", "precious\n", 9, 0600);
        (void) snprintf(link, sizeof(link), "run/.status.json.%d", (int) getpid());
        ck_assert_int_eq(symlink("../victim", test_path(link)), 0);
        lock();
        ck_assert_int_eq(status_file_write(&file, "text"), -ELOOP);
        expect_content(test_path("victim"), "precious\n");
        ck_assert_int_eq(lstat(test_path(link), &st), 0);
        status_file_done(&file);

        ck_assert_int_eq(symlink("../victim", test_path("run/lock")), 0);
        ck_assert_int_eq(status_file_lock(&file, directory, &pid), -ELOOP);
        status_file_done(&file);
        ck_assert_int_eq(lstat(test_path("run/lock"), &st), 0);
}
END_TEST

/* Run @status_file_lock() in another process. Return: its result, with the pid in @ret_holder. */
static int lock_elsewhere(const char *folder, pid_t *ret_holder) {
        int fds[2], answer[2] = {0};
        pid_t child;

        ck_assert_int_eq(pipe(fds), 0);
        child = fork();
        if (child == 0) {
                StatusFile other;
                pid_t pid = 0;

                answer[0] = status_file_lock(&other, folder, &pid);
                answer[1] = (int) pid;
                status_file_done(&other);
                _exit(write(fds[1], answer, sizeof(answer)) != sizeof(answer));
        }
        ck_assert_int_eq(read(fds[0], answer, sizeof(answer)), sizeof(answer));
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        close(fds[0]);
        close(fds[1]);
        *ret_holder = answer[1];
        return answer[0];
}

START_TEST(test_one_agent_for_each_folder) {
        _cleanup_free_ char *other = strdup(test_path("other"));
        pid_t holder = 0;

        lock();
        ck_assert_int_eq(status_file_write(&file, "mine"), 0);
        ck_assert_int_eq(lock_elsewhere(directory, &holder), LOCK_FILE_E_HELD);
        ck_assert_int_eq(holder, getpid());
        expect_content(test_path("run/status.json"), "mine\n");
        ck_assert_int_eq(lock_elsewhere(other, &holder), 0);
        ck_assert_int_eq(lock_elsewhere(directory, &holder), LOCK_FILE_E_HELD); /* still */
        status_file_done(&file);
        ck_assert_int_eq(lock_elsewhere(directory, &holder), 0);
}
END_TEST

/* The folder was removed and another agent has made it anew: it keeps it for as long as it lives.
 */
START_TEST(test_lock_that_was_removed) {
        int ready[2], end[2];
        char byte = 0;
        pid_t child, pid = 0;

        lock();
        ck_assert_int_eq(status_file_write(&file, "ours"), 0);
        ck_assert_int_eq(unlink(test_path("run/lock")), 0);
        ck_assert_int_eq(unlink(test_path("run/status.json")), 0);
        ck_assert_int_eq(rmdir(directory), 0);
        ck_assert_int_eq(pipe(ready), 0);
        ck_assert_int_eq(pipe(end), 0);
        child = fork();
        if (child == 0) {
                StatusFile other;

                close(end[1]);
                if (status_file_lock(&other, directory, &pid) != 0 ||
                    status_file_write(&other, "theirs") != 0 || write(ready[1], &byte, 1) != 1)
                        _exit(1);
                (void) !read(end[0], &byte, 1);
                _exit(0);
        }
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(status_file_write(&file, "ours"), -EBUSY);
                expect_content(test_path("run/status.json"), "theirs\n");
        }
        close(end[1]);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        ck_assert_int_eq(status_file_write(&file, "ours again"), 0);
        expect_content(test_path("run/status.json"), "ours again\n");
        ck_assert_int_eq(lock_elsewhere(directory, &pid), LOCK_FILE_E_HELD);
        close(ready[0]);
        close(ready[1]);
        close(end[0]);
}
END_TEST

/* kill -9 leaves both files; the next agent takes them over. */
START_TEST(test_after_a_kill) {
        pid_t child = fork();

        if (child == 0) {
                lock();
                ck_assert_int_eq(status_file_write(&file, "left"), 0);
                (void) kill(getpid(), SIGKILL);
        }
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        expect_content(test_path("run/status.json"), "left\n");
        lock();
        status_file_done(&file); /* it has written nothing, so the file stays */
        expect_content(test_path("run/status.json"), "left\n");
        lock();
        ck_assert_int_eq(status_file_write(&file, "new"), 0);
        status_file_done(&file);
        ck_assert_int_eq(rmdir(test_path("run")), 0);
}
END_TEST

/* Without the lock, as where it cannot be had: the file of another agent stays. */
START_TEST(test_only_our_own_file_is_removed) {
        lock();
        ck_assert_int_eq(status_file_write(&file, "ours"), 0);
        test_write("run/new", "theirs\n", 7, 0644);
        ck_assert_int_eq(rename(test_path("run/new"), test_path("run/status.json")), 0);
        status_file_done(&file);
        expect_content(test_path("run/status.json"), "theirs\n");
}
END_TEST

int main(void) {
        TCase *t = tcase_create("file");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_file_is_replaced);
        tcase_add_test(t, test_modes);
        tcase_add_test(t, test_lock_that_was_removed);
        tcase_add_test(t, test_folder_that_is_not_there);
        tcase_add_test(t, test_file_that_cannot_be_replaced);
        tcase_add_test(t, test_links_are_not_followed);
        tcase_add_test(t, test_one_agent_for_each_folder);
        tcase_add_test(t, test_after_a_kill);
        tcase_add_test(t, test_only_our_own_file_is_removed);
        return test_run(t, "file");
}
