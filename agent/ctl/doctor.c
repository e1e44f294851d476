/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl doctor: surveys the guest and prints what is wrong, as text or as JSON.
 */

#include "agent/ctl/ctl.h"
#include "agent/ctl/doctor/guest-checks.h"
#include "agent/ctl/doctor/survey.h"
#include "agent/ctl/show/terminal.h"

#include <string.h>

/* For people, when there is not even a hint. */
static void print_good(const Report *r, Buffer *out) {
        const char *forwarder = "", *why = "";
        size_t n_active = 0;

        for (size_t i = 0; r && i < r->n_services; i++) {
                if (strcmp(r->services[i].state, "active") != 0)
                        continue;
                forwarder = r->services[i].forwarder; /* of all: otherwise there is a finding */
                why = finding_why_text(r->services[i].why);
                n_active++;
        }
        buffer_printf(out, "No problem found; %zu service%s active", n_active,
                      n_active == 1 ? "" : "s");
        if (*forwarder)
                buffer_printf(out, " (%s%s%s)", forwarder, *why ? ", " : "", why);
        buffer_printf(out, ".\n");
}

static void print_findings(const Findings *findings, Buffer *out) {
        Style style = terminal_style();
        const char *const colours[_FINDING_RANK_END + 1] = {
                [FINDING_BROKEN] = style_colour(&style, COLOUR_BAD),
                [FINDING_PROBLEM] = style_colour(&style, COLOUR_WAIT),
                [FINDING_HINT] = style_colour(&style, COLOUR_FAINT),
                [FINDING_UNSEEN] = style_colour(&style, COLOUR_FAINT),
                [FINDING_GOOD] = style_colour(&style, COLOUR_GOOD),
                [_FINDING_RANK_END] = style_colour(&style, COLOUR_NONE),
        };

        findings_text(findings, style.width, colours, out);
}

int ctl_doctor(const CtlOptions *o, int n, char **names) {
        _cleanup_(guest_survey_done) GuestSurvey survey = {0};
        Findings findings;
        Buffer out = BUFFER_NULL;
        bool bad;
        int r = guest_survey_take(o->root, &survey);

        if (r < 0)
                return ctl_error("Cannot look at this guest: %s", strerror(-r));
        guest_checks_run(&survey.evidence, &findings);
        if (o->json)
                findings_json(&findings, "wslbridgectl", &out);
        else if (findings.n == 0 && !findings.oom)
                print_good(survey.report, &out);
        else
                print_findings(&findings, &out);
        bad = findings_are_bad(&findings);
        findings_done(&findings);
        return terminal_print(&out) < 0 || bad ? CTL_EXIT_FAILURE : CTL_EXIT_OK;
}
