/* SPDX-License-Identifier: MIT */

/* The names, versions, sums and text of the guest's packages. */

#include "tests/suite.h"
#include "windows-helper/core/setup/package.h"
#include "windows-helper/core/setup/version.h"

#include <string.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(test_names) {
        char version[PACKAGE_VERSION_MAX];

        ck_assert(package_version("wslbridge_0.1.0-1_amd64.deb", "amd64", version));
        ck_assert_str_eq(version, "0.1.0-1");
        ck_assert(package_version("wslbridge_1.0~rc1+x_arm64.deb", "arm64", version));
        ck_assert(!package_version("wslbridge_0.1.0-1_amd64.deb", "arm64", version));
        ck_assert(!package_version("wslbridge_0.1.0-1_amd64.deb.part", "amd64", version));
        ck_assert(!package_version("wslbridge__amd64.deb", "amd64", version));
        ck_assert(!package_version("wslbridge_1;reboot_amd64.deb", "amd64", version));
        ck_assert(!package_version("wslbridge_1 2_amd64.deb", "amd64", version));
        ck_assert(!package_version("wslbridge-dbgsym_1_amd64.deb", "amd64", version));
        ck_assert(!package_version("wslbridge_0000000000000000000000000000000000000000000000000000"
                                   "000000000000_amd64.deb",
                                   "amd64", version));
}
END_TEST

START_TEST(test_versions) {
        static const char *const rising[] = {"0.0.9", "0.1.0", "0.1.0-1", "0.1.0-2",
                                             "0.1.1", "0.2.0", "0.10.0",  "1.0"};

        for (size_t i = 0; i < sizeof(rising) / sizeof(*rising); i++)
                for (size_t j = 0; j < sizeof(rising) / sizeof(*rising); j++) {
                        int r = version_compare(rising[i], rising[j]);

                        ck_assert_msg((r > 0) == (i > j) && (r < 0) == (i < j), "%s %s", rising[i],
                                      rising[j]);
                }
}
END_TEST

START_TEST(test_sums) {
        static const char *const with[] = {
                SUM "  a.deb\n",
                SUM " *a.deb\r\n",
                SUM "  guest/a.deb",
                SUM "  b.deb\n\n" SUM "  ./a.deb\n",
        };
        static const char *const without[] = {
                "",
                SUM "  ba.deb\n",
                SUM "  a.deb.old\n",
                SUM " a.deb\n",
                "x" SUM "  a.deb\n",
                "0" SUM "  a.deb\n",
                SUM "a.deb\n",
                "  a.deb\n",
        };
        char sum[PACKAGE_SUM_MAX];

        for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
                ck_assert_msg(package_sum(with[i], "a.deb", sum), "%zu", i);
                ck_assert_str_eq(sum, SUM);
        }
        for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
                ck_assert_msg(!package_sum(without[i], "a.deb", sum), "%zu", i);
}
END_TEST

START_TEST(test_base64) {
        static const struct {
                const char *bytes, *text;
        } cases[] = {
                {"", ""},          {"f", "Zg==\n"},          {"fo", "Zm8=\n"},
                {"foo", "Zm9v\n"}, {"foobar", "Zm9vYmFy\n"}, {"\xff\xfe\xfd", "//79\n"},
        };
        uint8_t many[58] = {0};
        Buffer out = BUFFER_NULL;

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                package_base64((const uint8_t *) cases[i].bytes, strlen(cases[i].bytes), &out);
                ck_assert_str_eq(buffer_text(&out), cases[i].text);
                buffer_done(&out);
        }
        package_base64(many, sizeof(many), &out); /* a line of 76 characters, and a second one */
        ck_assert_uint_eq(buffer_length(&out), 76 + 1 + 4 + 1);
        ck_assert_int_eq(buffer_text(&out)[76], '\n');
        ck_assert_str_eq(buffer_text(&out) + 77, "AA==\n");
        buffer_done(&out);
}
END_TEST

int main(void) {
        Suite *s = suite_create("package-file");
        TCase *t = tcase_create("package-file");

        tcase_add_test(t, test_names);
        tcase_add_test(t, test_versions);
        tcase_add_test(t, test_sums);
        tcase_add_test(t, test_base64);
        suite_add_tcase(s, t);
        return suite_run(s);
}
