/* SPDX-License-Identifier: MIT */

/* What a report must not show, and what stays because every machine has it. */

#include "tests/suite.h"
#include "windows-helper/core/selftest/mask.h"

#include <check.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
        const char *text, *masked;
} cases[] = {
        {"", ""},
        {"nothing to hide", "nothing to hide"},
        /* known names, in any case, as a part of a word or of a path */
        {"host BUREAU-7 and bureau-7.corp", "host <host-1> and <host-1>.corp"},
        {"myBureau-7x", "my<host-1>x"},
        {"alice runs Geheim-Distro", "<user-1> runs <distro-1>"},
        {"a name of two letters: xy, but not foxy",
         "a name of two letters: <user-2>, but not foxy"},
        /* addresses */
        {"192.168.1.7:80 to 192.168.1.8, back to 192.168.1.7.",
         "<ipv4-1>:80 to <ipv4-2>, back to <ipv4-1>."},
        {"v4tov4 0.0.0.0/80 = 127.0.0.1/22", "v4tov4 0.0.0.0/80 = 127.0.0.1/22"},
        {"127.0.0.9 10.255.255.254 255.255.255.255", "127.0.0.9 10.255.255.254 255.255.255.255"},
        {"10.66.0.0/255.255.0.0", "<ipv4-1>/255.255.0.0"},
        {"255.255.255.254 128.0.0.0 255.0.255.0 255.255.255.1 64.0.0.0",
         "255.255.255.254 128.0.0.0 <ipv4-1> <ipv4-2> <ipv4-3>"},
        /* of the self-test's own rule, in other forms than it was given them (fact 5.1.18) */
        {"10.77.0.0/255.255.0.0,10.77.1.0/24,10.78.0.1-10.78.0.9",
         "10.77.0.0/255.255.0.0,10.77.1.0/24,10.78.0.1-10.78.0.9"},
        {"fd00:77::/48,FD00:78::5-fd00:78::5", "fd00:77::/48,FD00:78::5-fd00:78::5"},
        {"10.77.0.1 110.77.0.0 fd00:77::1", "<ipv4-1> <ipv4-2> <ipv6-1>"},
        {"Windows 10.0.22631.4317", "Windows 10.0.22631.4317"},
        {"[fe80::1%12]:80, 2001:DB8::1", "[<ipv6-1>%12]:80, <ipv6-2>"},
        {":: and ::1", ":: and ::1"},
        {"::ffff:192.0.2.1", "<ipv6-1>"},
        {"at 10:39:06", "at 10:39:06"},
        {"00-15-5D-01-02-03 00:15:5d:01:02:03", "<mac-1> <mac-2>"},
        /* ids */
        {"{7a312C50-1234-5678-9abc-def012345678} 7A312C50-1234-5678-9ABC-DEF012345678",
         "{<guid-1>} <guid-1>"},
        {"{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}", "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"},
        {"57534c54-facb-11e6-bd58-64006a7986d3", "57534c54-facb-11e6-bd58-64006a7986d3"},
        {"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"},
        {"O:S-1-5-21-1-2-3-1001G:BAD:(A;;FA;;;S-1-5-18)(A;;FA;;;S-1-5-32-544)",
         "O:<sid-1>G:BAD:(A;;FA;;;S-1-5-18)(A;;FA;;;S-1-5-32-544)"},
        {"S-1-12-1-4-5-6 S-1-16-12288 S-1-1-0 S-1-5-80-1-2",
         "<sid-1> S-1-16-12288 S-1-1-0 S-1-5-80-1-2"},
        {"S-1-5-5-0-123456", "<sid-1>"},
        {"agent 000102030405060708090a0b0c0d0e0f", "agent <id-1>"},
        {"error 0x8037011b and ok", "error 0x8037011b and ok"},
        /* names that only a path shows, also elsewhere in the text */
        {"C:\\Users\\Bob\\x of bob", "C:\\Users\\<user-3>\\x of <user-3>"},
        {"/ho"
         "me/carol/x",
         "/ho"
         "me/<user-3>/x"},
        {"\\\\wsl.localhost\\Secret\\home", "\\\\wsl.localhost\\<distro-2>\\home"},
        {"C:\\Users\\Public\\x", "C:\\Users\\Public\\x"},
};

static void names(Mask *m) {
        mask_name(m, MASK_HOST, "Bureau-7");
        mask_name(m, MASK_USER, "ALICE");
        mask_name(m, MASK_USER, "xy");
        mask_name(m, MASK_USER, "");
        mask_name(m, MASK_DISTRO, "geheim-distro");
}

START_TEST(test_cases) {
        Buffer out = BUFFER_NULL;
        Mask m = MASK_NULL;

        names(&m);
        mask_text(&m, cases[_i].text, &out);
        ck_assert_str_eq(buffer_text(&out), cases[_i].masked);
        ck_assert(!m.oom && !out.oom);
        buffer_done(&out);
        mask_done(&m);
}
END_TEST

/* The same thing has the same number in all texts, and the longest name counts. */
START_TEST(test_several_texts) {
        Buffer out = BUFFER_NULL;
        Mask m = MASK_NULL;

        mask_name(&m, MASK_DISTRO, "Debian");
        mask_name(&m, MASK_DISTRO, "Debian-Work");
        mask_text(&m, "192.0.2.1 192.0.2.2;", &out);
        mask_text(&m, "192.0.2.2 Debian-Work Debian", &out);
        ck_assert_str_eq(buffer_text(&out), "<ipv4-1> <ipv4-2>;<ipv4-2> <distro-2> <distro-1>");
        buffer_done(&out);
        mask_done(&m);
}
END_TEST

/* Names of any length: the beginning is enough to be found. */
START_TEST(test_a_long_name) {
        char name[301], text[400] = "at ";
        Buffer out = BUFFER_NULL;
        Mask m = MASK_NULL;

        memset(name, 'q', 300);
        name[300] = '\0';
        mask_name(&m, MASK_USER, name);
        mask_text(&m, strcat(text, name), &out);
        ck_assert(strncmp(buffer_text(&out), "at <user-1>", 11) == 0);
        buffer_done(&out);
        mask_done(&m);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("mask");
        TCase *tc = tcase_create("mask");

        tcase_add_loop_test(tc, test_cases, 0, (int) N(cases));
        tcase_add_test(tc, test_several_texts);
        tcase_add_test(tc, test_a_long_name);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
