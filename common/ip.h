/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * IP addresses, and endpoints of TCP and UDP as plain values, the same on Linux and Windows.
 *
 * It does not know the socket address types, on purpose: all code that decides about addresses
 * (choice, policy, reconcile) works on these values, and only the edges of the program translate
 * them for the platform.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum IpFamily {
        IP_FAMILY_NONE = 0, /* "no address"; zeroed memory means the same */
        IP_FAMILY_V4 = 4,
        IP_FAMILY_V6 = 6,
} IpFamily;

typedef struct IpAddr {
        uint8_t family;    /* IpFamily */
        uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
} IpAddr;

typedef struct IpEndpoint {
        IpAddr addr;
        uint16_t port; /* host order */
        bool udp;      /* TCP and UDP have ports of their own */
} IpEndpoint;

#define IP_UDP_TEXT          "/udp" /* behind the port, in texts of UDP endpoints */
#define IP_TEXT_MAX          46     /* INET6_ADDRSTRLEN: longest text with its NUL */
#define IP_ENDPOINT_TEXT_MAX 58     /* "[" address "]:65535/udp" NUL */

/**
 * ip_parse() - read an IPv4 or IPv6 literal
 * @text: literal as inet_pton(3) takes it: no brackets, no zone, no leading zeros in IPv4
 * @ret_addr: the address
 *
 * Return: 0, or -EINVAL when @text is not a literal.
 */
int ip_parse(const char *text, IpAddr *ret_addr);

/**
 * ip_parse_prefix() - read a network: ADDRESS/LENGTH, or ADDRESS for all its bits
 * @text: the length has digits only; the address may have bits behind it
 *
 * Return: 0 or -EINVAL.
 */
int ip_parse_prefix(const char *text, IpAddr *ret_net, uint8_t *ret_length);

/* Write @value in decimal, with a NUL; five digits at most. By hand, as the two below for IPv4:
 * they run several times for each rule of thousands, and printf would be half of the cost. Returns
 * the place of the NUL. */
char *ip_append_number(char *p, unsigned value);

/* Write the canonical text (for IPv6, RFC 5952) with its NUL, or "none" for IP_FAMILY_NONE. */
void ip_format(const IpAddr *addr, char ret_text[IP_TEXT_MAX]);

/* Write "192.0.2.1:80", "[2001:db8::1]:80", or for UDP "192.0.2.1:53/udp". */
void ip_endpoint_format(const IpEndpoint *endpoint, char ret_text[IP_ENDPOINT_TEXT_MAX]);

/* Total order: family first, then bytes, then port, then TCP before UDP. Return: <0, 0 or >0 like
 * memcmp(3). */
int ip_compare(const IpAddr *a, const IpAddr *b);
int ip_endpoint_compare(const IpEndpoint *a, const IpEndpoint *b);

/* Number of bits of an address of this family: 32, 128, or 0 for IP_FAMILY_NONE. */
unsigned ip_family_bits(uint8_t family);

/* True when @addr and @net have the same family and agree in their first @prefix bits. */
bool ip_in_prefix(const IpAddr *addr, const IpAddr *net, unsigned prefix);

/* True when @addr has a bit set behind its first @prefix bits, as in "10.0.0.1/8". */
bool ip_has_host_bits(const IpAddr *addr, unsigned prefix);

/* The unspecified address: 0.0.0.0 or ::. */
bool ip_is_any(const IpAddr *addr);

/* Whether @addr is an IPv4 address in IPv6 form, which has its bytes at the end. */
bool ip_is_v4_mapped(const IpAddr *addr);

/* 127.0.0.0/8 (RFC 1122, 3.2.1.3) or ::1 (RFC 4291, 2.5.3). */
bool ip_is_loopback(const IpAddr *addr);

/**
 * ip_guest_problem() - say why @addr cannot be a guest's own NAT address
 *
 * Looks at the address alone. Refuses unspecified, loopback, link-local, multicast, broadcast and
 * reserved (240.0.0.0/4) and IPv4-mapped addresses, and 10.255.255.254, which WSL puts on lo for
 * DNS tunnelling (fact 6.1.3). Checks that need the host's tables (own address, on-link) are
 * elsewhere.
 *
 * Return: NULL when the address may be a guest's, else a constant phrase that continues a sentence
 * about it, such as "is a loopback address".
 */
const char *ip_guest_problem(const IpAddr *addr);

static inline IpAddr ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
        return (IpAddr){.family = IP_FAMILY_V4, .bytes = {a, b, c, d}};
}
