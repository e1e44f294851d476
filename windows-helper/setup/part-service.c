/* SPDX-License-Identifier: MIT */

/*
 * The part 'service': this program is installed as the service, and runs.
 */

#include "windows-helper/core/setup/version.h"
#include "windows-helper/install/scm.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/setup/setup.h"

#include "windows-helper/core/status/read.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE_VERSION_MAX 32

static void service_on_record(void *userdata, StatusKind kind, const StatusRecord *record) {
        char *version = userdata;

        if (kind == STATUS_MEMBER && strcmp(record->fields[0].name, "version") == 0 &&
            strlen(record->fields[0].text) < SERVICE_VERSION_MAX)
                memcpy(version, record->fields[0].text, strlen(record->fields[0].text) + 1);
}

/* The version of the service that runs; "" when none does. */
static void service_version(char ret[SERVICE_VERSION_MAX]) {
        char *text = NULL;
        size_t n = 0;

        ret[0] = '\0';
        if (status_load(&text, &n) == 0 && status_is_alive(text, n))
                (void) status_read(text, n, service_on_record, ret);
        free(text);
}

static bool service_has_relay(void) {
        ScmEntry entry;
        bool there = scm_read(SCM_RELAY, &entry) == 0 && entry.exists;

        scm_entry_done(&entry);
        return there;
}

/* A newer version is left as it is. Of ours, all services are there. */
static bool service_is_done(const char *version) {
        int newer = version[0] ? version_compare(version, PROJECT_VERSION) : -1;

        return newer > 0 || (newer == 0 && service_has_relay());
}

SetupOutcome setup_service(Setup *s, SetupPart *part) {
        char version[SERVICE_VERSION_MAX];
        bool runs = scm_is_running(SCM_HELPER);

        service_version(version);
        if (runs && service_is_done(version))
                return setup_says(part, SETUP_ALREADY, "The service runs, version %s", version);
        if (s->options->dry_run)
                return setup_says(part, SETUP_WOULD, "%s version %s of the service and start it",
                                  runs ? "Update to" : "Install", PROJECT_VERSION);
        if (elevated_ask(&s->elevated, ELEVATED_INSTALL, NULL) < 0)
                return setup_says(part, SETUP_FAILED, "The service was not installed: %s",
                                  s->elevated.why);
        return setup_says(part, SETUP_DONE, "The service is installed and runs, version %s",
                          PROJECT_VERSION);
}
