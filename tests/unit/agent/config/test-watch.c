/* SPDX-License-Identifier: MIT */

/*
 * ConfigWatch on real directories: every way to change the configuration is noticed once,
 * directories may come, go and be replaced, and files that are not configuration cause no reload.
 */

#include "agent/config/watch.h"

#include "tests/unit/agent/testing.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define ETC "etc/wslbridge"
#define INI ETC "/services.d/web.ini"

static sd_event *event;
static ConfigWatch *watch;
static unsigned n_calls;

static int on_change(void *userdata) {
        n_calls++;
        return 0;
}

static void setup(void) {
        test_setup();
        n_calls = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
}

static void start(void) {
        ck_assert_int_eq(configwatch_new(&watch, event, test_directory, on_change, NULL), 0);
}

static void teardown(void) {
        watch = configwatch_free(watch);
        event = sd_event_unref(event);
        test_teardown();
}

/* Let the loop handle everything that is ready. */
static void settle(void) {
        int r;

        while ((r = sd_event_run(event, 0)) > 0) {
        }
        ck_assert_int_eq(r, 0);
}

/*
 * Run the loop until the changes that were made before have been reported, if they ever will be.
 * The kernel has already queued them. So when the loop has nothing more to do, the debounce timer
 * runs or never will, and it has ended after twice its length. This holds on a slow machine, too:
 * time counts only between the two times of settling, because the thousands of events of the
 * overflow test take a while.
 *
 * Return: how often a change was reported.
 */
static unsigned changes(void) {
        unsigned before = n_calls;
        uint64_t end, now;

        settle();
        end = now_usec() + 2 * CONFIG_WATCH_DEBOUNCE_USEC;
        while ((now = now_usec()) < end)
                ck_assert_int_ge(sd_event_run(event, end - now), 0);
        settle();
        return n_calls - before;
}

static void shell(const char *command) {
        char line[4 * TEST_PATH_MAX];

        (void) snprintf(line, sizeof(line), "cd '%s' && %s", test_directory, command);
        ck_assert_int_eq(system(line), 0);
}

START_TEST(test_every_change_is_reported) {
        static const struct {
                const char *command;
                unsigned n;
        } cases[] = {
                {"echo a >" INI, 1},
                {"echo b >>" INI, 1},
                {"echo c >" INI ".new && mv " INI ".new " INI, 1}, /* as editors do it */
                {"for i in 1 2 3 4 5; do echo $i >" INI "; done", 1},
                {"chmod 600 " INI, 1},
                {"mv " INI " " INI ".disabled", 1},
                {"mv " INI ".disabled " INI, 1},
                {"rm " INI, 1},
                {"ln -s /dev/null " INI, 1},
                {"rm " INI, 1},
                {"echo >" ETC "/agent.conf", 1},
                {"echo >" ETC "/key", 1},
                {"ln " ETC "/key " INI, 1}, /* complete when it appears */
                {"rm " INI, 1},
                {"cp " ETC "/key x && ln x " INI " && rm x", 1}, /* and has no other name */
                {"rm " INI, 1},
                {"cp " ETC "/key " ETC "/services.d/x && ln " ETC "/services.d/x " INI " && rm " ETC
                 "/services.d/x",
                 1},
                {"mv " INI " x && mv x " INI, 1},
                {"cp " ETC "/key /dev/shm/wslbridge-test && mv /dev/shm/wslbridge-test " INI, 1},
                /* Reported as mistakes. */
                {"echo >" ETC "/services.d/web.conf", 1},
                {"rm " ETC "/services.d/web.conf", 1},
                {"echo >" ETC "/agent.conf.txt", 1},
                {"rm " ETC "/agent.conf.txt", 1},
                /* Not configuration. */
                {"mkdir " ETC "/services.d/old", 0},
                {"echo >" ETC "/services.d/web.ini.bak", 0},
                {"echo >" ETC "/services.d/README", 0},
                {"echo >" ETC "/services.d/.web.ini.swp", 0},
                {"echo >" ETC "/.status.json.17 && mv " ETC "/.status.json.17 " ETC "/status.json",
                 0},
                {"echo >etc/passwd", 0},
                {"cat " INI " >/dev/null", 0},
        };

        test_mkdir(ETC "/services.d");
        start();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                shell(cases[i].command);
                ck_assert_msg(changes() == cases[i].n, "%s", cases[i].command);
        }
}
END_TEST

/* A file without a name gets one when it is complete. */
START_TEST(test_file_that_gets_its_name_at_the_end) {
        char link[64];
        int fd;

        test_mkdir(ETC "/services.d");
        start();
        fd = open(test_path(ETC "/services.d"), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "[service]\n", 10), 10);
        ck_assert_uint_eq(changes(), 0);
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ck_assert_int_eq(linkat(AT_FDCWD, link, AT_FDCWD, test_path(INI), AT_SYMLINK_FOLLOW), 0);
        close(fd);
        ck_assert_uint_eq(changes(), 1);
        ck_assert_uint_eq(changes(), 0);
}
END_TEST

/* Many files that are being written: each is read when it is complete. */
START_TEST(test_many_unfinished_files) {
        int fds[8];

        test_mkdir(ETC "/services.d");
        start();
        for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), ETC "/services.d/%u.ini", i);
                fds[i] = open(test_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                ck_assert_int_ge(fds[i], 0);
                ck_assert_int_eq(write(fds[i], "[serv", 5), 5);
        }
        ck_assert_uint_eq(changes(), 0);
        for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
                close(fds[i]);
                ck_assert_uint_eq(changes(), 1);
        }
}
END_TEST

START_TEST(test_unfinished_file_waits_for_its_end) {
        int fd;

        test_mkdir(ETC "/services.d");
        start();
        fd = open(test_path(INI), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "[serv", 5), 5);
        ck_assert_uint_eq(changes(), 0);
        close(fd);
        ck_assert_uint_eq(changes(), 1);
}
END_TEST

START_TEST(test_directories_come_and_go) {
        static const char *const commands[] = {
                "mkdir etc",
                "mkdir " ETC,
                "mkdir " ETC "/services.d",
                "echo >" INI,
                "rm -r " ETC "/services.d",
                "mkdir " ETC "/services.d",
                "echo >" INI,
                "mv " ETC " etc/away",
                "mv etc/away " ETC,
                "echo >>" INI,
                "mv " ETC " etc/away && mkdir -p " ETC "/services.d", /* replaced at once */
                "echo >" INI,
                "rm -r etc",
                "mkdir -p " ETC "/services.d && echo >" INI,
                "rm " INI,
        };

        /* Nothing exists: the root itself is watched. */
        start();
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                shell(commands[i]);
                ck_assert_msg(changes() >= 1, "%s", commands[i]);
                ck_assert_msg(changes() == 0, "goes on after: %s", commands[i]);
        }
}
END_TEST

/* Something else may be in place of a directory. When that is corrected, it is noticed. */
START_TEST(test_something_else_in_its_place) {
        static const char *const commands[] = {
                "ln -s nowhere " ETC, /* it exists at the start */
                "ln -sfn ../real " ETC,
                "echo >real/services.d/web.ini",
                "rm " ETC " && echo >" ETC,
                "rm " ETC " && mkdir -p " ETC "/services.d",
                "echo >" INI,
                "rm -r " ETC "/services.d && echo >" ETC "/services.d",
                "rm " ETC "/services.d && mkdir " ETC "/services.d",
                "echo >" INI,
                "mv " ETC " etc/away && ln -s wslbridge " ETC, /* a loop */
                "rm " ETC " && mv etc/away " ETC,
                "echo >>" INI,
        };

        shell("mkdir -p etc real/services.d");
        shell(commands[0]);
        start();
        for (size_t i = 1; i < ELEMENTSOF(commands); i++) {
                shell(commands[i]);
                ck_assert_msg(changes() >= 1, "%s", commands[i]);
                ck_assert_msg(changes() == 0, "goes on after: %s", commands[i]);
                ck_assert_int_eq(configwatch_error(watch), 0);
        }
}
END_TEST

/* A directory that becomes readable later, as it can happen to the service, which is not root. */
START_TEST(test_directory_becomes_readable) {
        if (geteuid() != 0)
                return; /* root may read everything and has to change its user; others cannot. CI
                           runs as root. */
        test_mkdir(ETC "/services.d");
        shell("chmod 755 . && chmod 700 " ETC);
        ck_assert_int_eq(seteuid(65534), 0);
        start();
        ck_assert_int_eq(seteuid(0), 0);
        shell("chmod 755 " ETC);
        ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_uint_ge(changes(), 1);
        ck_assert_int_eq(seteuid(0), 0);
        shell("echo >" INI);
        ck_assert_uint_eq(changes(), 1);
}
END_TEST

static void private_mounts(void) {
        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

/* That no watch can be made is reported, so that nobody waits for a reload that will not come. */
START_TEST(test_limit_is_reported) {
        struct rlimit limit;

        if (geteuid() == 0) /* CI runs as root */
                private_mounts();
        test_mkdir(ETC "/services.d");
        start();
        ck_assert_int_eq(configwatch_error(watch), 0);
        watch = configwatch_free(watch);

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = 3;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        start();
        ck_assert_int_eq(configwatch_error(watch), -EMFILE);
        limit.rlim_cur = limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(configwatch_renew(watch), 0);
        ck_assert_int_eq(configwatch_error(watch), 0);
        shell("echo >" INI);
        ck_assert_uint_eq(changes(), 1);
        if (geteuid() != 0)
                return;
        shell("mount --bind " ETC " " ETC "/services.d");
        ck_assert_uint_ge(changes(), 1);
        shell("umount " ETC "/services.d");
}
END_TEST

START_TEST(test_all_places) {
        static const char *const places[] = {"etc", "run", "usr/lib"};

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                char command[TEST_PATH_MAX];

                (void) snprintf(command, sizeof(command), "mkdir -p %s/wslbridge/services.d",
                                places[i]);
                shell(command);
        }
        start();
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                char file[64];

                (void) snprintf(file, sizeof(file), "%s/wslbridge/services.d/a.ini", places[i]);
                test_write(file, "\n", 1, 0644);
                ck_assert_uint_eq(changes(), 1);
        }
}
END_TEST

/* A folder, a file in it and the folder above can be mounted over. */
START_TEST(test_mounts) {
        static const char *const commands[] = {
                "mount --bind other " ETC "/services.d",
                "umount " ETC "/services.d",
                "mount --bind other/web.ini " INI,
                "umount " INI,
                "mount -t tmpfs none etc",
                "umount etc",
        };

        if (geteuid() != 0)
                return; /* CI runs as root */
        private_mounts();
        test_mkdir(ETC "/services.d");
        test_mkdir("other");
        shell("echo >other/web.ini; echo >" INI);
        start();
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                shell(commands[i]);
                ck_assert_msg(changes() >= 1, "%s", commands[i]);
                ck_assert_msg(changes() == 0, "goes on after: %s", commands[i]);
        }
        shell("mount --bind other other"); /* somewhere else */
        ck_assert_uint_eq(changes(), 0);
        shell("umount other && echo >>" INI);
        ck_assert_uint_eq(changes(), 1);
}
END_TEST

START_TEST(test_root_through_a_link) {
        shell("mkdir -p real/" ETC "/services.d && ln -s real/etc etc");
        start();
        shell("echo >real/" INI);
        ck_assert_uint_eq(changes(), 1);
}
END_TEST

/* A queue that overflows says only that something was lost, which counts as a change. */
START_TEST(test_overflow_is_a_change) {
        unsigned limit = 0;
        FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%u", &limit), 1);
        (void) fclose(f);
        test_mkdir(ETC "/services.d");
        test_write(ETC "/services.d/a.txt", "", 0, 0644);
        test_write(ETC "/services.d/b.txt", "", 0, 0644);
        start();
        /* Two names in turn, because equal events in a row are merged. Neither is configuration. */
        for (unsigned i = 0; i < limit / 2 + 16; i++) {
                ck_assert_int_eq(chmod(test_path(ETC "/services.d/a.txt"), 0644), 0);
                ck_assert_int_eq(chmod(test_path(ETC "/services.d/b.txt"), 0644), 0);
        }
        ck_assert_uint_ge(changes(), 1);
        shell("echo >" INI);
        ck_assert_uint_eq(changes(), 1);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("configwatch");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_every_change_is_reported);
        tcase_add_test(t, test_unfinished_file_waits_for_its_end);
        tcase_add_test(t, test_file_that_gets_its_name_at_the_end);
        tcase_add_test(t, test_many_unfinished_files);
        tcase_add_test(t, test_directories_come_and_go);
        tcase_add_test(t, test_something_else_in_its_place);
        tcase_add_test(t, test_directory_becomes_readable);
        tcase_add_test(t, test_limit_is_reported);
        tcase_add_test(t, test_all_places);
        tcase_add_test(t, test_mounts);
        tcase_add_test(t, test_root_through_a_link);
        tcase_add_test(t, test_overflow_is_a_change);
        return test_run(t, "configwatch");
}
