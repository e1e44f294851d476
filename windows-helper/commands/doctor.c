/* SPDX-License-Identifier: MIT */
#include "windows-helper/commands/commands.h"
#include "windows-helper/commands/console.h"
#include "windows-helper/commands/doctor-evidence.h"
#include "windows-helper/core/doctor/host-checks.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>
#include <string.h>

int command_doctor(int argc, char **argv) {
        bool json = argc == 1 && strcmp(argv[0], "--json") == 0, bad = true;
        Findings findings = FINDINGS_NULL;
        DoctorLook *look = NULL;
        Buffer out = BUFFER_NULL;
        int r;

        if (argc > 0 && !json) {
                log_write(LOG_LEVEL_ERROR, "doctor, or doctor --json");
                return EXIT_FAILURE;
        }
        r = doctor_look_new(&look);
        if (r == 0) {
                diagnose(&look->facts, &findings);
                bad = findings_are_bad(&findings);
                r = findings.error;
        }
        if (r == 0)
                r = json ? findings_json(&findings, &out)
                         : findings_text(&findings, &out, console_width());
        console_write(&out);
        if (r < 0)
                log_write(LOG_LEVEL_ERROR, "Not everything could be looked at (%s)", strerror(-r));
        buffer_done(&out);
        findings_done(&findings);
        doctor_look_free(look);
        return r < 0 || bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
