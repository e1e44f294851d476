/* SPDX-License-Identifier: MIT */

/*
 * Who is admitted by the policy in force: judging those that are here already when it changes.
 */

#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>

/* Why @policy does not admit such a peer, or NULL. */
static const char *admission_refusal(const Policy *policy, bool keyed, bool privileged,
                                     WireRefusal *ret_code) {
        const char *refusal = identity_policy_refusal(policy, privileged);

        *ret_code = refusal ? WIRE_REFUSAL_POLICY : WIRE_REFUSAL_NOT_PAIRED;
        if (!refusal && policy->pairing_required && !keyed) {
                refusal = "policy value " POLICY_NAME_PAIRING_REQUIRED
                          " requires a key, and the host has none for this agent";
        }
        return refusal;
}

static void admission_review_connection(PeerConnection *c, uint64_t now_usec) {
        const Policy *policy = &c->controller->options.policy;
        WireRefusal code;
        const char *refusal;

        helper_session_require_pairing(c->session, policy->pairing_required);
        if (c->closing || !c->identity.owner[0]) /* HELLO will be judged by the new policy */
                return;
        refusal = admission_refusal(policy, c->identity.has_key, identity_is_privileged(&c->peer),
                                    &code);
        if (!refusal)
                return;
        if (code == WIRE_REFUSAL_NOT_PAIRED)
                unpaired_peers_add(&c->controller->unpaired, c->identity.owner, now_usec);
        if (c->guest)
                connection_revoke(c, refusal, now_usec);
        else
                connection_refuse(c, code, refusal, now_usec);
}

void admission_review_claims(Controller *controller, uint64_t now_usec) {
        const IdentityHost *h = &controller->host.identities;
        uint8_t key[WIRE_KEY_SIZE];

        for (size_t i = 0; i < controller->guests.n; i++) {
                Guest *guest = controller->guests.items[i];
                WireRefusal code;
                int r;

                if (guest->connection)
                        continue;
                r = h->key_find(h->userdata, guest->owner, key);
                if (identity_key_unread(r))
                        controller->due.keys_usec = now_usec + CONTROLLER_KEYS_USEC;
                guest->keyed = r != -ENOENT;
                /* From which port a guest in recovery will connect is not known yet. */
                if (admission_refusal(&controller->options.policy, guest->keyed,
                                      guest->privileged || guest->in_grace, &code))
                        guest->expires = now_usec;
        }
        session_wipe(key, sizeof(key));
}

void admission_review(Controller *controller, uint64_t now_usec) {
        /* Those without a place come first, or they would get the place of one that ends. */
        for (PeerConnection *c = controller->connections; c; c = c->next)
                if (!c->guest)
                        admission_review_connection(c, now_usec);
        for (PeerConnection *c = controller->connections; c; c = c->next)
                if (c->guest)
                        admission_review_connection(c, now_usec);
        admission_review_claims(controller, now_usec);
        /* What a guest in recovery wants is not known, so nobody can say whether the new policy
         * allows it. It has to come back and ask. */
        for (size_t i = 0; i < controller->guests.n; i++)
                if (controller->guests.items[i]->in_grace)
                        controller->guests.items[i]->expires = now_usec;
        if (!controller->options.policy.pairing_required)
                controller->unpaired.n = 0;
}
