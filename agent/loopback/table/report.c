/* SPDX-License-Identifier: MIT */

/* Reading and writing the report about the ports of the table; see report.h. */

#include "agent/loopback/table/report.h"

#include <string.h>

static const char first_line[] = "wslbridge-loopback 1";

static const char *parse_failure(char *line, LoopbackReport *r) {
        const char *protocol = loopback_cut_word(&line);
        LoopbackFailure f = {0};

        f.port.udp = protocol && strcmp(protocol, "udp") == 0;
        f.port.port = (uint16_t) loopback_parse_number(loopback_cut_word(&line), UINT16_MAX);
        f.error = (uint16_t) loopback_parse_number(loopback_cut_word(&line), LOOPBACK_ERROR_MAX);
        if (!protocol || (!f.port.udp && strcmp(protocol, "tcp") != 0) || f.port.port == 0 ||
            f.error == 0 || line)
                return "a line is not 'tcp' or 'udp', a port and an error";
        if (r->n_failures > 0 &&
            loopback_port_compare(&r->failures[r->n_failures - 1].port, &f.port) >= 0)
                return "the ports are not in order";
        if (r->n_failures == LOOPBACK_PORTS_MAX)
                return "there are too many ports";
        r->failures[r->n_failures++] = f;
        return NULL;
}

const char *loopback_report_parse(const char *text, LoopbackReport *ret_report) {
        char copy[LOOPBACK_TEXT_MAX + 1], *at = copy, *line;
        const char *problem = NULL;
        LoopbackReport r = {0};
        size_t n = strlen(text);

        if (n > LOOPBACK_TEXT_MAX)
                return "it is too long";
        memcpy(copy, text, n + 1);
        line = loopback_cut_line(&at);
        if (!line || strcmp(line, first_line) != 0)
                return "it does not begin with a first line that this version knows";
        while (!problem && *at) {
                line = loopback_cut_line(&at);
                problem = line ? parse_failure(line, &r) : "its last line has no end";
        }
        if (!problem)
                *ret_report = r;
        return problem;
}

void loopback_report_format(const LoopbackReport *r, Buffer *out) {
        buffer_printf(out, "%s\n", first_line);
        for (size_t i = 0; i < r->n_failures; i++) {
                const LoopbackFailure *f = &r->failures[i];

                buffer_printf(out, "%s %u %u\n", f->port.udp ? "udp" : "tcp",
                              (unsigned) f->port.port, (unsigned) f->error);
        }
}

int loopback_report_error(const LoopbackReport *r, bool udp, uint16_t port) {
        LoopbackPort wanted = {.udp = udp, .port = port};

        for (size_t i = 0; i < r->n_failures; i++)
                if (loopback_port_compare(&r->failures[i].port, &wanted) == 0)
                        return r->failures[i].error;
        return 0;
}
