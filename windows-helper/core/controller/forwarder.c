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

                if (!plan->results[i] || wire_reach_is_direct(reconcile_reach(
                                                 &plan->input->guests[i], plan->input->hostnet)))
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

static bool forwarder_has_values(const Controller *controller) {
        for (size_t i = 0; i < controller->ledger.n_entries; i++)
                if (ledger_entry_forwarders(&controller->ledger.entries[i]) &
                    RULE_FORWARDER_PORTPROXY)
                        return true;
        return false;
}

/* A service that does not run reads the values when it starts. */
static bool forwarder_is_down(const Controller *controller) {
        int error = controller->last_run.activation_error;

        return error == -ENOENT || error == -ESRCH || error == -EPERM;
}

void forwarder_changed(Controller *controller) {
        if (forwarder_has_values(controller)) {
                controller->due.activation = true;
        } else if (forwarder_is_down(controller)) { /* nobody needs it any more */
                controller->due.activation = false;
                controller->last_run.activation_error = 0;
        }
        controller->due.run = true;
}

/* Whether an activation that is due has a use: nobody has to ask for a service that does not run
 * again and again where the relay carries everything. What a plan changes needs no such reason. */
static bool forwarder_must_activate(const Controller *controller) {
        return controller->due.activation &&
               (!forwarder_is_down(controller) || forwarder_has_values(controller));
}

ApplyActivation forwarder_activation(const Controller *controller, const ReconcilePlan *plan) {
        bool due = forwarder_must_activate(controller);

        if (!plan->completes)
                return due ? APPLY_OVERDUE : APPLY_LATER;
        return due ? APPLY_ACTIVATE : APPLY_CHANGES;
}

void forwarder_want_relay(const Controller *controller) {
        const RuleHost *host = &controller->host.rules;
        uint64_t n = 0;

        for (unsigned i = RULE_RELAY_TCP; i < _RULE_FAMILY_END; i++)
                n += controller->view.stamp.n_values[i];
        host->relay_want(host->userdata, n > 0 && !controller->stopping);
}
