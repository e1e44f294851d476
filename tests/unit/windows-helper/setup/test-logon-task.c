/* SPDX-License-Identifier: MIT */

/* The task that starts a distro at logon: its XML, its name, and whether a found one is the same.
 */

#include "tests/suite.h"
#include "windows-helper/core/setup/logon-task.h"

#include <string.h>

static const LogonTask plain = {"Debian", "S-1-5-21-1-2-3-1001", "C:\\Windows\\System32",
                                "C:\\Windows\\System32\\wsl.exe"};

static char *xml_of(const LogonTask *t) {
        static Buffer out;

        buffer_done(&out);
        logon_task_xml(t, &out);
        return (char *) (uintptr_t) buffer_text(&out);
}

START_TEST(test_xml) {
        static const char *const parts[] = {
                "<LogonTrigger><Enabled>true</Enabled><Repetition><Interval>PT5M</Interval>"
                "</Repetition><UserId>S-1-5-21-1-2-3-1001</UserId></",
                "<Principal id=\"Author\"><UserId>S-1-5-21-1-2-3-1001</UserId>",
                "<LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel>",
                "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
                "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
                "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
                "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
                "<Command>C:\\Windows\\System32\\conhost.exe</Command>",
                "<Arguments>--headless \"C:\\Windows\\System32\\wsl.exe\" -d Debian --exec "
                "sleep "
                "infinity</Arguments>",
        };

        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                ck_assert_msg(strstr(xml_of(&plain), parts[i]) != NULL, "%s", parts[i]);
}
END_TEST

START_TEST(test_names) {
        static const struct {
                const char *distro, *task, *argument; /* .task: NULL = impossible */
        } cases[] = {
                {"Debian", "wslbridge Debian S-1-5-21-1-2-3-1001", "-d Debian"},
                {"Büro-1", "wslbridge Büro-1 S-1-5-21-1-2-3-1001", "-d Büro-1 "},
                {"a<b>&c", "wslbridge a_b_&c S-1-5-21-1-2-3-1001", "-d a&lt;b&gt;&amp;c "},
                {"a/b:c*", "wslbridge a_b_c_ S-1-5-21-1-2-3-1001", "-d a/b:c* "},
                {"1234567890123456789012345678901234567890123456789012345678901234",
                 "wslbridge 1234567890123456789012345678901234567890123456789012345678901234 "
                 "S-1-5-21-1-2-3-1001",
                 "1234 "},
                {"123456789012345678901234567890123456789012345678901234567890123ü",
                 "wslbridge 123456789012345678901234567890123456789012345678901234567890123 "
                 "S-1-5-21-1-2-3-1001",
                 "123ü "},
                {"Mein Debian", NULL, NULL},
                {"a\tb", NULL, NULL},
                {"a\"b", NULL, NULL},
                {"a\\", NULL, NULL},
                {"a\nb", NULL, NULL},
                {"a\xff", NULL, NULL},
                {"", NULL, NULL},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                LogonTask t = plain;
                Buffer name = BUFFER_NULL;

                t.distro = cases[i].distro;
                ck_assert_msg(logon_task_possible(&t) == (cases[i].task != NULL), "%zu", i);
                if (!cases[i].task)
                        continue;
                logon_task_name(&t, &name);
                ck_assert_str_eq(buffer_text(&name), cases[i].task);
                ck_assert_msg(strstr(xml_of(&t), cases[i].argument) != NULL, "%zu", i);
                ck_assert(logon_task_is(&t, xml_of(&t)));
                ck_assert(!logon_task_is(&plain, xml_of(&t)) || i == 0);
                buffer_done(&name);
        }
}
END_TEST

/* As Task Scheduler writes it: on lines of their own, without what is a default. */
START_TEST(test_same) {
        static const char form[] =
                "<Task>\r\n  <Triggers>\r\n    <LogonTrigger>\r\n%s%s"
                "      <UserId>PC\\me</UserId>\r\n    </LogonTrigger>\r\n  </Triggers>\r\n"
                "  <Settings>\r\n    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\r\n"
                "    <DisallowStartIfOnBatteries>%s</DisallowStartIfOnBatteries>\r\n%s"
                "  </Settings>\r\n  <Actions>\r\n    <Exec>\r\n"
                "      <Command>C:\\Windows\\System32\\conhost.exe</Command>\r\n"
                "      <Arguments>--headless \"C:\\Windows\\System32\\wsl.exe\" -d Debian "
                "--exec "
                "sleep %s</Arguments>\r\n";
        static const char limit[] = "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>";
        static const char again[] = "<Repetition>\r\n  <Interval>PT5M</Interval>\r\n"
                                    "  <StopAtDurationEnd>false</StopAtDurationEnd>\r\n";
        static const struct {
                const char *trigger, *again, *battery, *limit, *seconds;
                bool same;
        } cases[] = {
                {"", again, "false", limit, "infinity", true},
                {"<Enabled>true</Enabled>", again, "false", limit, "infinity", true},
                {"<Enabled>false</Enabled>", again, "false", limit, "infinity", false},
                {"", "", "false", limit, "infinity", false}, /* of an older setup */
                {"", again, "true", limit, "infinity", false},
                {"", again, "false", "", "infinity", false},
                {"", again, "false", limit, "60", false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Buffer xml = BUFFER_NULL;

                buffer_printf(&xml, form, cases[i].trigger, cases[i].again, cases[i].battery,
                              cases[i].limit, cases[i].seconds);
                ck_assert_msg(logon_task_is(&plain, buffer_text(&xml)) == cases[i].same, "%zu", i);
                buffer_done(&xml);
        }
        ck_assert(!logon_task_is(&plain, ""));
}
END_TEST

int main(void) {
        Suite *s = suite_create("logon-task");
        TCase *t = tcase_create("logon-task");

        tcase_add_test(t, test_xml);
        tcase_add_test(t, test_names);
        tcase_add_test(t, test_same);
        suite_add_tcase(s, t);
        return suite_run(s);
}
