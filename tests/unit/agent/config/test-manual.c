/* SPDX-License-Identifier: MIT */

/*
 * The man page (the first argument) describes exactly the keys that the parsers know.
 */

#include "agent/config/agent-file.h"
#include "agent/config/service-file.h"

#include "tests/unit/agent/config/config-testing.h"

#define KNOWN "known keys are: "

static const char *manual_path;
static char documented[1024], known[1024]; /* "key, key, " in the order of the page and the code */

/* Keys are in lines such as ".BI connect\-port= port". */
static void read_manual(void) {
        FILE *file = fopen(manual_path, "re");
        char line[512];

        ck_assert_msg(file != NULL, "no manual page at '%s'", manual_path);
        while (fgets(line, sizeof(line), file)) {
                char *end = strchr(line, '=');

                if (strncmp(line, ".BI ", 4) != 0 || !end)
                        continue;
                *end = '\0';
                for (char *part, *rest = line + 4; (part = strsep(&rest, "\\"));)
                        (void) strcat(documented, part);
                (void) strcat(documented, ", ");
        }
        (void) fclose(file);
}

/* The keys that the message about an unknown key lists. */
static void take_known(ConfigProblems *problems) {
        const char *list = strstr(problems->items[0].message, KNOWN);

        ck_assert_ptr_nonnull(list);
        (void) strcat(strcat(known, list + strlen(KNOWN)), ", ");
        config_problems_done(problems);
}

START_TEST(same_keys) {
        static const char service[] = "[service]\nlisten = 80\nx = 1\n",
                          agent[] = "[agent]\nx = 1\n";
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ServiceFile file;
        Config config = {0};

        config_problems_begin(&problems, "x.ini");
        service_file_parse((const uint8_t *) service, strlen(service), &file, &problems);
        take_known(&problems);
        config_problems_begin(&problems, "agent.conf");
        agent_file_parse((const uint8_t *) agent, strlen(agent), &config, &problems);
        take_known(&problems);
        read_manual();
        ck_assert_str_eq(documented, known);
}
END_TEST

int main(int argc, char **argv) {
        Suite *suite = suite_create("config-manual");
        TCase *tcase = tcase_create("keys");

        manual_path = argc > 1 ? argv[1] : "docs/wslbridge.conf.5";
        tcase_add_test(tcase, same_keys);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
