/* SPDX-License-Identifier: MIT */

/* What the records of status.json mean. */

#include "tests/suite.h"
#include "windows-helper/core/status/read.h"

#include <string.h>

static unsigned n_agents, n_asked;

static void on_record(void *userdata, StatusKind kind, const StatusRecord *record) {
        if (kind != STATUS_AGENT)
                return;
        n_agents++;
        n_asked += status_agent_has_asked(record);
        ck_assert_int_eq(status_agent_has_asked(record),
                         strcmp(status_field(record, "agent"), "new") != 0);
}

/* The helper writes the file when an agent connects, and may write it again much later. */
START_TEST(test_an_agent_that_has_not_asked_yet) {
        static const char json[] =
                "{\"schema\": 1, \"agents\": ["
                "{\"agent\": \"new\", \"state\": \"connected\", \"address\": null, \"mode\": null},"
                "{\"agent\": \"none\", \"state\": \"connected\", \"address\": null, \"mode\": "
                "\"nat\"},"
                "{\"agent\": \"one\", \"address\": \"172.28.64.10\", \"mode\": \"nat\"}]}";

        ck_assert_int_eq(status_read(json, sizeof(json) - 1, on_record, NULL), 0);
        ck_assert_uint_eq(n_agents, 3);
        ck_assert_uint_eq(n_asked, 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("read");
        TCase *tc = tcase_create("read");

        tcase_add_test(tc, test_an_agent_that_has_not_asked_yet);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
