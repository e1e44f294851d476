/* SPDX-License-Identifier: MIT */

/*
 * The texts, by who should listen there.
 */

#include "windows-helper/core/ports/verify-text.h"

#include "common/names.h"
#include "windows-helper/core/base/result.h"

static const VerifyTexts verify_portproxy = {
        .waits = "the service IP Helper (iphlpsvc) does not listen there yet",
        .late = "the service IP Helper (iphlpsvc) does not listen there; restart it: 'net.exe stop "
                "iphlpsvc', then 'net.exe start iphlpsvc'",
        .stays = "the service IP Helper (iphlpsvc) still has the port",
        .takes = "a port forwarding that wslbridge did not make has the port; delete it, or listen "
                 "elsewhere ('netsh interface portproxy show all')",
};

static const VerifyTexts verify_relay = {
        .waits = "the service " NAMES_RELAY_SERVICE " does not listen there yet",
        .late = "the service " NAMES_RELAY_SERVICE " does not listen there; the Event Log says why",
        .stays = "the service " NAMES_RELAY_SERVICE " still has the port",
        .takes = "wslbridge's relay has the port for another endpoint; listen elsewhere "
                 "('wslbridge-helper rules')",
};

static const char verify_no_relay[] =
        "the service " NAMES_RELAY_SERVICE " does not run; the Event Log and 'wslbridge-helper "
        "doctor' say why";

const VerifyTexts *verify_texts(bool relay) {
        return relay ? &verify_relay : &verify_portproxy;
}

void verify_mark_late(ReconcilePlan *plan, ReconcileEndpoint *e, bool without_relay) {
        bool relay = rule_target_is_relay(&e->target);

        e->closed = true;
        result_worsen_at(&plan->results[e->guest][e->service], WIRE_SERVICE_BLOCKED,
                         WIRE_REASON_NOT_LISTENING, &e->listen,
                         relay && without_relay ? verify_no_relay : verify_texts(relay)->late);
}

void verify_mark_waiting(ReconcilePlan *plan, const ReconcileEndpoint *e) {
        result_worsen_at(&plan->results[e->guest][e->service], WIRE_SERVICE_PENDING,
                         WIRE_REASON_NOT_LISTENING, &e->listen,
                         verify_texts(rule_target_is_relay(&e->target))->waits);
        plan->checking[e->guest] = plan->waiting[e->guest] = true;
}

void verify_mark_unseen(ReconcilePlan *plan, const ReconcileEndpoint *e) {
        result_worsen_at(&plan->results[e->guest][e->service], WIRE_SERVICE_PENDING,
                         WIRE_REASON_NONE, &e->listen,
                         "wslbridge has not looked yet whether a program of Windows has the port");
        plan->checking[e->guest] = plan->waiting[e->guest] = true;
}

/* What stands before the comma is what stays when there is more to say; see checks-reach.c. */
void verify_mark_silent(ReconcilePlan *plan, const ReconcileEndpoint *e) {
        WireServiceResult *result = &plan->results[e->guest][e->service];
        char listen[IP_ENDPOINT_TEXT_MAX], text[WIRE_TEXT_MAX + 1];

        if (result->state != WIRE_SERVICE_ACTIVE || result->reason != WIRE_REASON_DIRECT)
                return;
        ip_endpoint_format(&e->listen, listen);
        result_text(text,
                    "direct: WSL does not listen for the guest yet, which it does when a program "
                    "there listens on %s",
                    listen);
        result_note(result, WIRE_REASON_NOT_LISTENING, text);
}
