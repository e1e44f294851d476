/* SPDX-License-Identifier: MIT */

/*
 * Claim: addresses are read and written as inet_pton(3) and RFC 5952 say, and the predicates that
 * protect the host hold at their borders.
 */

#include "common/ip.h"
#include "tests/suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static IpAddr parse(const char *text) {
        IpAddr addr = {0};

        ck_assert_msg(ip_parse(text, &addr) == 0, "'%s' is a literal", text);
        return addr;
}

static const struct {
        const char *text, *canonical; /* NULL: the same text; "" = no literal */
} literals[] = {
        {"0.0.0.0", NULL},
        {"192.0.2.1", NULL},
        {"255.255.255.255", NULL},
        {"256.0.0.1", ""},
        {"1.2.3", ""},
        {"1.2.3.4.5", ""},
        {"1.2.3.", ""},
        {"01.2.3.4", ""},
        {"1.2.3.00", ""},
        {" 1.2.3.4", ""},
        {"1.2.3.4 ", ""},
        {"1.2.3.4/8", ""},
        {"+1.2.3.4", ""},
        {"0x7f.0.0.1", ""},
        {"", ""},
        {"localhost", ""},
        {"::", NULL},
        {"::1", NULL},
        {"1::", NULL},
        {"2001:db8::1", NULL},
        {"2001:DB8::ABCD", "2001:db8::abcd"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", NULL}, /* a single zero group is written out */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, /* the first of equal runs */
        {"1:2:3:4:5:6:7:8", NULL},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", NULL},
        {"::FFFF:c000:0201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"1:2:3:4:5:6:7:1.2.3.4", ""},
        {"::1.2.3", ""},
        {"1.2.3.4::", ""},
        {":", ""},
        {":::", ""},
        {"1:::2", ""},
        {"1::2::3", ""},
        {":1::", ""},
        {"1:2:3:4:5:6:7", ""},
        {"1:2:3:4:5:6:7:", ""},
        {"1:2:3:4:5:6:7:8:9", ""},
        {"1:2:3:4:5:6:7:8::", ""},
        {"::1:2:3:4:5:6:7:8", ""},
        {"12345::", ""},
        {"g::", ""},
        {"[::1]", ""},
        {"fe80::1%eth0", ""},
};

START_TEST(test_text) {
        const char *text = literals[_i].text, *canonical = literals[_i].canonical;
        char out[IP_TEXT_MAX];
        IpAddr addr, again;

        if (canonical != NULL && canonical[0] == '\0') {
                ck_assert_int_eq(ip_parse(text, &addr), -EINVAL);
                return;
        }
        addr = parse(text);
        ip_format(&addr, out);
        ck_assert_str_eq(out, canonical ? canonical : text);
        again = parse(out);
        ck_assert_int_eq(ip_compare(&addr, &again), 0);
}
END_TEST

/* Nearly right texts, made by a fixed generator: the same answer as the C library's. */
START_TEST(test_same_as_inet_pton) {
        static const char alphabet[] = "0123456789abcfF::::....::1";
        uint32_t seed = 20240817, accepted = 0, wrong = 0;

        for (unsigned round = 0; round < 400000; round++) {
                char text[24];
                unsigned n;
                uint8_t bytes[16];
                IpAddr addr = {0};
                int family, r;

                seed = seed * 1664525 + 1013904223;
                n = seed >> 28;
                for (unsigned i = 0; i < n; i++) {
                        seed = seed * 1664525 + 1013904223;
                        text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
                }
                text[n] = '\0';
                family = strchr(text, ':') ? AF_INET6 : AF_INET;
                r = ip_parse(text, &addr);
                /* Counted: an assertion each would be a message to Check's other process each. */
                if ((inet_pton(family, text, bytes) == 1) != (r == 0))
                        wrong++;
                else if (r == 0 && memcmp(addr.bytes, bytes, family == AF_INET ? 4 : 16) != 0)
                        wrong++;
                accepted += r == 0;
        }
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_gt(accepted, 1000);
}
END_TEST

/* Every pattern of zero groups, against the C library (which also follows RFC 5952 there). */
START_TEST(test_same_as_inet_ntop) {
        for (unsigned mask = 0x100; mask < 0x200; mask++) {
                IpAddr addr = {.family = IP_FAMILY_V6, .bytes = {0x20}};
                char ours[IP_TEXT_MAX], theirs[INET6_ADDRSTRLEN];

                for (unsigned i = 0; i < 8; i++)
                        addr.bytes[2 * i + 1] = (uint8_t) (mask & 1u << i ? i + 10 : 0);
                ip_format(&addr, ours);
                ck_assert_ptr_nonnull(inet_ntop(AF_INET6, addr.bytes, theirs, sizeof(theirs)));
                ck_assert_str_eq(ours, theirs);
        }
}
END_TEST

START_TEST(test_endpoint) {
        IpEndpoint a = {.addr = ip_v4(0, 0, 0, 0), .port = 80};
        IpEndpoint b = {.addr = parse("::"), .port = 65535};
        IpEndpoint c = {.addr = parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), .port = 65535};
        IpEndpoint none = {0};
        char text[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(&a, text);
        ck_assert_str_eq(text, "0.0.0.0:80");
        ip_endpoint_format(&b, text);
        ck_assert_str_eq(text, "[::]:65535");
        ip_endpoint_format(&c, text);
        ck_assert_str_eq(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
        ip_endpoint_format(&none, text);
        ck_assert_str_eq(text, "none:0");
        ck_assert_int_lt(ip_endpoint_compare(&a, &b), 0);
        ck_assert_int_gt(ip_endpoint_compare(&b, &a), 0);
        b = a;
        ck_assert_int_eq(ip_endpoint_compare(&a, &b), 0);
        b.port = 79;
        ck_assert_int_gt(ip_endpoint_compare(&a, &b), 0);
}
END_TEST

START_TEST(test_prefix) {
        IpAddr a = parse("172.20.37.5"), net = parse("172.20.32.0"), other = parse("172.20.48.0");
        IpAddr six = parse("2001:db8::5"), net6 = parse("2001:db8::");

        ck_assert(ip_in_prefix(&a, &net, 20));
        ck_assert(!ip_in_prefix(&a, &other, 20));
        ck_assert(ip_in_prefix(&a, &other, 11));
        ck_assert(ip_in_prefix(&a, &other, 0));
        ck_assert(ip_in_prefix(&a, &a, 32));
        ck_assert(!ip_in_prefix(&a, &a, 33));
        ck_assert(ip_in_prefix(&six, &net6, 125));
        ck_assert(!ip_in_prefix(&six, &net6, 126));
        ck_assert(!ip_in_prefix(&six, &net, 0));
        ck_assert(!ip_has_host_bits(&net, 20));
        ck_assert(!ip_has_host_bits(&net, 19));
        ck_assert(ip_has_host_bits(&net, 18));
        ck_assert(!ip_has_host_bits(&a, 32));
        ck_assert(ip_has_host_bits(&six, 127));
        ck_assert(!ip_has_host_bits(&six, 128));
        ck_assert(ip_is_any(&(IpAddr){.family = IP_FAMILY_V6}));
        ck_assert(!ip_is_any(&(IpAddr){0}));
        ck_assert(!ip_is_any(&a));
}
END_TEST

START_TEST(test_parse_prefix) {
        static const struct {
                const char *text, *address;
                unsigned length;
        } good[] = {
                {"172.20.32.0/20", "172.20.32.0", 20}, {"172.20.32.1/020", "172.20.32.1", 20},
                {"10.0.0.0/0", "10.0.0.0", 0},         {"192.0.2.1/32", "192.0.2.1", 32},
                {"192.0.2.1", "192.0.2.1", 32},        {"2001:db8::/128", "2001:db8::", 128},
                {"2001:db8::", "2001:db8::", 128},
        };
        static const char *const bad[] = {"",
                                          "/",
                                          "10.0.0.0/",
                                          "10.0.0.0/33",
                                          "10.0.0.0/+8",
                                          "/8",
                                          "10.0.0/8",
                                          "10.0.0.0/ 8",
                                          "10.0.0.0/8/8",
                                          "2001:db8::/129",
                                          "10.0.0.0x",
                                          "10.0.0.0/8 ",
                                          "10.0.0.0/-0",
                                          "10.0.0.0/4294967296",
                                          "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/8"};
        IpAddr net = {.family = IP_FAMILY_NONE};
        uint8_t length = 77;

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                ck_assert_msg(ip_parse_prefix(bad[i], &net, &length) == -EINVAL, "%s", bad[i]);
        ck_assert_uint_eq(net.family, IP_FAMILY_NONE);
        ck_assert_uint_eq(length, 77);
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                IpAddr address = parse(good[i].address);

                ck_assert_msg(ip_parse_prefix(good[i].text, &net, &length) == 0, "%s",
                              good[i].text);
                ck_assert_int_eq(ip_compare(&net, &address), 0);
                ck_assert_uint_eq(length, good[i].length);
        }
}
END_TEST

static const struct {
        const char *text;
        const char *word; /* of the answer; NULL = may be a guest */
} guests[] = {
        {"172.20.37.5", NULL},
        {"10.255.255.253", NULL},
        {"10.255.255.254", "DNS"},
        {"0.0.0.0", "unspecified"},
        {"0.1.2.3", "unspecified"},
        {"126.255.255.255", NULL},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loop"},
        {"128.0.0.1", NULL},
        {"169.254.0.1", "link-local"},
        {"169.253.1.1", NULL},
        {"223.255.255.255", NULL},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.0", "reserved"},
        {"255.255.255.255", "broadcast"},
        {"2001:db8::5", NULL},
        {"fd00::5", NULL},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::2", NULL},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", NULL},
        {"ff02::1", "multicast"},
        {"::ffff:172.20.37.5", "mapped"},
};

START_TEST(test_guest_problem) {
        IpAddr addr = parse(guests[_i].text);
        const char *problem = ip_guest_problem(&addr);

        if (guests[_i].word == NULL) {
                ck_assert_msg(problem == NULL, "%s: %s", guests[_i].text, problem);
                return;
        }
        ck_assert_msg(problem != NULL, "%s must be refused", guests[_i].text);
        ck_assert_msg(strstr(problem, guests[_i].word) != NULL, "%s: %s", guests[_i].text, problem);
}
END_TEST

START_TEST(test_none) {
        IpAddr none = {0};
        char text[IP_TEXT_MAX];

        ip_format(&none, text);
        ck_assert_str_eq(text, "none");
        ck_assert_ptr_nonnull(ip_guest_problem(&none));
        ck_assert_uint_eq(ip_family_bits(IP_FAMILY_NONE), 0);
        ck_assert_uint_eq(ip_family_bits(5), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ip");
        TCase *tcase = tcase_create("ip");

        tcase_add_loop_test(tcase, test_text, 0, (int) ELEMENTS(literals));
        tcase_add_test(tcase, test_same_as_inet_pton);
        tcase_add_test(tcase, test_same_as_inet_ntop);
        tcase_add_test(tcase, test_endpoint);
        tcase_add_test(tcase, test_prefix);
        tcase_add_test(tcase, test_parse_prefix);
        tcase_add_loop_test(tcase, test_guest_problem, 0, (int) ELEMENTS(guests));
        tcase_add_test(tcase, test_none);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
