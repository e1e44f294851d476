/* SPDX-License-Identifier: MIT */

/*
 * Loading a whole tree: which files count, what can be wrong with a file before its first byte is
 * read, and what can be wrong between files. Each test builds a root of its own.
 */

#include "agent/config/config.h"

#include "tests/unit/agent/config/config-testing.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#define ETC      "/etc/wslbridge/services.d"
#define RUN      "/run/wslbridge/services.d"
#define LIB      "/usr/lib/wslbridge/services.d"
#define GOOD_80  "[service]\nlisten = 80\n"
#define GOOD_443 "[service]\nlisten = 443\n"

static char root[64];
static Config *config;

/* A path below the root; it is valid until the call after the next one. */
static const char *below(const char *path) {
        static char texts[2][PATH_MAX];
        static unsigned i;

        i = !i;
        (void) snprintf(texts[i], sizeof(texts[i]), "%s%s", root, path);
        return texts[i];
}

static void make_dirs(const char *path) {
        char copy[PATH_MAX];

        (void) snprintf(copy, sizeof(copy), "%s", below(path));
        for (char *p = copy + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                (void) mkdir(copy, 0755);
                *p = '/';
        }
}

static void put_bytes(const char *path, const char *content, size_t n) {
        FILE *file;

        make_dirs(path);
        file = fopen(below(path), "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(content, 1, n, file), n);
        ck_assert_int_eq(fclose(file), 0);
}

static void put(const char *path, const char *content) {
        put_bytes(path, content, strlen(content));
}

static void put_link(const char *path, const char *target) {
        make_dirs(path);
        ck_assert_int_eq(symlink(target, below(path)), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void setup(void) {
        (void) snprintf(root, sizeof(root), "/tmp/wslbridge-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        ck_assert_int_eq(chmod(root, 0755), 0);
}

static void teardown(void) {
        config = config_free(config);
        ck_assert_int_eq(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Load, and expect these problems and services (names, "-name" for a disabled one). */
static void expect(const char *name, const char *const *problems, const char *const *services) {
        size_t n_enabled = 0;

        config = config_free(config);
        ck_assert_int_eq(config_load(root, &config), 0);
        check_problems(name, config->problems, config->n_problems, problems);
        for (size_t i = 0; i < config->n_services; i++) {
                const ConfigService *s = &config->services[i];
                const char *want = services[i];

                ck_assert_msg(want != NULL, "%s: unexpected service '%s'", name, s->name);
                ck_assert_int_eq(s->enabled, want[0] != '-');
                ck_assert_str_eq(s->name, want[0] == '-' ? want + 1 : want);
                if (s->enabled)
                        ck_assert_str_eq(config->wire.services[n_enabled++].name, s->name);
        }
        ck_assert_msg(!services[config->n_services], "%s: no service '%s'", name,
                      services[config->n_services]);
        ck_assert_uint_eq(config->wire.n_services, n_enabled);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__})
#define NONE      LIST(NULL)

START_TEST(no_file_is_not_a_problem) {
        expect("empty", NONE, NONE);
        ck_assert_int_eq(config->helper.kind, CONFIG_HELPER_VSOCK);
        ck_assert_uint_eq(config->helper.cid, 2);
        ck_assert_uint_eq(config->helper.port, CONFIG_VSOCK_PORT);
        ck_assert_int_eq(config->log_level, LOG_INFO);
        ck_assert_str_eq(config->interface, "");
}
END_TEST

START_TEST(root_that_does_not_exist) {
        char wrong[80];

        (void) snprintf(wrong, sizeof(wrong), "%s/nowhere", root);
        ck_assert_int_eq(config_load(wrong, &config), 0);
        check_problems(
                "root", config->problems, config->n_problems,
                LIST("/tmp/wslbridge-test-...nowhere: cannot be used as the root...--root", NULL));
}
END_TEST

START_TEST(files_become_services_by_name) {
        put("/etc/wslbridge/agent.conf", "[agent]\ninterface = eth1\n");
        put(ETC "/web.ini", "[service]\ndescription = Web\nlisten = 80\nlisten = 8000-8010\n"
                            "remote = 10.0.0.0/8\n");
        put(RUN "/ssh.ini", "[service]\nlisten = 2222\nconnect-port = 22\nfirewall = none\n");
        put(LIB "/a-b.ini", "[service]\nlisten = 9000\nenabled = no\n");
        put(LIB "/a.ini", "[service]\nlisten = 9000\nremote = 192.0.2.1, fd00::/8\n");
        expect("tree", NONE, LIST("a", "-a-b", "ssh", "web", NULL));

        ck_assert_str_eq(config->interface, "eth1");
        ck_assert_str_eq(config->services[3].file, ETC "/web.ini");
        ck_assert_str_eq(config->services[3].description, "Web");
        ck_assert_ptr_null(config->services[2].description);
        ck_assert_uint_eq(config->wire.n_listens, 4);
        ck_assert_uint_eq(config->wire.n_remotes, 3);
        ck_assert_uint_eq(config->wire.services[1].first_listen, 1);
        ck_assert_uint_eq(config->wire.services[1].profiles, 0);
        ck_assert_uint_eq(config->wire.listens[1].connect_port, 22);
        ck_assert_uint_eq(config->wire.services[2].first_listen, 2);
        ck_assert_uint_eq(config->wire.services[2].n_listens, 2);
        ck_assert_uint_eq(config->wire.services[2].first_remote, 2);
        ck_assert_uint_eq(config->wire.services[2].n_remotes, 1);
        ck_assert_uint_eq(config->wire.remotes[2].length, 8);
}
END_TEST

START_TEST(earlier_folder_wins) {
        put(LIB "/web.ini", "[service]\nlisten = 1\n");
        expect("lib", NONE, LIST("web", NULL));
        put(RUN "/web.ini", "[service]\nlisten = 2\n");
        expect("run over lib", NONE, LIST("web", NULL));
        ck_assert_uint_eq(config->wire.listens[0].port, 2);
        put(ETC "/web.ini", "[service]\nlisten = 3\n");
        expect("etc over run", NONE, LIST("web", NULL));
        ck_assert_uint_eq(config->wire.listens[0].port, 3);
        ck_assert_str_eq(config->services[0].file, ETC "/web.ini");
}
END_TEST

START_TEST(masks) {
        put(LIB "/linked.ini", GOOD_80);
        put(LIB "/emptied.ini", "not even correct");
        put(LIB "/kept.ini", GOOD_443);
        put_link(ETC "/linked.ini", "/dev/null");
        put(RUN "/emptied.ini", "");
        expect("masks", NONE, LIST("kept", NULL));
}
END_TEST

START_TEST(agent_conf_has_the_same_precedence) {
        put("/usr/lib/wslbridge/agent.conf", "[agent]\ninterface = lib0\n");
        expect("lib", NONE, NONE);
        ck_assert_str_eq(config->interface, "lib0");
        put("/run/wslbridge/agent.conf", "[agent]\ninterface = run0\n");
        expect("run", NONE, NONE);
        ck_assert_str_eq(config->interface, "run0");
        put_link("/etc/wslbridge/agent.conf", "/dev/null");
        expect("masked", NONE, NONE);
        ck_assert_str_eq(config->interface, "");
}
END_TEST

START_TEST(other_files_are_ignored) {
        static const char *const names[] = {
                "README",     "web.ini~",     "web.ini.bak",    "web.ini.swp",
                ".web.ini",   "#web.ini#",    "web.ini.rpmnew", "web.ini.dpkg-dist",
                "README.txt", "web.ini.orig", "readme.md",      "web.ini.disabled",
        };

        put(ETC "/web.ini", GOOD_80);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char path[128];

                (void) snprintf(path, sizeof(path), ETC "/%s", names[i]);
                put(path, "[service\n");
        }
        put(ETC "/dir.conf/x", "");
        put_link(ETC "/.#web.ini", "user@host.1234"); /* lock of an editor: dangling */
        expect("ignored", NONE, LIST("web", NULL));
}
END_TEST

START_TEST(near_misses_are_reported) {
        put(ETC "/a.conf", GOOD_80);
        put(ETC "/b.INI", GOOD_80);
        put(ETC "/c.ini.txt", GOOD_80);
        put("/etc/wslbridge/ssh.ini", GOOD_80);
        put("/run/wslbridge/service.d/ssh.ini", GOOD_80);
        put(ETC "/my web.ini", GOOD_80);
        put(ETC "/-x.ini", GOOD_80);
        put(ETC "/b\xe4r\n.ini", GOOD_80);
        expect("near misses",
               LIST(ETC "/-x.ini: the part before '.ini' cannot name a service...rename the file",
                    ETC "/a.conf: is not read, because its name does not end in '.ini'; rename",
                    ETC "/b.INI: is not read", ETC "/b\\xe4r\\x0a.ini: the part before",
                    ETC "/c.ini.txt: is not read", ETC "/my web.ini: the part before",
                    "/etc/wslbridge/ssh.ini: is not read, because services belong to the folder",
                    "/run/wslbridge/service.d: is not read; did you mean 'services.d'?", NULL),
               NONE);
}
END_TEST

START_TEST(things_that_are_not_files) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd;

        put(ETC "/dir.ini/x", "");
        ck_assert_int_eq(mkfifo(below(ETC "/fifo.ini"), 0644), 0);
        put_link(ETC "/gone.ini", "../gone\n");
        put_link(ETC "/loop.ini", "loop.ini");
        put_link(ETC "/zero.ini", "/dev/zero");
        put_link(ETC "/linked.ini", "../web.txt");
        put("/etc/wslbridge/web.txt", GOOD_80);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", below(ETC "/sock.ini"));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        (void) close(fd);
        expect("no files",
               LIST(ETC "/dir.ini: is a directory; remove it, or put a text file there",
                    ETC "/fifo.ini: is not a regular file; remove it",
                    ETC "/gone.ini: is a link to '../gone\\x0a', which does not exist; remove the "
                        "link, or point it to /dev/null to turn the file off",
                    ETC "/loop.ini: is a link that leads back to itself; remove it",
                    ETC "/sock.ini: is not a regular file; remove it",
                    ETC "/zero.ini: is not a regular file; remove it", NULL),
               LIST("linked", NULL));
}
END_TEST

START_TEST(folder_that_is_not_one) {
        put(ETC, "a file");
        put_link("/etc/wslbridge/agent.conf", "nowhere");
        put_link(RUN, "nowhere");
        put(LIB "/web.ini", GOOD_80);
        expect("folder",
               LIST("/etc/wslbridge/agent.conf: is a link to 'nowhere'",
                    ETC ": cannot be listed: Not a directory; correct",
                    RUN ": is a link to a folder that does not exist; correct or remove",
                    LIB "/web.ini: is not read, because a folder that cannot be listed may have a "
                        "file of this name",
                    NULL),
               NONE);
}
END_TEST

/* The folder has a mask, and then it cannot be listed any more. What the mask turns off stays off,
 * and what nothing has turned off stays on. */
START_TEST(mask_in_a_folder_that_cannot_be_listed) {
        Config *next;

        put_link(ETC "/off.ini", "/dev/null");
        put(LIB "/off.ini", GOOD_443);
        put(LIB "/on.ini", GOOD_80);
        expect("listed", NONE, LIST("on", NULL));
        ck_assert_int_eq(rename(below(ETC), below(ETC ".away")), 0);
        put(ETC, "a file");
        ck_assert_int_eq(config_reload(root, config, &next), 0);
        ck_assert_uint_eq(next->n_services, 1);
        ck_assert_str_eq(next->services[0].name, "on");
        ck_assert(config_has_problem(next, LIB "/off.ini"));
        config_free(next);
}
END_TEST

START_TEST(unreadable_file) {
        bool privileged = geteuid() == 0;

        put(ETC "/secret.ini", GOOD_80);
        put(ETC "/web.ini", GOOD_443);
        ck_assert_int_eq(chmod(below(ETC "/secret.ini"), 0), 0);
        if (privileged)
                ck_assert_int_eq(seteuid(65534), 0); /* root may read everything */
        expect("unreadable",
               LIST(ETC "/secret.ini: cannot be read: Permission denied; correct its owner, mode",
                    NULL),
               LIST("web", NULL));
        if (privileged) {
                ck_assert_int_eq(seteuid(0), 0);
                /* The leak checker at exit needs this, and a change of user takes it away. */
                ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
        }
}
END_TEST

START_TEST(file_size) {
        char *content = malloc(CONFIG_FILE_MAX + 1);

        memset(content, '\n', CONFIG_FILE_MAX + 1);
        memcpy(content, GOOD_80, strlen(GOOD_80));
        put_bytes(ETC "/fits.ini", content, CONFIG_FILE_MAX);
        put_bytes(ETC "/over.ini", content, CONFIG_FILE_MAX + 1);
        free(content);
        expect("size", LIST(ETC "/over.ini: has more than 65536 bytes; shorten it", NULL),
               LIST("fits", NULL));
}
END_TEST

/* A file with a problem is left out, all of it and all its problems are reported, and the other
 * files count. */
START_TEST(bad_file_harms_no_other) {
        put("/etc/wslbridge/agent.conf", "[agent]\nlog-level = loud\ninterface = eth0\n");
        put(ETC "/bad.ini", "[service]\nlisten = 80\nlisten = 0\nfirewall = home\n");
        put(ETC "/good.ini", GOOD_80);
        put(LIB "/bad.ini", GOOD_443); /* masked, although the file has a problem */
        expect("bad file",
               LIST("/etc/wslbridge/agent.conf:2: log-level: 'loud'",
                    ETC "/bad.ini:3: listen: there is no port 0",
                    ETC "/bad.ini:4: firewall: 'home'", NULL),
               LIST("good", NULL));
        ck_assert_str_eq(config->interface, ""); /* never half of a file */
        ck_assert(config->agent_broken);
}
END_TEST

START_TEST(clashes_between_files) {
        put(ETC "/a.ini", "[service]\nlisten = 80\nlisten = 8000-8010\nlisten = [::]:443\n");
        put(RUN "/b.ini", "[service]\n\nlisten = 0.0.0.0:80\nlisten = 8010-8020\n");
        put(LIB "/c.ini", "[service]\nlisten = [0::0]:443\n");
        put(ETC "/d.ini", "[service]\nlisten = 127.0.0.1:80\nlisten = 443\nlisten = 8011\n");
        put(ETC "/e.ini", "[service]\nlisten = 80\nenabled = no\n");
        put(ETC "/f.ini", "[service]\nlisten = 7990-8012\n");
        expect("clashes",
               LIST(ETC "/f.ini:2: listen: 0.0.0.0:8000 is taken by " ETC "/a.ini:3",
                    RUN "/b.ini:3: listen: 0.0.0.0:80 is taken by " ETC
                        "/a.ini:2; change one of the two, or turn one off with 'enabled = no'",
                    RUN "/b.ini:4: listen: 0.0.0.0:8010 is taken by " ETC "/a.ini:3",
                    LIB "/c.ini:2: listen: [::]:443 is taken by " ETC "/a.ini:4", NULL),
               /* d gets 8011, because b, which wanted it first, is left out. */
               LIST("a", "d", "-e", NULL));
}
END_TEST

START_TEST(endpoints_in_total) {
        put(ETC "/a.ini", "[service]\nlisten = 1-16000\n");
        put(ETC "/b.ini", "[service]\nlisten = 20000-20384\n");
        put(ETC "/c.ini", "[service]\nlisten = 30000-30383\n");
        put(ETC "/d.ini", "[service]\nlisten = 40000\n");
        put(ETC "/e.ini", "[service]\nlisten = 1\nenabled = no\n");
        expect("endpoints",
               LIST(ETC "/b.ini: listen: with this service there would be 16385 endpoints...the "
                        "limit is 16384; narrow ranges, or turn services off",
                    ETC "/d.ini: listen: with this service there would be 16385", NULL),
               LIST("a", "c", "-e", NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-load");
        TCase *tcase = tcase_create("tree");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, no_file_is_not_a_problem);
        tcase_add_test(tcase, root_that_does_not_exist);
        tcase_add_test(tcase, files_become_services_by_name);
        tcase_add_test(tcase, earlier_folder_wins);
        tcase_add_test(tcase, masks);
        tcase_add_test(tcase, agent_conf_has_the_same_precedence);
        tcase_add_test(tcase, other_files_are_ignored);
        tcase_add_test(tcase, near_misses_are_reported);
        tcase_add_test(tcase, things_that_are_not_files);
        tcase_add_test(tcase, folder_that_is_not_one);
        tcase_add_test(tcase, mask_in_a_folder_that_cannot_be_listed);
        tcase_add_test(tcase, unreadable_file);
        tcase_add_test(tcase, file_size);
        tcase_add_test(tcase, bad_file_harms_no_other);
        tcase_add_test(tcase, clashes_between_files);
        tcase_add_test(tcase, endpoints_in_total);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
