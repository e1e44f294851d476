/* SPDX-License-Identifier: MIT */

/*
 * The form of a file: bytes, lines, sections. No matter what an editor or a person does to a file,
 * it is read as it was meant, or each problem is reported with its line and with what to do.
 */

#include "agent/config/service-file.h"

#include "tests/unit/agent/config/config-testing.h"

#define BYTES(s) (s), sizeof(s) - 1 /* may contain NUL */
#define FILL_10  "xxxxxxxxxx"
#define FILL_40  FILL_10 FILL_10 FILL_10 FILL_10
#define FILL_160 FILL_40 FILL_40 FILL_40 FILL_40

typedef struct FormCase {
        const char *name, *content;
        size_t n;
        const char *expected[EXPECTED_MAX];
} FormCase;

/* All these files ask for port 80, and some have problems, too. */
static const FormCase form_cases[] = {
        {"plain", BYTES("[service]\nlisten = 80\n"), {NULL}},
        {"no newline at the end", BYTES("[service]\nlisten = 80"), {NULL}},
        {"CRLF", BYTES("[service]\r\nlisten = 80\r\nenabled = yes\r\n"), {NULL}},
        {"byte order mark", BYTES("\xef\xbb\xbf[service]\nlisten = 80\n"), {NULL}},
        {"byte order mark and CRLF", BYTES("\xef\xbb\xbf[service]\r\nlisten = 80\r\n"), {NULL}},
        {"comments", BYTES("# a\n; b\n\n[service] # c\n  # d\nlisten = 80 ; e\n;\n#\n"), {NULL}},
        {"a comment may be long and in any encoding",
         BYTES("[service]\n# " FILL_160 FILL_160 "\n; f\xfcr alle\x07\nlisten = 80\n"),
         {NULL}},
        {"indented lines are not continuations",
         BYTES("  [service]\n\tlisten = 80\n    enabled = yes\n"),
         {NULL}},
        {"no blanks around '='", BYTES("[service]\nlisten=80\n"), {NULL}},
        {"many blanks", BYTES("[service]\nlisten  \t=\t  80  \t\n"), {NULL}},
        {"':' for '='",
         BYTES("[service]\nlisten = 80\nenabled: yes\nlisten [::]:80\n"),
         {"x.ini:3: there is a ':' before the '='; write 'key = value'",
          "x.ini:4: there is a ':' before the '='"}},
        {"continued line with a ':'",
         BYTES("[service]\nlisten = 80\n  0.0.0.0:81\n"),
         {"x.ini:3: there is a ':' before the '='...cannot be continued"}},
        {"comment before the '='",
         BYTES("[service]\nlisten = 80\nenabled ;= yes\n"),
         {"x.ini:3: the line has no '='"}},
        {"section again", BYTES("[service]\nlisten = 80\n[service]\nenabled = yes\n"), {NULL}},
        {"longest line",
         BYTES("[service]\nlisten = 80\ndescription = " FILL_160 "123456\n"),
         {NULL}},
        {"over-long line",
         BYTES("[service]\nlisten = 80\ndescription = " FILL_160 "1234567\nenabled = maybe\n"),
         {"x.ini:3: ...181 bytes, 180 is the limit; shorten it", "x.ini:4: enabled: "}},
        {"line longer than inih's buffer",
         BYTES("[service]\nlisten = 80\ndescription = " FILL_160 FILL_160 "\n[service\n"),
         {"x.ini:3: ...334 bytes", "x.ini:4: '[service' is not a section"}},
        {"NUL byte",
         BYTES("[service]\nlisten = 80\nenabled = y\0es\nfirewall = x\n"),
         {"x.ini:3: the line has a NUL byte...save it as UTF-8", "x.ini:4: firewall: "}},
        {"NUL byte in a comment",
         BYTES("[service]\nlisten = 80\n# \0\n"),
         {"x.ini:3: the line has a NUL byte"}},
        {"control character",
         BYTES("[service]\nlisten = 80\ndescription = be\x07ll\n"),
         {"x.ini:3: the line has the control character 0x07; remove it"}},
        {"delete character",
         BYTES("[service]\nlisten = 80\ndescription = \x7f\n"),
         {"x.ini:3: the line has the control character 0x7f; remove it"}},
        {"carriage return inside a line",
         BYTES("[service]\nlisten = 80\ndescription = a\rb\n"),
         {"x.ini:3: the line has the control character 0x0d; remove it"}},
        {"tab inside a value", BYTES("[service]\nlisten = 80\ndescription = a\tb\n"), {NULL}},
        {"UTF-8",
         BYTES("[service]\nlisten = 80\ndescription = f\xc3\xbcr \xf0\x9f\x90\xa7\n"),
         {NULL}},
        {"Latin-1",
         BYTES("[service]\nlisten = 80\ndescription = f\xfcr alle\n"),
         {"x.ini:3: byte 0xfc is not UTF-8; save the file as UTF-8"}},
        {"UTF-8 cut off",
         BYTES("[service]\nlisten = 80\ndescription = \xe2\x82"),
         {"x.ini:3: byte 0xe2 is not UTF-8"}},
        {"UTF-8 overlong",
         BYTES("[service]\nlisten = 80\ndescription = \xc0\x80\n"),
         {"x.ini:3: byte 0xc0 is not UTF-8"}},
        {"UTF-8 surrogate",
         BYTES("[service]\nlisten = 80\ndescription = \xed\xa0\x80\n"),
         {"x.ini:3: byte 0xed is not UTF-8"}},
        {"no '='",
         BYTES("[service]\nlisten = 80\nenabled\nfirewall none\n"),
         {"x.ini:3: the line has no '='; write 'key = value'", "x.ini:4: the line has no '='"}},
        {"no '=' in the last line",
         BYTES("[service]\nlisten = 80\nenabled"),
         {"x.ini:3: the line has no '='"}},
        {"continued line",
         BYTES("[service]\nlisten = 80\nremote = 10.0.0.0/8,\n   192.168.0.0/16\n"),
         {"x.ini:4: the line has no '='...cannot be continued"}},
        {"continued line that looks like a section",
         BYTES("[service]\nlisten = 80\n  [::]:80\nenabled = yes\n"),
         {"x.ini:3: unknown section [::]...cannot be continued"}},
        {"no key",
         BYTES("[service]\nlisten = 80\n= 81\n"),
         {"x.ini:3: there is no key before '='; known keys"}},
        {"no section: reported once, the rest is checked",
         BYTES("listen = 80\nenabled = maybe\n"),
         {"x.ini:1: listen: stands before any section; put a line [service] above it",
          "x.ini:2: enabled: 'maybe'"}},
        {"misspelt section: the rest is checked",
         BYTES("[Servce]\nlisten = 80\nenabled = maybe\n"),
         {"x.ini:1: '[Servce]' is not a section; did you mean [service]?", "x.ini:3: enabled: "}},
        {"section in capitals",
         BYTES("[SERVICE]\nlisten = 80\n"),
         {"x.ini:1: '[SERVICE]' is not a section; did you mean [service]?"}},
        {"section with blanks",
         BYTES("[ service ]\nlisten = 80\n"),
         {"x.ini:1: ...did you mean [service]?"}},
        {"section without its bracket",
         BYTES("[service\nlisten = 80\n"),
         {"x.ini:1: ...did you mean [service]?"}},
        {"text after the section",
         BYTES("[service] listen = 80\nlisten = 80\n"),
         {"x.ini:1: there is text after '[service]'; start a new line"}},
        {"unknown section: its keys are not checked",
         BYTES("[service]\nlisten = 80\n[install]\nwanted-by = x\n"),
         {"x.ini:3: unknown section [install]; this file has only [service]"}},
        {"empty section name",
         BYTES("[service]\nlisten = 80\n[]\n"),
         {"x.ini:3: unknown section []"}},
        {"very long section name",
         BYTES("[service]\nlisten = 80\n[" FILL_160 "]\nfoo = 1\n"),
         {"x.ini:3: unknown section [xxxx"}},
};

START_TEST(form) {
        const FormCase *c = &form_cases[_i];
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ServiceFile service;

        config_problems_begin(&problems, "x.ini");
        service_file_parse((const uint8_t *) c->content, c->n, &service, &problems);
        check_problems(c->name, problems.items, problems.n, c->expected);
        ck_assert_uint_eq(service.n_listens, 1);
        ck_assert_uint_eq(service.listens[0].port, 80);
        config_problems_done(&problems);
}
END_TEST

static const FormCase useless_cases[] = {
        {"only a comment", BYTES("# later\n"), {"x.ini: listen: is missing; add a line such as"}},
        {"only the section", BYTES("[service]\n"), {"x.ini: listen: is missing"}},
        {"UTF-16 as Windows saves it",
         BYTES("\xff\xfe[\0s\0"),
         {"x.ini: the file is UTF-16...save it as UTF-8"}},
        {"UTF-16, big-endian",
         BYTES("\xfe\xff\0[\0s"),
         {"x.ini: the file is UTF-16...save it as UTF-8"}},
        {"UTF-16 without a mark",
         BYTES("[\0s\0]\0\n\0"),
         {"x.ini: listen: is missing",
          "x.ini:1: the line has a NUL byte...UTF-16; save it as UTF-8",
          "x.ini:2: the line has a NUL byte"}},
        {"only a foreign section",
         BYTES("[Unit]\nDescription=x\n"),
         {"x.ini: listen: is missing", "x.ini:1: unknown section [Unit]"}},
};

START_TEST(useless) {
        const FormCase *c = &useless_cases[_i];
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ServiceFile service;

        config_problems_begin(&problems, "x.ini");
        service_file_parse((const uint8_t *) c->content, c->n, &service, &problems);
        config_problems_sort(&problems);
        check_problems(c->name, problems.items, problems.n, c->expected);
        ck_assert_uint_eq(service.n_listens, 0);
        config_problems_done(&problems);
}
END_TEST

/* A file of garbage is reported in bounded memory, and the last report says that there is more. */
START_TEST(flood) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ServiceFile service;
        char *content = malloc(CONFIG_FILE_MAX);

        for (size_t i = 0; i < CONFIG_FILE_MAX; i += 2)
                memcpy(content + i, "x\n", 2);
        config_problems_begin(&problems, "x.ini");
        service_file_parse((const uint8_t *) content, CONFIG_FILE_MAX, &service, &problems);
        ck_assert_uint_eq(problems.n, CONFIG_PROBLEMS_PER_FILE_MAX);
        ck_assert(text_matches(problems.items[problems.n - 1].message, "this problem...too many"));
        ck_assert_uint_gt(problems.n_file, CONFIG_PROBLEMS_PER_FILE_MAX);
        config_problems_done(&problems);
        free(content);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-file");
        TCase *tcase = tcase_create("form");

        tcase_add_loop_test(tcase, form, 0, (int) ELEMENTSOF(form_cases));
        tcase_add_loop_test(tcase, useless, 0, (int) ELEMENTSOF(useless_cases));
        tcase_add_test(tcase, flood);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
