/* SPDX-License-Identifier: MIT */

/* Reading and writing the table of ports; see table.h. */

#include "agent/loopback/table/table.h"

#include <ctype.h>
#include <string.h>

static const char first_line[] = "wslbridge-loopback 1";

/* The networks that the program's unit lets through (IPAddressAllow=). */
static bool is_private(const IpAddr *addr) {
        static const struct {
                IpAddr net;
                unsigned prefix;
        } networks[] = {
                {{IP_FAMILY_V4, {10}}, 8},        /* 10.0.0.0/8 */
                {{IP_FAMILY_V4, {172, 16}}, 12},  /* 172.16.0.0/12 */
                {{IP_FAMILY_V4, {192, 168}}, 16}, /* 192.168.0.0/16 */
                {{IP_FAMILY_V6, {0xfc}}, 7},      /* fc00::/7 */
        };

        for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
                if (ip_in_prefix(addr, &networks[i].net, networks[i].prefix))
                        return true;
        return false;
}

const char *loopback_host_problem(const LoopbackHost *host) {
        if (host->guest.family == IP_FAMILY_NONE)
                return "has no address";
        if (host->gateway.family == IP_FAMILY_NONE)
                return "has no gateway, so the host cannot be told from strangers";
        if (!is_private(&host->guest) || !is_private(&host->gateway))
                return "has an address or a gateway outside the private networks, which alone are "
                       "let through to wslbridge-loopback";
        if (host->gateway.family != host->guest.family ||
            ip_compare(&host->guest, &host->gateway) == 0)
                return "has an address and a gateway that do not belong together";
        if (!host->interface[0])
                return "has no interface for its address";
        for (const char *p = host->interface; *p; p++)
                if ((unsigned char) *p <= ' ')
                        return "has an interface whose name cannot be written";
        return NULL;
}

bool loopback_host_alike(const LoopbackHost *x, const LoopbackHost *y) {
        return ip_compare(&x->guest, &y->guest) == 0 && ip_compare(&x->gateway, &y->gateway) == 0 &&
               strcmp(x->interface, y->interface) == 0;
}

bool loopback_host_equal(const LoopbackHost *x, const LoopbackHost *y) {
        return loopback_host_alike(x, y) && x->index == y->index;
}

int loopback_port_compare(const LoopbackPort *x, const LoopbackPort *y) {
        if (x->udp != y->udp)
                return x->udp ? 1 : -1;
        return x->port < y->port ? -1 : x->port > y->port;
}

bool loopback_table_equal(const LoopbackTable *x, const LoopbackTable *y) {
        if (x->n_ports != y->n_ports || !loopback_host_equal(&x->host, &y->host))
                return false;
        for (size_t i = 0; i < x->n_ports; i++)
                if (loopback_port_compare(&x->ports[i], &y->ports[i]) != 0)
                        return false;
        return true;
}

bool loopback_table_add(LoopbackTable *t, bool udp, uint16_t port) {
        LoopbackPort new = {.udp = udp, .port = port};
        size_t at = t->n_ports;

        while (at > 0 && loopback_port_compare(&t->ports[at - 1], &new) > 0)
                at--;
        if (at > 0 && loopback_port_compare(&t->ports[at - 1], &new) == 0)
                return true;
        if (t->n_ports == LOOPBACK_PORTS_MAX)
                return false;
        memmove(&t->ports[at + 1], &t->ports[at], (t->n_ports - at) * sizeof(t->ports[0]));
        t->ports[at] = new;
        t->n_ports++;
        return true;
}

char *loopback_cut_line(char **at) {
        char *line = *at, *end = strchr(line, '\n');

        if (!end)
                return NULL;
        *end = '\0';
        *at = end + 1;
        return line;
}

char *loopback_cut_word(char **at) {
        char *word = *at, *end;

        if (!word || !*word)
                return NULL;
        end = strchr(word, ' ');
        *at = end ? end + 1 : NULL;
        if (end)
                *end = '\0';
        return word;
}

unsigned loopback_parse_number(const char *text, unsigned max) {
        unsigned value = 0;

        if (!text || *text < '1' || *text > '9')
                return 0;
        for (; *text; text++) {
                if (!isdigit((unsigned char) *text))
                        return 0;
                value = value * 10 + (unsigned) (*text - '0');
                if (value > max)
                        return 0;
        }
        return value;
}

static bool parse_ip(const char *word, IpAddr *ret_addr) {
        char text[IP_TEXT_MAX];

        if (!word || ip_parse(word, ret_addr) < 0)
                return false;
        ip_format(ret_addr, text);
        return strcmp(text, word) == 0;
}

const char *loopback_host_parse(char *line, LoopbackHost *ret_host) {
        LoopbackHost *host = ret_host;
        const char *word = loopback_cut_word(&line), *interface;

        if (!word || strcmp(word, "host") != 0)
                return "the line 'host' is missing";
        if (!parse_ip(loopback_cut_word(&line), &host->guest) ||
            !parse_ip(loopback_cut_word(&line), &host->gateway))
                return "the line 'host' does not have two addresses";
        interface = loopback_cut_word(&line);
        if (!interface || line || strlen(interface) > LOOPBACK_INTERFACE_MAX)
                return "the line 'host' does not end with an interface";
        memcpy(host->interface, interface, strlen(interface) + 1);
        return loopback_host_problem(host) ? "the line 'host' has addresses that cannot be used"
                                           : NULL;
}

bool loopback_cut_port(char **at, LoopbackPort *ret_port) {
        const char *protocol = loopback_cut_word(at);
        bool udp = protocol && strcmp(protocol, "udp") == 0;

        ret_port->udp = udp;
        ret_port->port = (uint16_t) loopback_parse_number(loopback_cut_word(at), UINT16_MAX);
        return protocol && (udp || strcmp(protocol, "tcp") == 0) && ret_port->port != 0;
}

static const char *parse_port(char *line, LoopbackTable *t) {
        LoopbackPort port;

        if (!loopback_cut_port(&line, &port) || line)
                return "a line is not 'tcp' or 'udp' and a port";
        if (t->n_ports > 0 && loopback_port_compare(&t->ports[t->n_ports - 1], &port) >= 0)
                return "the ports are not in order";
        if (t->n_ports == LOOPBACK_PORTS_MAX)
                return "there are too many ports";
        t->ports[t->n_ports++] = port;
        return NULL;
}

static const char *parse(char *text, LoopbackTable *t) {
        char *at = text, *line = loopback_cut_line(&at);
        const char *problem;

        if (!line || strcmp(line, first_line) != 0)
                return "it does not begin with a first line that this version knows";
        if (!*at)
                return NULL;
        line = loopback_cut_line(&at);
        problem = line ? loopback_host_parse(line, &t->host) : "its last line has no end";
        if (!problem && !*at)
                return "it has a host but no ports";
        while (!problem && *at) {
                line = loopback_cut_line(&at);
                problem = line ? parse_port(line, t) : "its last line has no end";
        }
        return problem;
}

const char *loopback_table_parse(const char *text, LoopbackTable *ret_table) {
        char copy[LOOPBACK_TEXT_MAX + 1];
        LoopbackTable t = {0};
        const char *problem;
        size_t n = strlen(text);

        if (n > LOOPBACK_TEXT_MAX)
                return "it is too long";
        memcpy(copy, text, n + 1);
        problem = parse(copy, &t);
        if (!problem)
                *ret_table = t;
        return problem;
}

void loopback_host_format(const LoopbackHost *host, Buffer *out) {
        char guest[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        ip_format(&host->guest, guest);
        ip_format(&host->gateway, gateway);
        buffer_printf(out, "host %s %s %s\n", guest, gateway, host->interface);
}

void loopback_table_format(const LoopbackTable *t, Buffer *out) {
        buffer_printf(out, "%s\n", first_line);
        if (t->n_ports == 0)
                return;
        loopback_host_format(&t->host, out);
        for (size_t i = 0; i < t->n_ports; i++)
                buffer_printf(out, "%s %u\n", t->ports[i].udp ? "udp" : "tcp",
                              (unsigned) t->ports[i].port);
}
