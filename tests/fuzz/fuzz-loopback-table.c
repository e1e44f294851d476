/* SPDX-License-Identifier: MIT */

/*
 * Any text as the table for wslbridge-loopback, and as its report. What is taken has exactly the
 * text that it would be written with, and its ports are in order.
 */

#include "agent/loopback/table/report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_table(const char *text) {
        LoopbackTable t = {0};
        const char *problem = loopback_table_parse(text, &t);
        Buffer same = BUFFER_NULL;

        if (problem) {
                require(strlen(problem) > 0 && t.n_ports == 0);
                return;
        }
        require(t.n_ports == 0 || !loopback_host_problem(&t.host));
        for (size_t i = 1; i < t.n_ports; i++)
                require(loopback_port_compare(&t.ports[i - 1], &t.ports[i]) < 0);
        loopback_table_format(&t, &same);
        require(strcmp(buffer_text(&same), text) == 0);
        buffer_done(&same);
}

static void fuzz_report(const char *text) {
        LoopbackReport r = {0};
        Buffer same = BUFFER_NULL;

        if (loopback_report_parse(text, &r))
                return;
        for (size_t i = 0; i < r.n_ports; i++) {
                int error = -1;

                require(loopback_report_has(&r, &r.host, r.ports[i].port, &error));
                require(error == r.ports[i].error);
        }
        loopback_report_format(&r, &same);
        require(strcmp(buffer_text(&same), text) == 0);
        buffer_done(&same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = malloc(n + 1);

        require(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        fuzz_table(text);
        fuzz_report(text);
        free(text);
        return 0;
}
