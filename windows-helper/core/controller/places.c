/* SPDX-License-Identifier: MIT */

/*
 * Who has a place: room for connections that have no session yet, and places for identities. It
 * only says who has to go; connection.c and controller.c show them out.
 *
 * Handshakes and identities have places of their own, so peers without a session never keep a
 * paired agent out. Among handshakes, the VM that has the most makes room. Among identities, one
 * with a key matters more than one without, and one that is connected more than one that is not.
 */

#include "windows-helper/core/controller/controller-private.h"

static bool places_is_handshake(const PeerConnection *c) {
        return !c->closing && !c->guest;
}

/* Connections of @vm, or of all VMs if it is NULL, that have no session yet. */
static size_t places_handshakes(const Controller *controller, const VmId *vm) {
        size_t n = 0;

        for (const PeerConnection *c = controller->connections; c; c = c->next)
                n += places_is_handshake(c) && (!vm || vm_id_equal(peer_vm(&c->peer), vm));
        return n;
}

/* The oldest unproven connection of @vm, or, if it is NULL, of the VM that has the most. */
static PeerConnection *places_oldest(Controller *controller, const VmId *vm) {
        PeerConnection *oldest = NULL;
        size_t most = 0;

        for (PeerConnection *c = controller->connections; c; c = c->next) { /* newest first */
                size_t n;

                if (!places_is_handshake(c) || (vm && !vm_id_equal(peer_vm(&c->peer), vm)) ||
                    helper_session_state(c->session) == HELPER_SESSION_SLOT_WAIT)
                        continue;
                n = places_handshakes(controller, peer_vm(&c->peer));
                if (n >= most) {
                        most = n;
                        oldest = c;
                }
        }
        return oldest;
}

bool places_for_handshake(Controller *controller, const VmId *vm, PeerConnection **ret_victim) {
        bool vm_full = places_handshakes(controller, vm) >= CONTROLLER_HANDSHAKES_PER_VM;

        *ret_victim = NULL;
        if (!vm_full && places_handshakes(controller, NULL) < CONTROLLER_HANDSHAKES_MAX)
                return true;
        *ret_victim = places_oldest(controller, vm_full ? vm : NULL);
        return *ret_victim != NULL;
}

/* How little a guest matters: the highest number goes first, and 0 never goes. */
static unsigned places_rank(const Guest *guest, bool for_keyed) {
        if (!guest->connection && !guest->keyed)
                return 3;
        if (!for_keyed)
                return 0;
        return !guest->keyed ? 2 : !guest->connection ? 1 : 0;
}

/* The guest that matters least; of @vm only, unless it is NULL. NULL when none may go. */
static Guest *places_least(const Guests *guests, bool for_keyed, const VmId *vm) {
        Guest *least = NULL;

        for (size_t i = 0; i < guests->n; i++) { /* of two equals, the newer one */
                Guest *guest = guests->items[i];
                unsigned rank = places_rank(guest, for_keyed);

                if (rank > 0 && (!vm || vm_id_equal(peer_vm(&guest->peer), vm)) &&
                    (!least || rank >= places_rank(least, for_keyed)))
                        least = guest;
        }
        return least;
}

static size_t places_keyless(const Guests *guests, const VmId *vm) {
        size_t n = 0;

        for (size_t i = 0; i < guests->n; i++)
                n += !guests->items[i]->keyed && vm_id_equal(peer_vm(&guests->items[i]->peer), vm);
        return n;
}

bool places_for_guest(const Guests *guests, const VmId *vm, bool keyed, Guest **ret_victim) {
        bool vm_full = !keyed && places_keyless(guests, vm) >= CONTROLLER_KEYLESS_PER_VM;

        *ret_victim = NULL;
        if (!vm_full && guests->n < CONTROLLER_GUESTS_MAX)
                return true;
        *ret_victim = places_least(guests, keyed, vm_full ? vm : NULL);
        return *ret_victim != NULL;
}
