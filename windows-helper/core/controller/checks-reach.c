/* SPDX-License-Identifier: MIT */

/*
 * Says in each active service's result for whom it is open now. The state stays active, because the
 * helper has done all it can; who gets in depends on the networks and the firewall of the host.
 */

#include "windows-helper/core/controller/controller-private.h"
#include "windows-helper/core/firewall/reach.h"

#include <string.h>

/* The last judgement. Most services ask for the same, so most of them get the same text. */
typedef struct ReachMemo {
        bool valid, loopback;
        uint8_t profiles, remote;
        WireReason reason;
        char text[WIRE_TEXT_MAX + 1];
} ReachMemo;

static void reach_remember(ReachMemo *memo, const FirewallSight *sight, const IpEndpoint *listen,
                           const WireState *state, const WireService *service) {
        bool loopback = ip_is_loopback(&listen->addr);

        /* Without rules that block, nothing but these decides. */
        if (memo->valid && sight->n_blocks == 0 && memo->loopback == loopback &&
            memo->profiles == service->profiles && memo->remote == service->remote)
                return;
        memo->valid = true;
        memo->loopback = loopback;
        memo->profiles = service->profiles;
        memo->remote = service->remote;
        memo->reason = firewall_reach(sight, listen, state, service, memo->text);
}

/* Which endpoint of a service is shown: the one with the worst reason. */
static bool reach_is_shown(const ReachMemo *memo, const WireServiceResult *result) {
        return memo->text[0] && (!result->text || firewall_reach_rank(memo->reason) >
                                                          firewall_reach_rank(result->reason));
}

/* "direct: the guest has the host's addresses; open to …". The text that @result has begins with
 * why it is direct, up to a semicolon. What follows a comma is left out where nobody gets in, and
 * where there is no room for it. That nobody listens weighs more than who may get in. */
static void reach_note_direct(const ReachMemo *memo, WireServiceResult *result) {
        bool silent = result->reason == WIRE_REASON_NOT_LISTENING &&
                      memo->reason != WIRE_REASON_UNREACHABLE;
        uint16_t reason = silent || memo->reason == WIRE_REASON_NONE ? result->reason
                                                                     : (uint16_t) memo->reason;
        char text[WIRE_TEXT_MAX + 1];
        size_t n = strcspn(result->text, ";");

        if (result->text[n] &&
            firewall_reach_rank(memo->reason) <= firewall_reach_rank(result->reason))
                return;
        if (memo->reason == WIRE_REASON_UNREACHABLE ||
            (!silent && n + strlen("; ") + strlen(memo->text) > WIRE_TEXT_MAX))
                n = strcspn(result->text, ",;");
        result_text(text, "%.*s; %s", (int) n, result->text, memo->text);
        result_note(result, (WireReason) reason, text);
}

void checks_reach(const Controller *controller, ReconcilePlan *plan) {
        const FirewallSight *sight = controller->firewall_sight;
        ReachMemo memo = {.valid = false};

        for (size_t i = 0; sight && sight->known && i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                const WireState *state = plan->input->guests[e->guest].state;
                WireServiceResult *results = plan->results[e->guest], *result;

                if (!results || results[e->service].state != WIRE_SERVICE_ACTIVE)
                        continue;
                result = &results[e->service];
                reach_remember(&memo, sight, &e->listen, state, &state->services[e->service]);
                if (e->reach != WIRE_REACH_FORWARDED && memo.text[0] && result->text &&
                    result->reason != WIRE_REASON_FOREIGN_RULE)
                        reach_note_direct(&memo, result);
                else if (reach_is_shown(&memo, result))
                        result_note(result, memo.reason, memo.text);
        }
}
