/* SPDX-License-Identifier: MIT */

/*
 * Judging a report: has it what a command waits for?
 */

#include "agent/ctl/client/outcome.h"

#include <string.h>

/* The host knows nothing of the guest's own part: what reaches the guest for a service with
 * 'connect = loopback' has to be carried on. */
static Outcome outcome_of_loopback(const ReportService *s) {
        if (strcmp(s->connect, "loopback") != 0 || strcmp(s->loopback, "carried") == 0 ||
            strcmp(s->loopback, "direct") == 0) /* which may be the service itself */
                return OUTCOME_ACTIVE;
        /* "": it is not known yet whether the gateway is the host. */
        return !*s->loopback || strcmp(s->loopback, "starting") == 0 ? OUTCOME_PENDING
                                                                     : OUTCOME_FAILED;
}

static Outcome outcome_of_service(const Report *r, const ReportService *s) {
        if (!s->enabled)
                return OUTCOME_OFF;
        if (strcmp(s->state, "active") == 0)
                return outcome_of_loopback(s);
        if (strcmp(s->state, "pending") != 0)
                return OUTCOME_FAILED;
        return strcmp(r->helper_state, "refused") == 0 ? OUTCOME_REFUSED : OUTCOME_PENDING;
}

Outcome outcome_of(const Report *r, const char *name) {
        const ReportService *s = r ? report_service(r, name) : NULL;

        return s ? outcome_of_service(r, s) : OUTCOME_PENDING;
}

const ReportProblem *outcome_problem(const Report *r, const char *file) {
        for (size_t i = 0; i < r->n_problems; i++)
                if (strcmp(r->problems[i].file, file) == 0)
                        return &r->problems[i];
        return NULL;
}

/* The agent keeps the state of a service whose request it has in force already, so the time of the
 * state says nothing. But the states of a report are about the files that it was written after. */
static bool is_read(const Report *r, const Expected *expected) {
        uint64_t read_usec = r->config_read.monotonic_usec;

        /* One that began when the file was just being replaced has read one of the two. */
        return read_usec >= expected->placed_usec ||
               (read_usec >= expected->since_usec && report_has_read(r, expected->fingerprint));
}

Outcome outcome_of_new(const Report *r, const Expected *expected) {
        const ReportService *s = r ? report_service(r, expected->name) : NULL;

        if (!r || !is_read(r, expected))
                return OUTCOME_PENDING;
        if (outcome_problem(r, expected->file))
                return OUTCOME_BROKEN;
        if (!s || strcmp(s->file, expected->file) != 0)
                return OUTCOME_PENDING;
        return outcome_of_service(r, s);
}

bool outcome_all_active(const Report *r, const char *const *names, size_t n) {
        if (!r)
                return false;
        for (size_t i = 0; i < n; i++)
                if (outcome_of(r, names[i]) != OUTCOME_ACTIVE)
                        return false;
        for (size_t i = 0; n == 0 && i < r->n_services; i++)
                if (r->services[i].enabled &&
                    outcome_of_service(r, &r->services[i]) != OUTCOME_ACTIVE)
                        return false;
        return true;
}

bool outcome_is_gone(const Report *r, const char *name) {
        return !r || !report_service(r, name);
}
