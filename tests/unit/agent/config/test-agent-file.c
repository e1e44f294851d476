/* SPDX-License-Identifier: MIT */

/* agent.conf: its keys, and the address of the helper as text. */

#include "agent/config/agent-file.h"

#include "tests/unit/agent/config/config-testing.h"

#include <errno.h>
#include <syslog.h>

#define PATH_107 "/" FILL_50 FILL_50 "123456"
#define FILL_50  "xxxxxxxxxxyyyyyyyyyyxxxxxxxxxxyyyyyyyyyyxxxxxxxxxx"

typedef struct AgentCase {
        const char *content;
        const char *interface, *helper;
        int log_level;
        const char *expected[EXPECTED_MAX];
} AgentCase;

#define DEFAULT_HELPER "vsock:2:1465076802"

static const AgentCase agent_cases[] = {
        {"", "", DEFAULT_HELPER, LOG_INFO, {NULL}},
        {"# nothing\n", "", DEFAULT_HELPER, LOG_INFO, {NULL}},
        {"[agent]\n", "", DEFAULT_HELPER, LOG_INFO, {NULL}},
        {"[agent]\ninterface = auto\n", "", DEFAULT_HELPER, LOG_INFO, {NULL}},
        {"[agent]\ninterface=eth0\nhelper = unix:/run/h.sock\nlog-level = warning\n",
         "eth0",
         "unix:/run/h.sock",
         LOG_WARNING,
         {NULL}},
        {"[agent]\nhelper = vsock:3:1\nlog-level = ERROR\n", "", "vsock:3:1", LOG_ERR, {NULL}},
        {"[agent]\nlog-level = err\n", "", DEFAULT_HELPER, LOG_ERR, {NULL}},
        {"[agent]\nlog-level = warn\n", "", DEFAULT_HELPER, LOG_WARNING, {NULL}},
        {"[agent]\nlog-level = warning\n", "", DEFAULT_HELPER, LOG_WARNING, {NULL}},
        {"[agent]\nlog-level = notice\n", "", DEFAULT_HELPER, LOG_NOTICE, {NULL}},
        /* the other keys are read, too, so that each problem is found */
        {"[agent]\ninterface = eth0\nlog-level = verbose\n",
         "eth0",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:3: log-level: 'verbose'...write err, warning, notice or info"}},
        {"[agent]\nlog-level = debug\n", /* no message has that level */
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: log-level: 'debug' is not a log level; write err, warning, notice or info"}},
        {"[agent]\nlog-level = inof\nlog-level = err\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: log-level: 'inof' is not a log level",
          "a.conf:3: log-level: was already given"}},
        {"[agent]\nlog-level = notcie\nlog-leve = info\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: log-level: 'notcie'...did you mean 'notice'?",
          "a.conf:3: log-leve: ...did you mean 'log-level'?"}},
        {"[agent]\ninterface = averylonginterface\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: interface: 'averylonginterface'...one of 'ip link'...or auto"}},
        {"[agent]\ninterface = eth0, eth1\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: interface: "}},
        {"[agent]\ninterface = eth0,eth1\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: interface: 'eth0,eth1' is not one interface; write the name of one"}},
        {"[agent]\ninterface = eth*\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: interface: 'eth*' is not one"}},
        {"[agent]\ninterface = Auto\n", "", DEFAULT_HELPER, LOG_INFO, {NULL}},
        {"[agent]\ninterface = ..\n", "", DEFAULT_HELPER, LOG_INFO, {"a.conf:2: interface: "}},
        {"[agent]\ninterface =\n", "", DEFAULT_HELPER, LOG_INFO, {"a.conf:2: interface: has no v"}},
        {"[agent]\nhelper = tcp:1.2.3.4:80\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: helper: 'tcp:1.2.3.4:80'...write vsock:CID:PORT or unix:/PATH"}},
        {"[service]\nlisten = 80\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:1: unknown section [service]; this file has only [agent]"}},
        {"[agent]\nlisten = 80\n",
         "",
         DEFAULT_HELPER,
         LOG_INFO,
         {"a.conf:2: listen: unknown key; known keys are: interface, helper, log-level"}},
};

START_TEST(settings) {
        const AgentCase *c = &agent_cases[_i];
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        Config config = {0};
        char helper[CONFIG_HELPER_PATH_MAX + 8];

        agent_file_defaults(&config);
        config_problems_begin(&problems, "a.conf");
        agent_file_parse((const uint8_t *) c->content, strlen(c->content), &config, &problems);
        check_problems(c->content, problems.items, problems.n, c->expected);
        config_helper_format(&config.helper, helper, sizeof(helper));
        ck_assert_str_eq(config.interface, c->interface);
        ck_assert_str_eq(helper, c->helper);
        ck_assert_int_eq(config.log_level, c->log_level);
        config_problems_done(&problems);
}
END_TEST

static const char *const helper_good[] = {
        "vsock:2:1465076802", "vsock:0:1", "vsock:4294967294:4294967294", "unix:/a",
        "unix:" PATH_107,
};

START_TEST(helper_is_read_and_written) {
        char text[CONFIG_HELPER_PATH_MAX + 8];
        const char *message;
        ConfigHelper helper;

        ck_assert_int_eq(config_helper_parse(helper_good[_i], &helper, &message), 0);
        config_helper_format(&helper, text, sizeof(text));
        ck_assert_str_eq(text, helper_good[_i]);
}
END_TEST

static const struct {
        const char *text, *message;
} helper_bad[] = {
        {"", "write vsock:CID:PORT or unix:/PATH"},
        {"vsock", "write vsock:CID:PORT or unix:/PATH"},
        {"vsock:", "write vsock:CID:PORT, such as"},
        {"vsock:2", "write vsock:CID:PORT, such as"},
        {"vsock:host:1", "the CID must be a decimal number"},
        {"vsock:-1:1", "the CID must be a decimal number"},
        {"vsock:4294967295:1", "the CID must be a decimal number"},
        {"vsock:2:", "the port must be a decimal number"},
        {"vsock:2:0", "the port must be a decimal number"},
        {"vsock:2:0x5753", "the port must be a decimal number"},
        {"vsock:2:4294967295", "the port must be a decimal number"},
        {"vsock:2:1:1", "the port must be a decimal number"},
        {"vsock:000000000000000000000000000000000002:1", "write vsock:CID:PORT, such as"},
        {"unix:", "the path of the socket must be absolute"},
        {"unix:/", "the path of the socket must be absolute"},
        {"unix:run/x", "the path of the socket must be absolute"},
        {"unix:@abstract", "the path of the socket must be absolute"},
        {"unix:" PATH_107 "x", "the path of a socket can have at most 107 bytes"},
};

START_TEST(helper_is_refused) {
        ConfigHelper helper = {.cid = 77};
        const char *message;

        ck_assert_int_eq(config_helper_parse(helper_bad[_i].text, &helper, &message), -EINVAL);
        ck_assert_msg(text_matches(message, helper_bad[_i].message), "%s: %s", helper_bad[_i].text,
                      message);
        ck_assert_uint_eq(helper.cid, 77); /* untouched */
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-agent");
        TCase *tcase = tcase_create("agent.conf");

        tcase_add_loop_test(tcase, settings, 0, (int) ELEMENTSOF(agent_cases));
        tcase_add_loop_test(tcase, helper_is_read_and_written, 0, (int) ELEMENTSOF(helper_good));
        tcase_add_loop_test(tcase, helper_is_refused, 0, (int) ELEMENTSOF(helper_bad));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
