/* SPDX-License-Identifier: MIT */

/* wslbridgectl doctor. */

#include "agent/ctl/ctl.h"
#include "agent/ctl/doctor/evidence.h"
#include "agent/ctl/show/terminal.h"

#include <errno.h>
#include <string.h>

static void doctor_json(const Findings *findings, Buffer *out) {
        json_t *json = findings_json(findings);
        char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;

        json_decref(json);
        if (text)
                buffer_printf(out, "%s\n", text);
        else
                out->oom = true;
        free(text);
}

int ctl_doctor(const CtlOptions *o, int n, char **names) {
        _cleanup_(ctl_facts_done) CtlFacts facts = {0};
        Findings findings = FINDINGS_NULL;
        Style style = terminal_style();
        Buffer out = BUFFER_NULL;
        bool good;
        int r = ctl_facts_collect(o->root, &facts);

        if (r < 0)
                return ctl_error("Cannot collect the facts: %s", strerror(-r));
        diagnose(&facts.facts, &findings);
        if (o->json)
                doctor_json(&findings, &out);
        else
                findings_format(&findings, facts.report, &style, &out);
        good = findings.n == 0 || finding_severity(findings.items[0].id) == SEVERITY_HINT;
        findings_done(&findings);
        return terminal_print(&out) < 0 || !good ? CTL_EXIT_FAILURE : CTL_EXIT_OK;
}
