/* SPDX-License-Identifier: MIT */

/*
 * Addresses as values, and their texts.
 *
 * This file does not use inet_pton(3) and inet_ntop(3): the two ends compare texts (PortProxy
 * values are texts), and the C libraries disagree on octal-looking IPv4 parts, on "::" for a single
 * zero group and on embedded IPv4 addresses.
 */

#include "common/ip.h"

#include "common/hex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define V6_GROUPS     8
#define IP_DIGITS_MAX 5 /* of a port */

/* Four decimal parts without leading zeros; nothing may follow. */
static int parse_v4(const char *text, uint8_t *ret_bytes) {
        uint8_t bytes[4];

        for (unsigned part = 0; part < 4; part++) {
                unsigned value = 0, digits = 0;

                while (*text >= '0' && *text <= '9') {
                        if (digits > 0 && value == 0)
                                return -EINVAL;
                        value = value * 10 + (unsigned) (*text++ - '0');
                        digits++;
                        if (value > 255)
                                return -EINVAL;
                }
                if (digits == 0 || *text != (part < 3 ? '.' : '\0'))
                        return -EINVAL;
                bytes[part] = (uint8_t) value;
                text++;
        }
        memcpy(ret_bytes, bytes, sizeof(bytes));
        return 0;
}

/* One group of one to four hex digits. Return: characters used, 0 when there is none. */
static unsigned parse_group(const char *text, uint8_t *ret_bytes) {
        unsigned value = 0, n = 0;

        while (n < 4 && hex_digit(text[n]) >= 0)
                value = value << 4 | (unsigned) hex_digit(text[n++]);
        if (n > 0) {
                ret_bytes[0] = (uint8_t) (value >> 8);
                ret_bytes[1] = (uint8_t) value;
        }
        return n;
}

static int parse_v6(const char *text, uint8_t *ret_bytes) {
        uint8_t bytes[16] = {0};
        unsigned at = 0;
        int gap = -1; /* where "::" stood, in bytes */

        if (text[0] == ':' && text[1] == ':') {
                gap = 0;
                text += 2;
        }
        while (*text != '\0') {
                unsigned n;

                if (at <= 12 && parse_v4(text, bytes + at) == 0) {
                        at += 4; /* the last 32 bits as IPv4 */
                        break;
                }
                n = at < 16 ? parse_group(text, bytes + at) : 0;
                if (n == 0)
                        return -EINVAL;
                at += 2;
                text += n;
                if (*text == '\0')
                        break;
                if (*text++ != ':' || *text == '\0')
                        return -EINVAL;
                if (*text == ':') {
                        if (gap >= 0)
                                return -EINVAL;
                        gap = (int) at;
                        text++;
                }
        }
        /* "::" stands for at least one group. */
        if (gap < 0 ? at != 16 : at > 14)
                return -EINVAL;
        if (gap >= 0) {
                unsigned tail = at - (unsigned) gap;

                memmove(bytes + 16 - tail, bytes + gap, tail);
                memset(bytes + gap, 0, 16 - at);
        }
        memcpy(ret_bytes, bytes, sizeof(bytes));
        return 0;
}

int ip_parse(const char *text, IpAddr *ret_addr) {
        IpAddr addr = {0};

        if (parse_v4(text, addr.bytes) == 0)
                addr.family = IP_FAMILY_V4;
        else if (parse_v6(text, addr.bytes) == 0)
                addr.family = IP_FAMILY_V6;
        else
                return -EINVAL;
        *ret_addr = addr;
        return 0;
}

int ip_parse_prefix(const char *text, IpAddr *ret_net, uint8_t *ret_length) {
        size_t n = strcspn(text, "/");
        const char *digit = text + n;
        char address[IP_TEXT_MAX];
        unsigned length = 0, bits;
        IpAddr net;

        if (n >= sizeof(address))
                return -EINVAL;
        memcpy(address, text, n);
        address[n] = '\0';
        if (ip_parse(address, &net) < 0)
                return -EINVAL;
        bits = ip_family_bits(net.family);
        if (*digit == '\0') {
                length = bits;
        } else {
                while (*++digit >= '0' && *digit <= '9' && length <= bits)
                        length = length * 10 + (unsigned) (*digit - '0');
                if (digit == text + n + 1 || *digit != '\0' || length > bits)
                        return -EINVAL;
        }
        *ret_net = net;
        *ret_length = (uint8_t) length;
        return 0;
}

static unsigned group_at(const IpAddr *addr, unsigned i) {
        return (unsigned) addr->bytes[2 * i] << 8 | addr->bytes[2 * i + 1];
}

bool ip_is_v4_mapped(const IpAddr *addr) {
        static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

        return addr->family == IP_FAMILY_V6 && memcmp(addr->bytes, prefix, sizeof(prefix)) == 0;
}

/* RFC 5952: lower case, no leading zeros, "::" for the first longest run of two or more. */
static void format_v6(const IpAddr *addr, char *ret_text) {
        unsigned best = V6_GROUPS, best_length = 1;
        size_t at = 0;

        if (ip_is_v4_mapped(addr)) {
                (void) snprintf(ret_text, IP_TEXT_MAX, "::ffff:%u.%u.%u.%u", addr->bytes[12],
                                addr->bytes[13], addr->bytes[14], addr->bytes[15]);
                return;
        }
        for (unsigned i = 0; i < V6_GROUPS; i++) {
                unsigned n = 0;

                while (i + n < V6_GROUPS && group_at(addr, i + n) == 0)
                        n++;
                if (n > best_length) {
                        best = i;
                        best_length = n;
                }
        }
        for (unsigned i = 0; i < V6_GROUPS;) {
                int n;

                if (i == best) {
                        n = snprintf(ret_text + at, IP_TEXT_MAX - at, "::");
                        i += best_length;
                } else {
                        bool first = i == 0 || i == best + best_length;

                        n = snprintf(ret_text + at, IP_TEXT_MAX - at, "%s%x", first ? "" : ":",
                                     group_at(addr, i));
                        i++;
                }
                at += n > 0 ? (size_t) n : 0;
        }
}

char *ip_append_number(char *p, unsigned value) {
        char digits[IP_DIGITS_MAX];
        size_t n = 0;

        do {
                digits[n++] = (char) ('0' + value % 10);
                value /= 10;
        } while (value > 0 && n < sizeof(digits));
        while (n > 0)
                *p++ = digits[--n];
        *p = '\0';
        return p;
}

void ip_format(const IpAddr *addr, char ret_text[IP_TEXT_MAX]) {
        char *p = ret_text;

        if (addr->family == IP_FAMILY_V4) {
                for (int i = 0; i < 4; i++) {
                        if (i > 0)
                                *p++ = '.';
                        p = ip_append_number(p, addr->bytes[i]);
                }
        } else if (addr->family == IP_FAMILY_V6) {
                format_v6(addr, ret_text);
        } else {
                (void) snprintf(ret_text, IP_TEXT_MAX, "none");
        }
}

void ip_endpoint_format(const IpEndpoint *endpoint, char ret_text[IP_ENDPOINT_TEXT_MAX]) {
        bool v6 = endpoint->addr.family == IP_FAMILY_V6;
        char *p = ret_text;

        if (v6)
                *p++ = '[';
        ip_format(&endpoint->addr, p);
        p += strlen(p);
        if (v6)
                *p++ = ']';
        *p++ = ':';
        p = ip_append_number(p, endpoint->port);
        if (endpoint->udp)
                memcpy(p, IP_UDP_TEXT, sizeof(IP_UDP_TEXT));
}

int ip_compare(const IpAddr *a, const IpAddr *b) {
        if (a->family != b->family)
                return a->family < b->family ? -1 : 1;
        return memcmp(a->bytes, b->bytes, ip_family_bits(a->family) / 8);
}

int ip_endpoint_compare(const IpEndpoint *a, const IpEndpoint *b) {
        int r = ip_compare(&a->addr, &b->addr);

        if (r == 0)
                r = (a->port > b->port) - (a->port < b->port);
        return r ? r : (int) a->udp - (int) b->udp;
}

unsigned ip_family_bits(uint8_t family) {
        if (family == IP_FAMILY_V4)
                return 32;
        return family == IP_FAMILY_V6 ? 128 : 0;
}

bool ip_in_prefix(const IpAddr *addr, const IpAddr *net, unsigned prefix) {
        unsigned whole = prefix / 8, rest = prefix % 8;

        if (addr->family != net->family || prefix > ip_family_bits(addr->family))
                return false;
        if (memcmp(addr->bytes, net->bytes, whole) != 0)
                return false;
        return rest == 0 || (addr->bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0;
}

bool ip_has_host_bits(const IpAddr *addr, unsigned prefix) {
        unsigned bits = ip_family_bits(addr->family);

        for (unsigned i = prefix; i < bits; i++)
                if (addr->bytes[i / 8] & 0x80u >> i % 8)
                        return true;
        return false;
}

bool ip_is_any(const IpAddr *addr) {
        return addr->family != IP_FAMILY_NONE && !ip_has_host_bits(addr, 0);
}

bool ip_is_loopback(const IpAddr *addr) {
        static const IpAddr v6 = {.family = IP_FAMILY_V6, .bytes = {[15] = 1}};

        if (addr->family == IP_FAMILY_V4)
                return addr->bytes[0] == 127;
        return ip_compare(addr, &v6) == 0;
}

static const char *v4_guest_problem(const uint8_t *b) {
        static const uint8_t wsl_dns[4] = {10, 255, 255, 254};

        if (b[0] == 0)
                return "is an unspecified address";
        if (b[0] == 169 && b[1] == 254)
                return "is a link-local address";
        if (b[0] >= 224 && b[0] < 240)
                return "is a multicast address";
        if (b[0] >= 240)
                return "is a reserved or broadcast address";
        if (memcmp(b, wsl_dns, sizeof(wsl_dns)) == 0)
                return "is WSL's own DNS tunnelling address";
        return NULL;
}

static const char *v6_guest_problem(const IpAddr *addr) {
        if (ip_is_any(addr))
                return "is an unspecified address";
        if (addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80)
                return "is a link-local address";
        if (addr->bytes[0] == 0xff)
                return "is a multicast address";
        if (ip_is_v4_mapped(addr))
                return "is an IPv4-mapped address";
        return NULL;
}

const char *ip_guest_problem(const IpAddr *addr) {
        if (ip_is_loopback(addr))
                return "is a loopback address";
        if (addr->family == IP_FAMILY_V4)
                return v4_guest_problem(addr->bytes);
        if (addr->family == IP_FAMILY_V6)
                return v6_guest_problem(addr);
        return "is not an address";
}
