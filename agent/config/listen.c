/* SPDX-License-Identifier: MIT */

/*
 * Addresses in the configuration. Most of this file is about wrong ones: each message says how the
 * value should have been written.
 */

#include "agent/config/listen.h"

#include "agent/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define bad(value, ...) \
        (config_problems_add((value)->problems, (value)->line, (value)->key, __VA_ARGS__), false)

/* Why nothing can listen on @addr, or NULL. */
static const char *listen_problem(const IpAddr *addr) {
        if (addr->family == IP_FAMILY_V4) {
                if (addr->bytes[0] >= 224) {
                        return "is a multicast, broadcast or reserved address; use 0.0.0.0 or an "
                               "address of the Windows host";
                }
                if (addr->bytes[0] == 0 && !ip_is_any(addr))
                        return "is not an address of a host; use 0.0.0.0 for all IPv4 addresses";
                return NULL;
        }
        if (addr->bytes[0] == 0xff)
                return "is a multicast address; use [::] or an address of the Windows host";
        if (ip_is_v4_mapped(addr))
                return "is an IPv4 address in IPv6 form; write the IPv4 address";
        return NULL;
}

/* @text is not an address: say what it looks like. */
static bool bad_address(const ConfigValue *value, const char *text, const char *ports) {
        if (text[0] == '\0') {
                return bad(value, "there is no address before ':'; write 0.0.0.0:%s or just %s",
                           ports, ports);
        }
        if (strcmp(text, "*") == 0) {
                return bad(value,
                           "'*' is not an address; write 0.0.0.0:%s for all IPv4 addresses "
                           "and [::]:%s for all IPv6 addresses",
                           ports, ports);
        }
        if (strcmp(text, "localhost") == 0) {
                return bad(value, "'localhost' is a host name; write 127.0.0.1:%s or [::1]:%s",
                           ports, ports);
        }
        if (text[strspn(text, "0123456789-")] == '\0') {
                return bad(value,
                           "only the port of Windows belongs here; write 'listen = %s', and "
                           "'connect-port = %s' in a line of its own for the port of this guest",
                           text, ports);
        }
        if (text[strspn(text, "0123456789.")] == '\0') {
                return bad(value,
                           "'%s' is not an IPv4 address; write four numbers from 0 to 255 "
                           "without leading zeros, such as 192.0.2.1:%s",
                           text, ports);
        }
        return bad(
                value,
                "'%s' is not an address; write an IP address, because host names are not looked up",
                text);
}

static bool parse_listen_v6(const ConfigValue *value, char *text, IpAddr *ret_addr,
                            const char **ret_ports) {
        char *close = strchr(text, ']');

        if (!close || close[1] != ':' || close[2] == '\0') {
                return bad(value, "'%s' has no port; write [ADDRESS]:PORT, such as [::]:2222",
                           text);
        }
        *close = '\0';
        *ret_ports = close + 2;
        if (strchr(text, '%')) {
                return bad(value,
                           "'%s' has a zone, but Windows does not forward ports of link-local "
                           "addresses; use [::] or a global address",
                           text + 1);
        }
        if (ip_parse(text + 1, ret_addr) < 0) {
                return bad(value, "'%s' is not an IPv6 address; write one such as [::]:%s",
                           text + 1, *ret_ports);
        }
        if (ret_addr->family != IP_FAMILY_V6) {
                return bad(value, "brackets are for IPv6 addresses; write %s:%s", text + 1,
                           *ret_ports);
        }
        return true;
}

/* An endpoint without brackets. */
static bool parse_listen_v4(const ConfigValue *value, char *text, IpAddr *ret_addr,
                            const char **ret_ports) {
        char *colon = strrchr(text, ':');

        if (!colon) {
                if (ip_parse(text, ret_addr) == 0)
                        return bad(value, "'%s' has no port; write %s:PORT", text, text);
                *ret_addr = ip_v4(0, 0, 0, 0);
                *ret_ports = text;
                return true;
        }
        if (ip_parse(text, ret_addr) == 0) { /* contains ':', so it is IPv6 */
                char canonical[IP_TEXT_MAX];
                IpAddr addr;

                ip_format(ret_addr, canonical);
                /* The last part may be a port, or belong to the address. */
                *colon = '\0';
                if (colon[1 + strspn(colon + 1, "0123456789")] == '\0' &&
                    ip_parse(text, &addr) == 0)
                        return bad(value,
                                   "an IPv6 address needs brackets; write [%s]:%s, or [%s]:PORT if "
                                   "'%s' is a part of the address",
                                   text, colon + 1, canonical, colon + 1);
                return bad(value, "an IPv6 address needs brackets and a port; write [%s]:PORT",
                           canonical);
        }
        if (strchr(text, ':') != colon) {
                return bad(value,
                           "'%s' is not ADDRESS:PORT; an IPv6 address needs brackets, such as "
                           "[::]:2222",
                           text);
        }
        *colon = '\0';
        *ret_ports = colon + 1;
        if (ip_parse(text, ret_addr) < 0)
                return bad_address(value, text, *ret_ports);
        return true;
}

bool config_parse_listen(const ConfigValue *value, WireListen *ret_listen) {
        char text[CONFIG_LINE_MAX + 1];
        WireListen listen = {0};
        const char *ports, *problem;

        config_copy_text(text, value->text);
        if (strchr(text, '#'))
                return bad(value, "the value has a '#'; a comment after a value starts with ' ;'");
        if (strchr(text, ','))
                return bad(value, "a line has one endpoint; repeat 'listen =' for each");
        if (text[0] == '[' ? !parse_listen_v6(value, text, &listen.addr, &ports)
                           : !parse_listen_v4(value, text, &listen.addr, &ports))
                return false;
        problem = listen_problem(&listen.addr);
        if (problem) {
                char addr[IP_TEXT_MAX];

                ip_format(&listen.addr, addr);
                return bad(value, "%s %s", addr, problem);
        }
        if (!config_parse_ports(value, ports, &listen.port, &listen.count))
                return false;
        if (listen.count > WIRE_ENDPOINTS_MAX) {
                return bad(value, "the range has %u ports, but the limit is %u; narrow it",
                           listen.count, WIRE_ENDPOINTS_MAX);
        }
        listen.connect_port = listen.port;
        *ret_listen = listen;
        return true;
}

static void clear_host_bits(IpAddr *addr, unsigned length) {
        for (unsigned i = 0; i < sizeof(addr->bytes); i++) {
                unsigned keep = length > i * 8 ? length - i * 8 : 0;

                if (keep < 8)
                        addr->bytes[i] &= (uint8_t) (0xff00u >> keep);
        }
}

bool config_parse_prefix(const ConfigValue *value, const char *text, WirePrefix *ret_prefix) {
        char addr_text[CONFIG_LINE_MAX + 1], *slash;
        WirePrefix prefix = {0};
        uint64_t length;
        unsigned bits;

        config_copy_text(addr_text, text);
        slash = strchr(addr_text, '/');
        if (slash)
                *slash = '\0';
        if (ip_parse(addr_text, &prefix.addr) < 0) {
                return bad(value,
                           "'%s' is not an address or network; write LocalSubnet, any, or "
                           "addresses such as 192.0.2.7, 10.0.0.0/8, fd00::/8",
                           text);
        }
        bits = ip_family_bits(prefix.addr.family);
        length = bits;
        if (slash && config_parse_number(slash + 1, bits, &length) < 0) {
                return bad(value,
                           "'%s' is not a prefix length; write the number of network bits, "
                           "0 to %u, as in %s/%u",
                           slash + 1, bits, addr_text, bits == 32 ? 24u : 64u);
        }
        prefix.length = (uint8_t) length;
        if (ip_has_host_bits(&prefix.addr, prefix.length)) {
                char corrected[IP_TEXT_MAX];

                clear_host_bits(&prefix.addr, prefix.length);
                ip_format(&prefix.addr, corrected);
                return bad(value,
                           "%s is an address inside the network; write %s/%u for the network, or "
                           "%s for the single address",
                           text, corrected, prefix.length, addr_text);
        }
        *ret_prefix = prefix;
        return true;
}

void config_listen_format(const WireListen *l, char ret_text[CONFIG_LISTEN_TEXT_SIZE]) {
        char first[IP_ENDPOINT_TEXT_MAX], last[sizeof("-65535")] = "";

        ip_endpoint_format(&(IpEndpoint){.addr = l->addr, .port = l->port}, first);
        if (l->count > 1)
                (void) snprintf(last, sizeof(last), "-%u",
                                ((unsigned) l->port + l->count - 1) & UINT16_MAX);
        (void) snprintf(ret_text, CONFIG_LISTEN_TEXT_SIZE, "%s%s", first, last);
}
