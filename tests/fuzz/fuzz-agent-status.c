/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as the agent's status.json, which wslbridgectl reads and shows. What it shows may be
 * shown, and every service is found by its name.
 */

#include "agent/ctl/client/outcome.h"
#include "agent/ctl/show/view.h"
#include "agent/status/read.h"
#include "tests/fuzz/tools/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void show(const Report *r) {
        const Style style = {.width = 80};
        Buffer out = BUFFER_NULL;

        view_header(r, &style, 1000000, &out);
        view_services(r, NULL, &style, &out);
        require(!out.oom);
        require(lines_may_be_shown(buffer_text(&out)));
        buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char time[REPORT_TIME_TEXT_SIZE];
        Report *r = NULL;
        int error = report_parse((const char *) data, n, &r);

        require(error == 0 || error == REPORT_E_NOT_JSON || error == REPORT_E_NEWER);
        if (error != 0)
                return 0;
        for (size_t i = 0; i < r->n_services; i++) {
                const char *name = r->services[i].name;

                require(report_service(r, name) != NULL && !outcome_is_gone(r, name));
                require(outcome_all_active(r, &name, 1) == (outcome_of(r, name) == OUTCOME_ACTIVE));
        }
        require(r->n_candidates <= REPORT_CANDIDATES_MAX);
        report_time_format(&r->written, 1000000, time);
        (void) report_has_read(r, 1);
        show(r);
        report_free(r);
        return 0;
}
