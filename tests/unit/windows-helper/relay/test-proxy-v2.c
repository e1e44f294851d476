/* SPDX-License-Identifier: MIT */

/*
 * The header of the PROXY protocol against bytes written down by hand from the tables of HAProxy's
 * doc/proxy-protocol.txt, section 2.2.
 */

#include "tests/suite.h"
#include "windows-helper/core/relay/proxy-v2.h"

#include <string.h>

#define SIGNATURE 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a

static IpEndpoint endpoint(const char *text, uint16_t port) {
        IpEndpoint e = {.port = port};

        ck_assert_int_eq(ip_parse(text, &e.addr), 0);
        return e;
}

static void expect(const IpEndpoint *client, const IpEndpoint *asked, const uint8_t *bytes,
                   size_t n) {
        uint8_t header[PROXY_V2_MAX];

        memset(header, 0xee, sizeof(header));
        ck_assert_uint_eq(proxy_v2_encode(client, asked, header), n);
        ck_assert_mem_eq(header, bytes, n);
        for (size_t i = n; i < sizeof(header); i++)
                ck_assert_uint_eq(header[i], 0xee); /* nothing is written behind it */
}

START_TEST(test_ipv4) {
        static const uint8_t bytes[] = {
                SIGNATURE, 0x21, 0x11, 0x00, 0x0c, /* version 2, PROXY; TCP over IPv4; 12 bytes */
                192,       0,    2,    1,    198,  51, 100, 255, /* source and destination */
                0x04,      0xd2, 0x00, 0x50,                     /* 1234 and 80 */
        };
        IpEndpoint client = endpoint("192.0.2.1", 1234), asked = endpoint("198.51.100.255", 80);

        expect(&client, &asked, bytes, sizeof(bytes));
}
END_TEST

START_TEST(test_ipv6) {
        static const uint8_t bytes[] = {
                SIGNATURE, 0x21, 0x21, 0x00, 0x24, /* TCP over IPv6; 36 bytes */
                0x20,      0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0, 0, 0,
                0,         0,    0x01, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0, 0, 0,
                0,         0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0x01, 0xbb, /* 65535 and 443 */
        };
        IpEndpoint client = endpoint("2001:db8::1", 65535), asked = endpoint("2001:db8::ffff", 443);

        expect(&client, &asked, bytes, sizeof(bytes));
}
END_TEST

/* Who has no client, or two families that one header cannot have, speaks for itself. */
START_TEST(test_local) {
        static const uint8_t bytes[] = {SIGNATURE, 0x20, 0x00, 0x00, 0x00};
        IpEndpoint v4 = endpoint("192.0.2.1", 1234), v6 = endpoint("2001:db8::1", 1), none = {0};

        expect(NULL, NULL, bytes, sizeof(bytes));
        expect(&v4, NULL, bytes, sizeof(bytes));
        expect(NULL, &v4, bytes, sizeof(bytes));
        expect(&v4, &v6, bytes, sizeof(bytes));
        expect(&none, &none, bytes, sizeof(bytes));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("proxy-v2");
        TCase *tc = tcase_create("header");

        tcase_add_test(tc, test_ipv4);
        tcase_add_test(tc, test_ipv6);
        tcase_add_test(tc, test_local);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
