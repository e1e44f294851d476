/* SPDX-License-Identifier: MIT */

/*
 * A service that does not answer at once is not broken: on a busy machine the service manager alone
 * may take seconds. So there are two steps, pending and blocked.
 */

#include "windows-helper/core/controller/forwarder-private.h"

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/base/result.h"

#include <errno.h>

#define FORWARDER_RESTART "'net.exe stop iphlpsvc', then 'net.exe start iphlpsvc'"

static const char *forwarder_advice(int error) {
        switch (-error) {
        case ENOENT:
                return "the service IP Helper (iphlpsvc) does not exist on this Windows";
        case ESRCH:
                return "the service IP Helper (iphlpsvc) is not running; start it: 'sc.exe start "
                       "iphlpsvc'";
        case EPERM:
                return "the service IP Helper (iphlpsvc) is disabled; allow it: 'sc.exe config "
                       "iphlpsvc start= auto', then 'sc.exe start iphlpsvc'";
        case ETIMEDOUT:
                return "the service IP Helper (iphlpsvc) does not answer; restart "
                       "it: " FORWARDER_RESTART ", or restart Windows";
        default:
                return "the service IP Helper (iphlpsvc) does not accept new settings; restart "
                       "it: " FORWARDER_RESTART;
        }
}

/* Whether iphlpsvc has not answered, and may still do so. */
static bool forwarder_waits(LastRun *last, uint64_t now_usec) {
        bool silent = last->activation_error == -ETIMEDOUT;

        if (silent && !last->silent)
                last->silent_usec = now_usec;
        last->silent = silent;
        return silent &&
               now_usec - last->silent_usec < CONTROLLER_PATIENCE_MS * CONTROLLER_USEC_PER_MSEC;
}

bool forwarder_note(Controller *controller, const ApplyOutcome *outcome, uint64_t now_usec) {
        LastRun *last = &controller->last_run;
        int error = outcome->activation;
        bool waits;

        last->activation_error = error;
        waits = forwarder_waits(last, now_usec);
        if (!waits && error != last->told_error) {
                last->told_error = error;
                controller_log(&controller->log, error ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE,
                               error ? EVENT_FORWARDER_PROBLEM : EVENT_FORWARDER_UP, "%s",
                               error ? forwarder_advice(error)
                                     : "iphlpsvc accepts our settings again");
        }
        controller->due.activation = error != 0;
        controller_log(&controller->log, LOG_LEVEL_DEBUG, EVENT_NONE,
                       "%zu values written, %zu deleted", outcome->n_written, outcome->n_deleted);
        return waits;
}

void forwarder_block(Controller *controller, ReconcilePlan *plan, uint64_t now_usec) {
        int error = controller->last_run.activation_error;
        bool waits = forwarder_waits(&controller->last_run, now_usec);
        const char *advice = waits ? "the service IP Helper (iphlpsvc) has not answered yet"
                                   : forwarder_advice(error);

        for (size_t i = 0; i < plan->n_guests; i++) {
                const WireState *state = plan->input->guests[i].state;

                if (!plan->results[i] ||
                    wire_reach_is_direct(reconcile_reach(&plan->input->guests[i])))
                        continue; /* nothing is forwarded to it */
                for (uint32_t k = 0; k < state->n_services; k++)
                        if (plan->results[i][k].state == WIRE_SERVICE_ACTIVE &&
                            plan->results[i][k].forwarder == WIRE_FORWARDER_PORTPROXY)
                                result_worsen(&plan->results[i][k],
                                              waits ? WIRE_SERVICE_PENDING : WIRE_SERVICE_BLOCKED,
                                              WIRE_REASON_IPHLPSVC, "%s (%s)", advice,
                                              error_text(error));
        }
}
