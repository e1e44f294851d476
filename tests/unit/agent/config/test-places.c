/* SPDX-License-Identifier: MIT */

/*
 * Names that were probably meant as configuration, names that are there on purpose, and places that
 * the service cannot see.
 */

#include "agent/config/places.h"
#include "agent/config/problem.h"

#include "agent/config/config.h"
#include "agent/util/cleanup.h"
#include "tests/suite.h"

#include <check.h>
#include <string.h>

static const struct NameCase {
        const char *name;
        const char *says; /* part of what to do; NULL: on purpose */
} in_services[] =
        {
                {"ssh", "rename"},
                {"ssh.txt", "rename"},
                {"ssh.yaml", "rename"},
                {"ssh.conf", "rename"},
                {"SSH.INI", "rename"},
                {"ssh.ini.txt", "rename"},
                {"ssh.Conf", "rename"},
                {"desktop.inf", "rename"},
                {"web - Copy.txt", "rename"},
                {"README", NULL},
                {"README.txt", NULL},
                {"readme.md", NULL},
                {"ssh.ini~", NULL},
                {"ssh.ini.bak", NULL},
                {"ssh.ini.orig", NULL},
                {"ssh.ini.rpmnew", NULL},
                {"ssh.ini.swp", NULL},
                {".ssh.conf", NULL},
                {"#ssh.ini#", NULL},
                {"ssh.ini.disabled", NULL},
                {"ssh.ini.dpkg-dist", NULL},
                {"ssh.ini.new", NULL},
                {"", NULL},
},
  in_main[] = {
          {"service.d", "'services.d'"},
          {"services", "'services.d'"},
          {"Services.d", "'services.d'"},
          {"service", "'services.d'"},
          {"agent.conf.txt", "'agent.conf'"},
          {"Agent.conf", "'agent.conf'"},
          {"agent.ini", "'agent.conf'"},
          {"agent.yaml", "'agent.conf'"},
          {"agent.cfg", "'agent.conf'"},
          {"agnet.conf", "'agent.conf'"},
          {"ssh.ini", "move the file there"},
          {"ssh.INI", "move the file there"},
          {"agent.conf", NULL},
          {"services.d", NULL},
          {"key", NULL},
          {"key.old", NULL},
          {"agent.conf~", NULL},
          {"agent.conf.bak", NULL},
          {"agent.conf.dpkg-old", NULL},
          {"README", NULL},
          {".", NULL},
          {"..", NULL},
          {"agent", NULL},
          {"status.json", NULL},
          {"services.lock", NULL},
          {".agent.conf.swp", NULL},
};

static void expect(const struct NameCase *c, const char *text) {
        ck_assert_msg(!c->says == !text && (!text || strstr(text, c->says)), "%s: %s", c->name,
                      text ? text : "on purpose");
}

START_TEST(beside_services) {
        for (size_t i = 0; i < ELEMENTSOF(in_services); i++)
                expect(&in_services[i], near_miss_of_service(in_services[i].name));
}
END_TEST

START_TEST(beside_the_folder) {
        for (size_t i = 0; i < ELEMENTSOF(in_main); i++) {
                char text[64];

                expect(&in_main[i], near_miss_of_main(in_main[i].name, text, sizeof(text)));
        }
}
END_TEST

/* Somebody may put agent.conf into the folder of the services. */
START_TEST(files_of_the_same_name) {
        static const struct {
                const char *file, *in_force;
                bool agent, folder;
        } table[] = {
                {"/etc/wslbridge/agent.conf", "the defaults are in force", true, false},
                {"/usr/lib/wslbridge/agent.conf", "the defaults are in force", true, false},
                {"/run/wslbridge/services.d", "it is left out", false, true},
                {"/etc/wslbridge/services.d/agent.conf", "it is left out", false, false},
                {"/etc/wslbridge/services.d/services.d", "it is left out", false, false},
                {"/etc/wslbridge/agent.conf.txt", "it is left out", false, false},
                {"/srv/agent.conf", "it is left out", false, false},
                {"", "it is left out", false, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *file = table[i].file;

                ck_assert_msg(is_config_path(file, CONFIG_AGENT_FILE) == table[i].agent, "%s",
                              file);
                ck_assert_msg(is_config_path(file, CONFIG_SERVICE_DIR) == table[i].folder, "%s",
                              file);
                ck_assert_str_eq(config_in_force_text(file, false), table[i].in_force);
                ck_assert_str_eq(config_in_force_text(file, true),
                                 "what it said before stays in force");
        }
}
END_TEST

START_TEST(hidden_from_the_service) {
        static const char *const hidden[] = {"/home", "/run/user/5/x", "/mnt/c/x", "/tmp/x",
                                             "/var/tmp/x"};
        static const char *const seen[] = {"/homes/a", "/etc/x", "/var/x", "/mntx", "/opt/mnt/x"};

        for (size_t i = 0; i < ELEMENTSOF(hidden); i++)
                ck_assert_ptr_nonnull(service_hides(hidden[i]));
        for (size_t i = 0; i < ELEMENTSOF(seen); i++)
                ck_assert_ptr_null(service_hides(seen[i]));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-places");
        TCase *tcase = tcase_create("names");

        tcase_add_test(tcase, beside_services);
        tcase_add_test(tcase, beside_the_folder);
        tcase_add_test(tcase, files_of_the_same_name);
        tcase_add_test(tcase, hidden_from_the_service);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
