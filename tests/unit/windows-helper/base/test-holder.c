/* SPDX-License-Identifier: MIT */

/*
 * The advice about who has a port: what helps against this process, and fits into the wire.
 */

#include "protocol/wire/wire.h"
#include "windows-helper/core/base/holder.h"
#include "windows-helper/core/base/result.h"

#include "tests/suite.h"

#include <stdlib.h>
#include <string.h>

START_TEST(test_advice_for_each_holder) {
        static const struct {
                Holder holder;
                uint16_t port;
                const char *names, *advice, *not_advice;
        } cases[] = {
                {{812, "python.exe", ""}, 80, "python.exe (process 812)", "; end it,", "sc.exe"},
                {{812, "x", ""}, 80, "in use by x (process 812)", "; end it,", "sc.exe"},
                {{812, "svchost.exe", "W"}, 80, "the service W ", "'sc.exe stop W'", "end it"},
                {{812, "", ""}, 80, "another program (process 812)", "; end it,", "sc.exe"},
                {{4, "System", ""},
                 80,
                 "in use by process 4 of Windows, most likely its web server (HTTP.sys)",
                 "'netsh http show servicestate'",
                 "end it"},
                {{4, "", ""}, 445, "file sharing", "listen elsewhere", "netsh"},
                {{812, "svchost.exe", "W3SVC"},
                 80,
                 "the service W3SVC",
                 "'sc.exe stop W3SVC'",
                 "end it"},
                {{812, "svchost.exe", "A, B"},
                 80,
                 "one of the services A, B",
                 "if nobody needs it",
                 "sc.exe"},
                {{812, "svchost.exe", ""}, 80, "svchost.exe", "'tasklist /svc'", "end it"},
                {{812, "WSLRelay.exe", ""}, 80, "WSLRelay.exe", "WSL leads it", "; end it"},
                {{812, "wslrelay.exe2", ""}, 80, "wslrelay.exe2", "; end it", "WSL leads"},
        };
        char text[HOLDER_TEXT_MAX + 1];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                holder_text(&cases[i].holder, cases[i].port, text);
                ck_assert_msg(strstr(text, cases[i].names) && strstr(text, cases[i].advice) &&
                                      strstr(text, "listen elsewhere") &&
                                      !strstr(text, cases[i].not_advice),
                              "%s", text);
                ck_assert_msg(strncmp(text, "in use by ", 10) == 0, "%s", text);
        }
}
END_TEST

/* The advice stands at the end, so it must not be what is cut off. */
START_TEST(test_it_fits) {
        char text[HOLDER_TEXT_MAX + 1], whole[WIRE_TEXT_MAX + 1];
        Holder h = {.pid = UINT32_MAX};

        memset(h.process, 'p', HOLDER_NAME_MAX);
        memset(h.services, 's', HOLDER_SERVICES_MAX);
        h.services[30] = ',';
        holder_text(&h, 1, text);
        result_text(whole, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535: %s", text);
        ck_assert_ptr_nonnull(strstr(text, "one of the services"));
        ck_assert_msg(strstr(whole, "or listen elsewhere"), "%s", whole);
        h.services[30] = '\0';
        holder_text(&h, 1, text);
        result_text(whole, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535: %s", text);
        ck_assert_ptr_nonnull(strstr(text, "'sc.exe stop s"));
        ck_assert_msg(strstr(text, "or listen elsewhere"), "%s", whole);
}
END_TEST

int main(void) {
        Suite *s = suite_create("helper-rules-holder");
        TCase *t = tcase_create("core");

        tcase_add_test(t, test_advice_for_each_holder);
        tcase_add_test(t, test_it_fits);
        suite_add_tcase(s, t);
        return suite_run(s);
}
