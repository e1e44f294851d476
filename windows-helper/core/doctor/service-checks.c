/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about the helper itself: its program, its service, and whether it serves. For each
 * state there is one finding, so that no two of them give different advice.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/doctor/host-checks-private.h"

#include <errno.h>

#define START        "  sc.exe start wslbridge-helper"
#define ENABLE_START "  sc.exe config wslbridge-helper start= auto\n" START
#define QUARANTINE                                                                   \
        "If an antivirus has put it into quarantine, restore it there, exclude its " \
        "folder, and start the service. Otherwise install it again. "
#define FOREGROUND "End it there with Ctrl-C. Then: "

/* Windows cannot start the service, whatever else its state is. Return: true when that is so. */
static bool check_program(const HostEvidence *e, Findings *f) {
        if (e->helper == SERVICE_IS_MISSING || e->program != SEEN_NO)
                return false;
        host_finding(f, e->serves == SEEN_YES ? FINDING_PROBLEM : FINDING_BROKEN, "program", NULL,
                     QUARANTINE INSTALL, "The program of the service wslbridge-helper is gone: %s",
                     e->program_path);
        return true;
}

static void check_running_mute(const HostEvidence *e, Findings *f) {
        host_finding(f, FINDING_PROBLEM, "service", NULL,
                     "If it has just started, look again in a few seconds. Otherwise restart "
                     "it. " ELEVATED "  net.exe stop wslbridge-helper\n"
                     "  net.exe start wslbridge-helper",
                     "The service wslbridge-helper runs, but %s",
                     e->status ? "has written no status yet: status.json is of an earlier run"
                               : "there is no status.json of it");
}

static void check_not_serving(const HostEvidence *e, Findings *f) {
        switch (e->helper) {
        case SERVICE_IS_MISSING:
                host_finding(f, FINDING_BROKEN, "service", NULL, INSTALL,
                             "The service wslbridge-helper is not installed");
                break;
        case SERVICE_IS_DISABLED:
                host_finding(f, FINDING_BROKEN, "service", NULL, ELEVATED ENABLE_START,
                             "The service wslbridge-helper is disabled");
                break;
        case SERVICE_IS_STOPPED:
                host_finding(f, FINDING_BROKEN, "service", NULL,
                             "Start it. If that is denied (error 5), exclude its folder in the "
                             "antivirus. If it stops again, " EVENT_LOG ". " ELEVATED START,
                             "The service wslbridge-helper does not run");
                break;
        case SERVICE_IS_PENDING:
                host_finding(f, FINDING_HINT, "service", NULL, "Look again in a few seconds.",
                             "The service wslbridge-helper is starting or stopping");
                break;
        case SERVICE_IS_RUNNING:
                check_running_mute(e, f);
                break;
        case SERVICE_IS_UNSEEN:
                host_finding(f, FINDING_UNSEEN, "service", NULL, ASK_AS_ADMINISTRATOR,
                             "Windows does not say whether the service wslbridge-helper runs");
                break;
        }
}

/* A helper serves. Two cannot, so one in a terminal has to end before the service starts. */
static void check_serving(const HostEvidence *e, bool gone, Findings *f) {
        static const char terminal[] = "A helper runs, but not as a service: it ends with its "
                                       "terminal";

        switch (e->helper) {
        case SERVICE_IS_MISSING:
                host_finding(f, FINDING_HINT, "service", NULL, FOREGROUND INSTALL, "%s", terminal);
                break;
        case SERVICE_IS_DISABLED:
        case SERVICE_IS_STOPPED:
                host_finding(f, FINDING_HINT, "service", NULL,
                             gone                               ? NULL
                             : e->helper == SERVICE_IS_DISABLED ? FOREGROUND ELEVATED ENABLE_START
                                                                : FOREGROUND ELEVATED START,
                             "%s", terminal);
                break;
        case SERVICE_IS_PENDING:
                host_finding(f, FINDING_HINT, "service", NULL, "Look again in a few seconds.",
                             "The service wslbridge-helper is starting or stopping");
                break;
        case SERVICE_IS_RUNNING:
                host_finding(f, FINDING_GOOD, "service", NULL, NULL,
                             "The service wslbridge-helper runs");
                break;
        case SERVICE_IS_UNSEEN:
                host_finding(f, FINDING_UNSEEN, "service", NULL, ASK_AS_ADMINISTRATOR,
                             "A helper runs; Windows does not say whether it is the service");
                break;
        }
}

/* A relay that does not run is not needed, but one that cannot start is missed when it is. Without
 * a service of the helper, the advice about that one mends both. */
static void check_relay(const HostEvidence *e, Findings *f) {
        if (e->helper == SERVICE_IS_MISSING)
                return;
        if (e->relay == SERVICE_IS_MISSING && e->relay_program == SEEN_YES)
                host_finding(f, FINDING_PROBLEM, "relay", NULL, INSTALL,
                             "The service wslbridge-relay is missing: no port that needs the relay "
                             "can be reached");
        else if (e->relay != SERVICE_IS_MISSING && e->relay_program == SEEN_NO)
                host_finding(f, FINDING_PROBLEM, "relay", NULL, QUARANTINE INSTALL,
                             "The program of the service wslbridge-relay is gone: %s",
                             e->relay_path);
        else if (e->relay == SERVICE_IS_DISABLED)
                host_finding(f, FINDING_PROBLEM, "relay", NULL,
                             ELEVATED "  sc.exe config wslbridge-relay start= demand",
                             "The service wslbridge-relay is disabled: no port that needs the "
                             "relay can be reached");
}

void service_checks_run(const HostEvidence *e, Findings *f) {
        bool gone = check_program(e, f);

        if (e->status_error < 0 && e->status_error != -ENOENT)
                host_finding(f, FINDING_UNSEEN, "status", NULL, ASK_AS_ADMINISTRATOR,
                             "status.json cannot be read (%s)", error_text(e->status_error));
        if (e->status && e->serves == SEEN_NO && (gone || e->helper != SERVICE_IS_RUNNING))
                host_finding(f, FINDING_HINT, "status", NULL, NULL,
                             "status.json is left from a helper that did not end properly");
        if (e->serves == SEEN_YES || (e->serves == SEEN_UNKNOWN && e->helper == SERVICE_IS_RUNNING))
                check_serving(e, gone, f);
        else if (!gone)
                check_not_serving(e, f);
        check_relay(e, f);
}
