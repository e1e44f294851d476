/* SPDX-License-Identifier: MIT */

/* Compares two choices of an address, and names what is odd about one; see choice.h. */

#include "agent/network/choice.h"

#include <string.h>

static bool address_equal(const WireAddress *a, const WireAddress *b) {
        return ip_compare(&a->addr, &b->addr) == 0 && a->prefix == b->prefix &&
               ip_compare(&a->gateway, &b->gateway) == 0;
}

bool choice_same_state(const Choice *a, const Choice *b) {
        return strcmp(a->interface, b->interface) == 0 && address_equal(&a->v4, &b->v4) &&
               address_equal(&a->v6, &b->v6);
}

bool choice_equal(const Choice *a, const Choice *b) {
        return choice_same_state(a, b) && a->index == b->index && a->problem == b->problem &&
               a->vmbus_preferred == b->vmbus_preferred;
}

bool choice_has_address(const Choice *c) {
        return c->v4.addr.family != IP_FAMILY_NONE || c->v6.addr.family != IP_FAMILY_NONE;
}

/* Whether the choice has to make do with an address that may go soon. */
static bool makes_do(ChoiceProblem problem) {
        return problem == CHOICE_DEPRECATED || problem == CHOICE_ALIAS;
}

bool choice_may_pass(const Choice *was, const Choice *is) {
        if (!choice_has_address(was))
                return false;
        if (strcmp(was->interface, is->interface) != 0 ||
            makes_do(is->problem) > makes_do(was->problem))
                return true;
        if (was->v4.addr.family != IP_FAMILY_NONE)
                return is->v4.addr.family == IP_FAMILY_NONE;
        return !choice_has_address(is);
}

static const struct {
        const char *name, *text;
} problems[_CHOICE_PROBLEM_END] = {
        [CHOICE_OK] = {"", "none"},
        [CHOICE_NO_INTERFACE] = {"no-interface",
                                 "the configured interface or address does not exist"},
        [CHOICE_NO_ROUTE] = {"no-route", "no default route and no Hyper-V network adapter"},
        [CHOICE_LINK_DOWN] = {"link-down", "the interface is down"},
        [CHOICE_NO_ADDRESS] = {"no-address", "the interface has no usable address"},
        [CHOICE_OFF_LINK] = {"off-link", "the default gateway is outside the address's subnet"},
        [CHOICE_SECOND_BEST] = {"second-best",
                                "the interface that fits best has no usable address, so another "
                                "one's is used"},
        [CHOICE_DEPRECATED] = {"deprecated",
                               "the address is deprecated (its preferred lifetime is over), but "
                               "there is no other"},
        [CHOICE_ALIAS] = {"alias", "the address is a secondary or temporary one, but there is no "
                                   "other"},
        [CHOICE_AMBIGUOUS] = {"ambiguous",
                              "there are several addresses and no gateway that shows which one the "
                              "host reaches, so the first is used"},
        [CHOICE_OTHER_TABLE] = {"other-table",
                                "the default route is in another routing table than 'main'"},
};

const char *choice_problem_text(ChoiceProblem problem) {
        return problems[problem].text;
}

const char *choice_problem_name(ChoiceProblem problem) {
        return problems[problem].name;
}
