/* SPDX-License-Identifier: MIT */

/* Single keys of .wslconfig and /etc/wsl.conf are set and removed, and nothing else changes. */

#include "tests/suite.h"
#include "windows-helper/core/setup/ini-edit.h"

#include <errno.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"

static const IniWant alive[] = {{"general", "instanceIdleTimeout", "-1"},
                                {"wsl2", "vmIdleTimeout", "-1"}};
static const IniWant vm = {"wsl2", "vmIdleTimeout", "-1"};
static const IniWant boot = {"boot", "systemd", "true"};

typedef struct Case {
        const char *what, *before, *after; /* .after: NULL = nothing has to change */
} Case;

typedef int (*EditFn)(const IniDialect *, const uint8_t *, size_t, const IniWant *, size_t,
                      Buffer *, const char **);

/* The bytes are copied to a block of their own size, so that ASan sees a read past their end. */
static int run(EditFn fn, const IniDialect *dialect, const char *text, size_t n,
               const IniWant *wants, size_t n_wants, Buffer *ret, const char **ret_why) {
        uint8_t *copy = n > 0 ? malloc(n) : NULL;
        int r;

        if (copy)
                memcpy(copy, text, n);
        r = fn(dialect, copy, n, wants, n_wants, ret, ret_why);
        free(copy);
        return r;
}

static void expect(EditFn fn, const IniDialect *dialect, const IniWant *wants, size_t n_wants,
                   const Case *c) {
        Buffer out = BUFFER_NULL, again = BUFFER_NULL;
        const char *why;
        int r = run(fn, dialect, c->before, strlen(c->before), wants, n_wants, &out, &why);

        ck_assert_msg(r == (c->after ? 0 : INI_E_SAME), "%s: %d", c->what, r);
        ck_assert_msg(strcmp(buffer_text(&out), c->after ? c->after : "") == 0, "%s:\n%s", c->what,
                      buffer_text(&out));
        if (r == 0) /* whatever was changed, the second time there is nothing to do */
                ck_assert_msg(run(fn, dialect, buffer_text(&out), buffer_length(&out), wants,
                                  n_wants, &again, &why) == INI_E_SAME,
                              "%s: again", c->what);
        buffer_done(&out);
}

#define EXPECT(fn, dialect, wants, n, cases)                            \
        for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) \
        expect(fn, dialect, wants, n, &(cases)[i])

START_TEST(test_set_one) {
        static const Case cases[] = {
                {"no file", "", "[wsl2]\r\nvmIdleTimeout=-1\r\n"},
                {"only a mark", BOM, BOM "[wsl2]\r\nvmIdleTimeout=-1\r\n"},
                {"mark stays", BOM "[wsl2]\n", BOM "[wsl2]\nvmIdleTimeout=-1\n"},
                {"already so", "[wsl2]\nvmIdleTimeout=-1\n", NULL},
                {"in quotes", "[wsl2]\nvmIdleTimeout = \"-1\" # never\n", NULL},
                {"no newline at the end", "[wsl2]\nvmIdleTimeout=-1", NULL},
                {"other value", "[wsl2]\nvmIdleTimeout=60000\nx=1\n",
                 "[wsl2]\nvmIdleTimeout=-1\nx=1\n"},
                {"no value", "[wsl2]\nvmIdleTimeout=", "[wsl2]\nvmIdleTimeout=-1"},
                {"space and comment stay", "[wsl2] # a\n\tvmIdleTimeout =\t5 5  # b\r\n",
                 "[wsl2] # a\n\tvmIdleTimeout =\t-1  # b\r\n"},
                {"hash in quotes", "[wsl2]\nvmIdleTimeout=\"5#6\"#c\n",
                 "[wsl2]\nvmIdleTimeout=-1#c\n"},
                {"case of names", "[WSL2]\nVMIDLETIMEOUT=5\n", "[WSL2]\nVMIDLETIMEOUT=-1\n"},
                {"key twice", "[wsl2]\nvmIdleTimeout=-1\nvmIdleTimeout=5\n",
                 "[wsl2]\nvmIdleTimeout=-1\nvmIdleTimeout=-1\n"},
                {"section twice, key in the second",
                 "[wsl2]\na=1\n[x]\nb=1\n[wsl2]\nvmIdleTimeout=5\n",
                 "[wsl2]\na=1\n[x]\nb=1\n[wsl2]\nvmIdleTimeout=-1\n"},
                {"section twice, no key", "[wsl2]\na=1\n[x]\n[wsl2]\nb=1\n",
                 "[wsl2]\na=1\nvmIdleTimeout=-1\n[x]\n[wsl2]\nb=1\n"},
                {"same key elsewhere", "[general]\nvmIdleTimeout=-1\n",
                 "[general]\nvmIdleTimeout=-1\n\n[wsl2]\nvmIdleTimeout=-1\n"},
                {"key before any section", "vmIdleTimeout=-1\n",
                 "vmIdleTimeout=-1\n\n[wsl2]\nvmIdleTimeout=-1\n"},
                {"longer key", "[wsl2]\nvmIdleTimeoutX=-1\n",
                 "[wsl2]\nvmIdleTimeoutX=-1\nvmIdleTimeout=-1\n"},
                {"commented out", "[wsl2]\r\n#vmIdleTimeout=-1\r\n",
                 "[wsl2]\r\nvmIdleTimeout=-1\r\n#vmIdleTimeout=-1\r\n"},
                {"behind the last key", "[wsl2]\na=1\n\n# about x\n[x]\nb=1\n",
                 "[wsl2]\na=1\nvmIdleTimeout=-1\n\n# about x\n[x]\nb=1\n"},
                {"CRLF, no newline at the end", "[x]\r\na=1",
                 "[x]\r\na=1\r\n\r\n[wsl2]\r\nvmIdleTimeout=-1\r\n"},
                {"an empty line is there", "[x]\na=1\n \t\n",
                 "[x]\na=1\n \t\n[wsl2]\nvmIdleTimeout=-1\n"},
                {"section, no newline", "[wsl2]", "[wsl2]\r\nvmIdleTimeout=-1\r\n"},
                {"value continues", "[wsl2]\na=1\\\nvmIdleTimeout=-1\nb=2\n",
                 "[wsl2]\na=1\\\nvmIdleTimeout=-1\nb=2\nvmIdleTimeout=-1\n"},
                {"value continues and is replaced", "[wsl2]\nvmIdleTimeout=\\\r\n 5\nb=2\n",
                 "[wsl2]\nvmIdleTimeout=-1\nb=2\n"},
                {"backslash at the end of all", "[wsl2]\na=1\\",
                 "[wsl2]\na=1\\\n\nvmIdleTimeout=-1\n"},
                {"and a newline", "[wsl2]\na=1\\\n", "[wsl2]\na=1\\\n\nvmIdleTimeout=-1\n"},
                {"malformed value", "[wsl2]\nvmIdleTimeout=\"-1\n", "[wsl2]\nvmIdleTimeout=-1\n"},
                {"bad escape", "[wsl2]\nvmIdleTimeout=\\-1\n", "[wsl2]\nvmIdleTimeout=-1\n"},
                {"backslash at the end", "[wsl2]\nvmIdleTimeout=-1\\", "[wsl2]\nvmIdleTimeout=-1"},
                {"no sections", "[ wsl2]\nvmIdleTimeout=-1\n;[wsl2]\n[wsl2] x\n[wsl 2]\n[2]\n[]\n",
                 "[ wsl2]\nvmIdleTimeout=-1\n;[wsl2]\n[wsl2] x\n[wsl 2]\n[2]\n[]\n\n"
                 "[wsl2]\nvmIdleTimeout=-1\n"},
                {"no keys", "[wsl2]\nvmIdleTimeout\n=-1\nvmIdleTimeout -1\n-1=a\n",
                 "[wsl2]\nvmIdleTimeout=-1\nvmIdleTimeout\n=-1\nvmIdleTimeout -1\n-1=a\n"},
                {"umlauts", "# Größe\n[wsl2]\nkernel=C:\\\\Täst\n",
                 "# Größe\n[wsl2]\nkernel=C:\\\\Täst\nvmIdleTimeout=-1\n"},
        };

        EXPECT(ini_set, &ini_wslconfig, &vm, 1, cases);
}
END_TEST

START_TEST(test_set_two) {
        static const Case cases[] = {
                {"no file", "",
                 "[general]\r\ninstanceIdleTimeout=-1\r\n\r\n[wsl2]\r\nvmIdleTimeout=-1\r\n"},
                {"one is there", "[wsl2]\nvmIdleTimeout=-1\n",
                 "[wsl2]\nvmIdleTimeout=-1\n\n[general]\ninstanceIdleTimeout=-1\n"},
                {"both are there", "[wsl2]\nvmIdleTimeout=-1\n[general]\ninstanceIdleTimeout=-1\n",
                 NULL},
        };

        EXPECT(ini_set, &ini_wslconfig, alive, 2, cases);
}
END_TEST

/* Behind a malformed header whose first character is a letter, WSL is in no section that we know.
 * Behind another one, it is in the section of before. */
START_TEST(test_malformed_header) {
        static const IniWant general = {"general", "vmIdleTimeout", "-1"};
        static const Case cases[] = {
                {"space within", "[general]\na=1\n[wsl 2]\nmemory=4GB\n",
                 "[general]\na=1\nvmIdleTimeout=-1\n[wsl 2]\nmemory=4GB\n"},
                {"the key is behind it", "[general]\n[wsl 2]\nvmIdleTimeout=-1\n",
                 "[general]\nvmIdleTimeout=-1\n[wsl 2]\nvmIdleTimeout=-1\n"},
                {"not closed", "[general]\n[wsl2\nvmIdleTimeout=5\n",
                 "[general]\nvmIdleTimeout=-1\n[wsl2\nvmIdleTimeout=5\n"},
                {"more behind it", "[general]\n[wsl2] x\nvmIdleTimeout=5\n",
                 "[general]\nvmIdleTimeout=-1\n[wsl2] x\nvmIdleTimeout=5\n"},
                {"no letter, the key is behind it", "[general]\n[ wsl2]\nvmIdleTimeout=5\n",
                 "[general]\n[ wsl2]\nvmIdleTimeout=-1\n"},
                {"no letter, no key", "[general]\na=1\n[2wsl]\nb=1\n",
                 "[general]\na=1\nvmIdleTimeout=-1\n[2wsl]\nb=1\n"},
                {"itself no section", "[general 2]\na=1\n",
                 "[general 2]\na=1\n\n[general]\nvmIdleTimeout=-1\n"},
        };

        EXPECT(ini_set, &ini_wslconfig, &general, 1, cases);
}
END_TEST

/* In the guest, WSL stops at a malformed line, and lines end as Linux has it. */
START_TEST(test_guest) {
        static const Case cases[] = {
                {"no file", "", "[boot]\nsystemd=true\n"},
                {"command", "[boot]\ncommand=service ssh start\n\n[user]\ndefault=me\n",
                 "[boot]\ncommand=service ssh start\nsystemd=true\n\n[user]\ndefault=me\n"},
                {"false", "[boot]\r\nsystemd=false\r\n", "[boot]\r\nsystemd=true\r\n"},
                {"True", "[boot]\nsystemd=True\n", NULL},
                {"true before a malformed line", "[boot]\nsystemd=true\n; x\n", NULL},
                {"false before it", "[boot]\nsystemd=false\n; x\n", "[boot]\nsystemd=true\n; x\n"},
                {"true behind it", "[boot]\n; x\nsystemd=true\n",
                 "[boot]\nsystemd=true\n; x\nsystemd=true\n"},
                {"a malformed value", "[boot]\na=1\ncommand=\"x\nb=1\n",
                 "[boot]\na=1\nsystemd=true\ncommand=\"x\nb=1\n"},
                {"a bad escape", "[boot]\ncommand=echo \\$x\n[boot]\nsystemd=true\n",
                 "[boot]\nsystemd=true\ncommand=echo \\$x\n[boot]\nsystemd=true\n"},
                {"only a line feed continues", "[boot]\r\ncommand=a\\\r\nsystemd=true\r\n", NULL},
                {"ours is malformed", "[boot]\nsystemd=\"true\nsystemd=false\n",
                 "[boot]\nsystemd=true\nsystemd=true\n"},
        };

        EXPECT(ini_set, &ini_wsl_conf, &boot, 1, cases);
}
END_TEST

/* Of what comes behind such a line, WSL reads nothing, whatever it is. */
START_TEST(test_guest_stops) {
        static const struct {
                const char *text;
                size_t line;
        } cases[] = {
                {"; x\n[boot]\nsystemd=true\n", 1},
                {BOM "[boot]\nsystemd=true\n", 1},
                {BOM "\n[boot]\nsystemd=true\n", 1},
                {BOM, 1},
                {"# x\n\n \t; x\n[boot]\n", 3},
                {"[user]\r\ndefault_user=me\r\n[boot]\r\n", 2},
                {"[user]\ndefault\n", 2},
                {"[ boot ]\nsystemd=true\n", 1},
                {"[boot ]\nsystemd=true\n", 1},
                {"[boot] x\nsystemd=true\n", 1},
                {"[a]\nb=1\\\n2\\\n3\nc=\\$\n[boot]\nsystemd=true\n", 5},
                {"[a]\nb=\"1\\\n2\n[boot]\nsystemd=true\n", 2},
        };
        Buffer out = BUFFER_NULL;
        const char *why;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *text = cases[i].text;
                size_t n = strlen(text);

                ck_assert_msg(run(ini_set, &ini_wsl_conf, text, n, &boot, 1, &out, &why) ==
                                      -ENODATA,
                              "%s", text);
                ck_assert_uint_eq(buffer_length(&out), 0);
                ck_assert_uint_eq(ini_stop(&ini_wsl_conf, (const uint8_t *) text, n),
                                  cases[i].line);
                ck_assert_uint_eq(ini_stop(&ini_wslconfig, (const uint8_t *) text, n), 0);
        }
        ck_assert_uint_eq(ini_stop(&ini_wsl_conf, (const uint8_t *) "[a]\nb=1 # ;\n", 12), 0);
}
END_TEST

START_TEST(test_unset) {
        static const Case cases[] = {
                {"no file", "", NULL},
                {"not there", "[wsl2]\nx=1\n", NULL},
                {"no longer ours", "[wsl2]\nvmIdleTimeout=5\n", NULL},
                {"commented out", "[wsl2]\n#vmIdleTimeout=-1\n", NULL},
                {"malformed", "[wsl2]\nvmIdleTimeout=\"-1\n", NULL},
                {"the whole file", "[wsl2]\r\nvmIdleTimeout=-1\r\n", ""},
                {"mark stays", BOM "[wsl2]\nvmIdleTimeout=-1\n", BOM},
                {"section stays", "[wsl2]\nvmIdleTimeout = -1 # x\na=1\n", "[wsl2]\na=1\n"},
                {"comment stays", "[wsl2]\n# mine\nvmIdleTimeout=-1\n", "[wsl2]\n# mine\n"},
                {"last section", "[x]\na=1\n\n[wsl2]\nvmIdleTimeout=-1\n", "[x]\na=1\n"},
                {"section in the middle", "[x]\na=1\n\n[wsl2]\nvmIdleTimeout=-1\n\n[y]\n",
                 "[x]\na=1\n\n[y]\n"},
                {"empty section of others", "[wsl2]\n[x]\n[wsl2]\nb=1\nvmIdleTimeout=-1\n",
                 "[wsl2]\n[x]\n[wsl2]\nb=1\n"},
                {"twice", "[wsl2]\nvmIdleTimeout=-1\na=1\nvmIdleTimeout=-1", "[wsl2]\na=1\n"},
        };

        EXPECT(ini_unset, &ini_wslconfig, &vm, 1, cases);
}
END_TEST

/* What was set and is removed again is the file of before. */
START_TEST(test_round_trip) {
        static const char *const files[] = {"",
                                            BOM,
                                            "[x]\r\na=1\r\n",
                                            "# only a comment\n",
                                            "[wsl2]\nmemory=4GB\n\n[x]\ny=1\n",
                                            "[general]\na=b\n"};

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                Buffer set = BUFFER_NULL, back = BUFFER_NULL;
                const char *why;

                ck_assert_int_eq(run(ini_set, &ini_wslconfig, files[i], strlen(files[i]), alive, 2,
                                     &set, &why),
                                 0);
                ck_assert_int_eq(run(ini_unset, &ini_wslconfig, buffer_text(&set),
                                     buffer_length(&set), alive, 2, &back, &why),
                                 0);
                ck_assert_str_eq(buffer_text(&back), files[i]);
                buffer_done(&set);
                buffer_done(&back);
        }
}
END_TEST

START_TEST(test_refused) {
        static const struct {
                const char *bytes;
                size_t n;
                const char *why;
        } cases[] = {
                {"\xff\xfe[\0w\0", 6, "is UTF-16"},     {"\xfe\xff\0[", 4, "is UTF-16"},
                {"[\0w\0", 4, "has NUL bytes"},         {"[x]\na=\xfc\n", 8, "is not UTF-8"},
                {"[x]\na=\xc3", 7, "is not UTF-8"},     {"[x]\ra=1\n", 8, "carriage return"},
                {"[x]\r\na=1\r", 9, "carriage return"}, {"[x]\r\r\na=1\n", 10, "carriage return"},
        };
        static char large[INI_FILE_MAX + 1];
        Buffer out = BUFFER_NULL;
        const char *why;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_int_eq(run(ini_set, &ini_wslconfig, cases[i].bytes, cases[i].n, alive, 2,
                                     &out, &why),
                                 -EINVAL);
                ck_assert_msg(strstr(why, cases[i].why) != NULL, "%zu: %s", i, why);
                ck_assert_int_eq(run(ini_unset, &ini_wslconfig, cases[i].bytes, cases[i].n, alive,
                                     2, &out, &why),
                                 -EINVAL);
        }
        memset(large, '#', sizeof(large));
        ck_assert_int_eq(run(ini_set, &ini_wslconfig, large, sizeof(large), alive, 2, &out, &why),
                         -EINVAL);
        ck_assert_ptr_nonnull(strstr(why, "64 KiB"));
        ck_assert_int_eq(
                run(ini_set, &ini_wslconfig, large, sizeof(large) - 1, alive, 2, &out, &why), 0);
        buffer_done(&out);
}
END_TEST

int main(void) {
        Suite *s = suite_create("ini-edit");
        TCase *t = tcase_create("ini-edit");

        tcase_add_test(t, test_set_one);
        tcase_add_test(t, test_set_two);
        tcase_add_test(t, test_malformed_header);
        tcase_add_test(t, test_guest);
        tcase_add_test(t, test_guest_stops);
        tcase_add_test(t, test_unset);
        tcase_add_test(t, test_round_trip);
        tcase_add_test(t, test_refused);
        suite_add_tcase(s, t);
        return suite_run(s);
}
