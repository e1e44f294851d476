/* SPDX-License-Identifier: MIT */

/*
 * Claim: a link to what the sandbox of the service hides is reported with that cause, however the
 * link is written. In this root nothing is where it leads, as the agent sees it in its own /tmp.
 */

#include "agent/config/config.h"

#include "tests/unit/agent/config/config-testing.h"
#include "tests/unit/agent/testing.h"

#define MAIN "/etc/wslbridge"
#define ETC  MAIN "/services.d"
#define RUN  "/run/wslbridge/services.d"

#define IS_HIDDEN                                                                                  \
        ", which the agent cannot read: No such file or directory. As a service it has no access " \
        "to "

static const struct {
        const char *file, *target, *problem;
} links[] = {
        {ETC "/web.ini", "/mnt/c/web.ini",
         ": is a link to '/mnt/c/web.ini'" IS_HIDDEN "/mnt, where"},
        {ETC "/web.ini", "../../../mnt/c/web.ini",
         ": is a link to '../../../mnt/c/web.ini'" IS_HIDDEN "/mnt, where"},
        {ETC "/web.ini", "../other", ": is a link to '../other'" IS_HIDDEN "/tmp"},
        {ETC "/web.ini", "../../../mnts/web.ini",
         ": is a link to '../../../mnts/web.ini', which does not exist"},
        {MAIN "/agent.conf", "../../run/user/5/agent.conf",
         ": is a link to '../../run/user/5/agent.conf'" IS_HIDDEN "home directories"},
        {RUN, "../../mnt/c/services.d",
         ": is a link to a folder that the agent cannot list: No such file or directory. As a "
         "service it has no access to /mnt, where...copy the folder"},
        {RUN, "../../opt/services.d", ": is a link to a folder that does not exist"},
};

START_TEST(test_links_to_what_the_sandbox_hides) {
        char expected[512];
        Config *config;

        test_mkdir("etc/wslbridge/services.d");
        test_mkdir("run/wslbridge");
        ck_assert_int_eq(symlink("../../tmp/web.ini", test_path("etc/wslbridge/other")), 0);
        ck_assert_int_eq(symlink(links[_i].target, test_path(links[_i].file + 1)), 0);
        ck_assert_int_eq(config_load(test_directory, &config), 0);
        (void) snprintf(expected, sizeof(expected), "%s%s", links[_i].file, links[_i].problem);
        check_problems(links[_i].target, config->problems, config->n_problems,
                       (const char *[]){expected, NULL});
        config_free(config);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("links");

        tcase_add_checked_fixture(t, test_setup, test_teardown);
        tcase_add_loop_test(t, test_links_to_what_the_sandbox_hides, 0,
                            sizeof(links) / sizeof(links[0]));
        return test_run(t, "config-links");
}
