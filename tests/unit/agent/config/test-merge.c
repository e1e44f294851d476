/* SPDX-License-Identifier: MIT */

/*
 * What is in force, by what was in force before and what the files say now. test-load.c tests
 * clashes of endpoints at the start, test-merge-limits.c the limits on all services together.
 */

#include "agent/config/merge.h"

#include "tests/unit/agent/config/config-testing.h"

static ConfigDrafts drafts;
static ConfigBuilder builder;
static ConfigProblems problems;

static void setup(void) {
        drafts = (ConfigDrafts){.services.config = calloc(1, sizeof(Config))};
        builder = (ConfigBuilder){.config = calloc(1, sizeof(Config))};
        problems = CONFIG_PROBLEMS_NULL;
}

static void teardown(void) {
        config_drafts_done(&drafts);
        config_builder_done(&builder);
        config_problems_done(&problems);
}

static void merge(void) {
        config_builder_done(&builder);
        config_problems_done(&problems);
        builder.config = calloc(1, sizeof(Config));
        ck_assert_int_eq(config_merge(&drafts, NULL, &builder, &problems), 0);
}

/* Ports of services a, b and c, one letter each: '-' no file, '!' a broken one, 'o' one that is
 * turned off, a digit the port it wants. In force: the same, and '!' before a digit or 'o' for what
 * a file said before. */
#define N_NAMES 3

static void draft_of(const char *text, ConfigDrafts *d) {
        static const char *const names[] = {"a", "b", "c"};

        for (size_t i = 0; i < N_NAMES; i++) {
                static ServiceFile service;
                char c = text[i], file[16];

                if (c == '-')
                        continue;
                service = (ServiceFile){.enabled = c != 'o',
                                        .n_listens = 1,
                                        .listen_lines = {2},
                                        .listens = {{.addr = ip_v4(0, 0, 0, 0),
                                                     .port = (uint16_t) (80 + c - '0'),
                                                     .count = 1,
                                                     .connect_port = 1}}};
                (void) snprintf(file, sizeof(file), "%s.ini", names[i]);
                ck_assert_int_eq(config_drafts_add(d, names[i], file, c == '!' ? NULL : &service),
                                 0);
        }
}

static void show(const Config *c, char *ret_text) {
        for (char name = 'a'; name < 'a' + N_NAMES; name++) {
                const ConfigService *s = config_find(c, (char[]){name, '\0'});

                if (s && s->broken)
                        *ret_text++ = '!';
                *ret_text++ = !s           ? '-'
                              : s->enabled ? (char) ('0' - 80 + c->wire.listens[s->wire].port)
                                           : 'o';
        }
        *ret_text = '\0';
}

static const struct StepCase {
        const char *was, *is, *in_force;
        const char *problems[EXPECTED_MAX];
} steps[] = {
        /* Closing: whatever else is broken. */
        {"1--", "---", "---", {NULL}},
        {"1--", "o--", "o--", {NULL}},
        {"12-", "o!-", "o!2-", {NULL}},
        {"12-", "-!-", "-!2-", {NULL}},
        {"123", "!o-", "!1o-", {NULL}},
        /* A broken file keeps what it had; the others go on. */
        {"---", "!1-", "-1-", {NULL}},
        {"1--", "!2-", "!12-", {NULL}},
        {"o--", "!1-", "!o1-", {NULL}},
        {"12-", "!3-", "!13-", {NULL}},
        {"12-", "!!3", "!1!23", {NULL}},
        /* A newcomer does not take what another one has, whatever their names are. */
        {"-1-", "11-", "-1-", {"a.ini:2: listen: 0.0.0.0:81 is taken by b.ini:2; change"}},
        {"1--", "11-", "1--", {"b.ini:2: listen: 0.0.0.0:81 is taken by a.ini:2"}},
        {"-1-",
         "1!-",
         "-!1-",
         {"a.ini:2: listen: 0.0.0.0:81 is still in force for b.ini, which has a problem"}},
        {"o1-", "11-", "!o1-", {"a.ini:2: listen: 0.0.0.0:81 is taken by b.ini:2"}},
        /* Two newcomers: the first by name. */
        {"---", "11-", "1--", {"b.ini:2: listen: 0.0.0.0:81 is taken by a.ini:2"}},
        {"--2", "11-", "1--", {"b.ini:2: "}},
        /* What somebody gives up, another one gets. */
        {"1--", "21-", "21-", {NULL}},
        {"1--", "o1-", "o1-", {NULL}},
        {"1--", "-1-", "-1-", {NULL}},
        {"12-", "21-", "21-", {NULL}},
        {"123", "231", "231", {NULL}},
        /* Who clashes with what it wants gives up nothing, so nobody gets it. */
        {"12-", "22-", "!12-", {"a.ini:2: listen: 0.0.0.0:82 is taken by b.ini:2"}},
        {"1-2",
         "212",
         "!1-2",
         {"a.ini:2: listen: 0.0.0.0:82 is taken by c.ini:2",
          "b.ini:2: listen: 0.0.0.0:81 is still in force for a.ini, which has a problem"}},
        {"123",
         "322",
         "!12!3",
         {"a.ini:2: listen: 0.0.0.0:83 is still in force for c.ini",
          "c.ini:2: listen: 0.0.0.0:82 is taken by b.ini:2"}},
        {"12-",
         "2!-",
         "!1!2-",
         {"a.ini:2: listen: 0.0.0.0:82 is still in force for b.ini, which has a problem"}},
        /* Two that want the same free one: the first by name. */
        {"12-", "33-", "3!2-", {"b.ini:2: listen: 0.0.0.0:83 is taken by a.ini:2"}},
};

START_TEST(what_was_and_what_is) {
        const struct StepCase *c = &steps[_i];
        ConfigDrafts then = {.services.config = calloc(1, sizeof(Config))};
        ConfigBuilder next = {.config = calloc(1, sizeof(Config))};
        char name[32], text[2 * N_NAMES + 1];

        draft_of(c->was, &drafts);
        merge();
        ck_assert_uint_eq(problems.n, 0);
        draft_of(c->is, &then);
        ck_assert_int_eq(config_merge(&then, builder.config, &next, &problems), 0);
        (void) snprintf(name, sizeof(name), "%s to %s", c->was, c->is);
        show(next.config, text);
        ck_assert_msg(strcmp(text, c->in_force) == 0, "%s: %s", name, text);
        config_problems_sort(&problems);
        check_problems(name, problems.items, problems.n, c->problems);
        config_drafts_done(&then);
        config_builder_done(&next);
}
END_TEST

/* All sets of files on three names and two ports, after all that can have been in force: what the
 * rules of merge.h say for each file, whichever way it came about. */
START_TEST(every_pair_of_sets_keeps_the_rules) {
        static const char letters[] = "-!o12";
        enum { N = 5 * 5 * 5 };

        for (unsigned k = 0; k < N * N; k++) {
                unsigned rest = k;
                char was[N_NAMES + 1] = "", is[N_NAMES + 1] = "", name[32];
                ConfigDrafts first = {.services.config = calloc(1, sizeof(Config))};
                ConfigDrafts then = {.services.config = calloc(1, sizeof(Config))};
                ConfigBuilder before = {.config = calloc(1, sizeof(Config))};
                ConfigBuilder next = {.config = calloc(1, sizeof(Config))};
                bool clean;

                for (unsigned i = 0; i < 2 * N_NAMES; i++, rest /= 5)
                        (i < N_NAMES ? was : is)[i % N_NAMES] = letters[rest % 5];
                (void) snprintf(name, sizeof(name), "%s to %s", was, is);
                draft_of(was, &first);
                ck_assert_int_eq(config_merge(&first, NULL, &before, &problems), 0);
                config_problems_done(&problems);
                draft_of(is, &then);
                ck_assert_int_eq(config_merge(&then, before.config, &next, &problems), 0);
                clean = problems.n == 0;
                for (unsigned i = 0; i < N_NAMES; i++) {
                        const char service[] = {(char) ('a' + i), '\0'};
                        const ConfigService *old = config_find(before.config, service);
                        const ConfigService *new = config_find(next.config, service);
                        unsigned had = old && old->enabled
                                               ? before.config->wire.listens[old->wire].port
                                               : 0;
                        unsigned has =
                                new &&new->enabled ? next.config->wire.listens[new->wire].port : 0;
                        unsigned wants =
                                is[i] >= '0' && is[i] <= '9' ? 80u + (unsigned) is[i] - '0' : 0;

                        if (is[i] == '-' || is[i] == 'o')
                                ck_assert_msg(has == 0, "%s: %s is open", name, service);
                        else if (is[i] == '!')
                                ck_assert_msg(has == had, "%s: %s changed", name, service);
                        else
                                ck_assert_msg(has == wants || (has == had && !clean),
                                              "%s: %s has %u", name, service, has);
                        if (had != 0 && wants == had)
                                ck_assert_msg(has == had, "%s: %s lost its port", name, service);
                        for (unsigned j = 0; has != 0 && j < i; j++) {
                                const char other[] = {(char) ('a' + j), '\0'};
                                const ConfigService *s = config_find(next.config, other);

                                ck_assert_msg(!s || !s->enabled ||
                                                      next.config->wire.listens[s->wire].port !=
                                                              has,
                                              "%s: %u twice", name, has);
                        }
                }
                config_problems_done(&problems);
                config_drafts_done(&first);
                config_drafts_done(&then);
                config_builder_done(&before);
                config_builder_done(&next);
        }
}
END_TEST

/* A service that only changes something else keeps its port, although another one wants it and
 * comes first by name. */
START_TEST(who_changes_keeps_the_ports_it_still_wants) {
        static ServiceFile service;
        ConfigDrafts then = {.services.config = calloc(1, sizeof(Config))};
        ConfigBuilder next = {.config = calloc(1, sizeof(Config))};
        const WireListen range = {.addr = ip_v4(0, 0, 0, 0), .port = 80, .count = 3};

        draft_of("12-", &drafts);
        merge();
        service = (ServiceFile){.enabled = true, .n_listens = 1, .listens = {range}};
        draft_of("2--", &then);
        ck_assert_int_eq(config_drafts_add(&then, "b", "b.ini", &service), 0);
        ck_assert_int_eq(config_merge(&then, builder.config, &next, &problems), 0);
        check_problems("range", problems.items, problems.n,
                       (const char *[]){"a.ini:2: listen: 0.0.0.0:82 is taken by b.ini:0",
                                        "b.ini: listen: 0.0.0.0:81 is still in force for a.ini",
                                        NULL});
        config_drafts_done(&then);
        config_builder_done(&next);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-merge");
        TCase *tcase = tcase_create("steps");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60); /* all pairs of sets, on a busy machine */
        tcase_add_loop_test(tcase, what_was_and_what_is, 0, (int) ELEMENTSOF(steps));
        tcase_add_test(tcase, every_pair_of_sets_keeps_the_rules);
        tcase_add_test(tcase, who_changes_keeps_the_ports_it_still_wants);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
