/* SPDX-License-Identifier: MIT */

/*
 * Which forwarder carries each service, and why, as the helper says.
 */

#include "windows-helper/core/doctor/host-checks-private.h"
#include "windows-helper/core/status/read.h"

#include <stdio.h>
#include <string.h>

#define SERVICES_SHOWN_MAX 20

typedef struct Carried {
        Findings *findings;
        Finding *finding; /* borrowed; nothing else is added meanwhile. NULL: nothing is carried */
        char distro[WIRE_DISTRO_MAX + 1]; /* of the agent that is being read */
        size_t n;
} Carried;

static void carried_on_record(void *userdata, StatusKind kind, const StatusRecord *r) {
        const char *owner = status_field(r, "agent"), *slash = strchr(owner, '/');
        const char *forwarder = status_field(r, "forwarder");
        Carried *c = userdata;

        if (kind == STATUS_AGENT)
                (void) snprintf(c->distro, sizeof(c->distro), "%.*s", WIRE_DISTRO_MAX,
                                slash ? slash + 1 : owner);
        if (kind != STATUS_SERVICE || !forwarder[0])
                return;
        if (!c->finding)
                c->finding = host_finding(c->findings, FINDING_GOOD, "forwarder", NULL, NULL,
                                          "What carries each service:");
        if (c->n++ < SERVICES_SHOWN_MAX)
                buffer_printf(&c->finding->seen, "\n%s of %s: %s, %s", status_field(r, "name"),
                              c->distro, forwarder,
                              finding_why_text(status_field(r, "forwarder_reason")));
}

void forwarder_checks_run(const HostEvidence *e, Findings *f) {
        Carried c = {.findings = f};

        if (e->status && e->serves == SEEN_YES)
                (void) status_read(e->status, e->n_status, carried_on_record, &c);
        if (c.n > SERVICES_SHOWN_MAX)
                buffer_printf(&c.finding->seen,
                              "\nand %zu more; 'wslbridge-helper status' shows all",
                              c.n - SERVICES_SHOWN_MAX);
}
