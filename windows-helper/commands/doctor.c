/* SPDX-License-Identifier: MIT */

/*
 * 'doctor': collects evidence, judges it and shows the findings.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/commands/host-survey.h"
#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/doctor/host-checks.h"
#include "windows-helper/win/console.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int command_doctor(int argc, char **argv) {
        bool json = argc == 1 && strcmp(argv[0], "--json") == 0, bad = true;
        Findings findings = FINDINGS_NULL(host_finding_ids);
        HostSurvey *survey = NULL;
        Buffer out = BUFFER_NULL;
        int r;

        if (argc > 0 && !json)
                return command_usage("doctor");
        r = host_survey_new(&survey);
        if (r == 0) {
                host_checks_run(&survey->evidence, &findings);
                bad = findings_are_bad(&findings);
                if (json)
                        findings_json(&findings, "wslbridge-helper", &out);
                else
                        findings_text(&findings, console_width(), NULL, &out);
                r = out.oom ? -ENOMEM : 0;
        }
        if (r == 0)
                r = console_write(CONSOLE_OUTPUT, buffer_text(&out), buffer_length(&out));
        else
                log_write(LOG_LEVEL_ERROR, "Cannot look at everything: %s", error_text(r));
        buffer_done(&out);
        findings_done(&findings);
        host_survey_free(survey);
        return r < 0 || bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
