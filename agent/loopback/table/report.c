/* SPDX-License-Identifier: MIT */

/* Reading and writing the report about the ports of the table; see report.h. */

#include "agent/loopback/table/report.h"

#include <stdlib.h>
#include <string.h>

static const char first_line[] = "wslbridge-loopback 2";

static const char *parse_reported(char *line, LoopbackReport *r) {
        LoopbackReported x = {0};
        bool has_port = loopback_cut_port(&line, &x.port);
        const char *error = loopback_cut_word(&line);

        x.error = (uint16_t) loopback_parse_number(error, LOOPBACK_ERROR_MAX);
        if (!has_port || !error || (x.error == 0 && strcmp(error, "0") != 0) || line)
                return "a line is not 'tcp' or 'udp', a port and an error";
        if (r->n_ports > 0 && loopback_port_compare(&r->ports[r->n_ports - 1].port, &x.port) >= 0)
                return "the ports are not in order";
        if (r->n_ports == LOOPBACK_PORTS_MAX)
                return "there are too many ports";
        r->ports[r->n_ports++] = x;
        return NULL;
}

static const char *parse(char *text, LoopbackReport *r) {
        char *at = text, *line = loopback_cut_line(&at);
        const char *problem;

        if (!line || strcmp(line, first_line) != 0)
                return "it does not begin with a first line that this version knows";
        line = loopback_cut_line(&at);
        problem = line ? loopback_host_parse(line, &r->host) : "the line 'host' is missing";
        while (!problem && *at) {
                line = loopback_cut_line(&at);
                problem = line ? parse_reported(line, r) : "its last line has no end";
        }
        return problem;
}

const char *loopback_report_parse(const char *text, LoopbackReport *ret_report) {
        char copy[LOOPBACK_TEXT_MAX + 1];
        LoopbackReport r = {0};
        const char *problem;
        size_t n = strlen(text);

        if (n > LOOPBACK_TEXT_MAX)
                return "it is too long";
        memcpy(copy, text, n + 1);
        problem = parse(copy, &r);
        if (!problem)
                *ret_report = r;
        return problem;
}

void loopback_report_format(const LoopbackReport *r, Buffer *out) {
        buffer_printf(out, "%s\n", first_line);
        loopback_host_format(&r->host, out);
        for (size_t i = 0; i < r->n_ports; i++) {
                const LoopbackReported *x = &r->ports[i];

                buffer_printf(out, "%s %u %u\n", x->port.udp ? "udp" : "tcp",
                              (unsigned) x->port.port, (unsigned) x->error);
        }
}

static int compare_to_port(const void *port, const void *reported) {
        return loopback_port_compare(port, &((const LoopbackReported *) reported)->port);
}

bool loopback_report_has(const LoopbackReport *r, const LoopbackHost *host, LoopbackPort port,
                         int *ret_error) {
        const LoopbackReported *found = NULL;

        if (loopback_host_alike(&r->host, host))
                found = bsearch(&port, r->ports, r->n_ports, sizeof(r->ports[0]), compare_to_port);
        if (found)
                *ret_error = found->error;
        return found != NULL;
}

bool loopback_report_covers(const LoopbackReport *r, const LoopbackTable *table) {
        if (r->n_ports != table->n_ports || !loopback_host_alike(&r->host, &table->host))
                return false;
        for (size_t i = 0; i < r->n_ports; i++)
                if (loopback_port_compare(&r->ports[i].port, &table->ports[i]) != 0)
                        return false;
        return true;
}
