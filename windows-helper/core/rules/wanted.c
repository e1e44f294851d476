/* SPDX-License-Identifier: MIT */

/*
 * What the guests ask for, and what each guest's own state, the host's network and policy say
 * about it.
 */

#include "windows-helper/core/rules/wanted.h"

#include "protocol/wire/wire-options.h"
#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>

/* What holds for all services of a guest. When the state is ACTIVE, and it is not reached directly,
 * there is no reason. */
typedef struct WantedVerdict {
        WireServiceState state;
        WireReason reason;
        char text[WIRE_TEXT_MAX + 1];
        WireReach reach;
        IpAddr connect;
} WantedVerdict;

/* STATE has IPv4 first. */
static const WireAddress *wanted_address(const WireState *s) {
        return s->v4.addr.family != IP_FAMILY_NONE ? &s->v4 : &s->v6;
}

/* Only an agent of version 2 knows what it means that its guest is outside. */
HostnetVerdict reconcile_judge_address(const ReconcileGuest *guest, const Hostnet *hostnet,
                                       char ret_why[WIRE_TEXT_MAX + 1]) {
        HostnetGuest g = {
                .wsl = guest->wsl,
                .may_be_outside = guest->state->mode == WIRE_MODE_UNKNOWN &&
                                  guest->version >= WIRE_VERSION_FIELDS,
        };

        return hostnet_judge(hostnet, wanted_address(guest->state), &g, ret_why);
}

/* A guest in the usual place lets its gateway in as the host, so that one must be the host's own
 * address, and not that of another VM. Without a gateway it lets nobody in. */
WirePlace reconcile_place(const ReconcileGuest *guest, const Hostnet *hostnet) {
        const WireAddress *a = wanted_address(guest->state);
        char why[WIRE_TEXT_MAX + 1];
        HostnetVerdict verdict;

        if (guest->state->mode != WIRE_MODE_UNKNOWN || a->addr.family == IP_FAMILY_NONE)
                return WIRE_PLACE_USUAL;
        verdict = reconcile_judge_address(guest, hostnet, why);
        if (verdict == HOSTNET_OUTSIDE)
                return WIRE_PLACE_OUTSIDE;
        if (verdict == HOSTNET_BEHIND &&
            (hostnet->unchecked || a->gateway.family == IP_FAMILY_NONE ||
             hostnet_own(hostnet, &a->gateway)))
                return WIRE_PLACE_USUAL;
        return WIRE_PLACE_UNCLEAR;
}

WireReach reconcile_reach(const ReconcileGuest *guest, const Hostnet *hostnet) {
        return wire_mode_is_served(guest->state->mode, guest->version)
                       ? wire_place_reach(guest->state->mode, reconcile_place(guest, hostnet))
                       : WIRE_REACH_NONE;
}

static void wanted_judge_none(const WireState *s, WantedVerdict *v) {
        v->state = WIRE_SERVICE_WITHDRAWN;
        v->reason = WIRE_REASON_NETWORKING_MODE;
        if (s->mode == WIRE_MODE_NONE)
                result_text(v->text, "networking mode none: the guest has no network");
        else
                result_text(v->text,
                            "networking mode %s: this agent is too old to have ports opened in "
                            "it; update the agent in the guest",
                            wire_mode_name(s->mode));
}

static bool wanted_judge_no_address(const WireAddress *a, WantedVerdict *v) {
        if (a->addr.family != IP_FAMILY_NONE)
                return false;
        v->state = WIRE_SERVICE_WITHDRAWN;
        v->reason = WIRE_REASON_NO_ADDRESS;
        result_text(v->text, "the guest has no address to forward to");
        return true;
}

/* Nothing is written for it, so its address needs no judgement: it is only shown, by
 * wanted_note(). */
static void wanted_judge_own(const WireState *s, WantedVerdict *v) {
        if (!wanted_judge_no_address(wanted_address(s), v))
                v->reason = WIRE_REASON_DIRECT;
}

static void wanted_note(const WireState *s, const WireService *service, const WantedVerdict *v,
                        WireServiceResult *r) {
        char text[WIRE_TEXT_MAX + 1];

        if (v->reach == WIRE_REACH_OWN)
                wire_own_text(&wanted_address(s)->addr, s->listens + service->first_listen,
                              service->n_listens, text);
        result_note(r, v->reason, v->reach == WIRE_REACH_OWN ? text : v->text);
}

static void wanted_judge_address(const ReconcileInput *input, uint32_t guest, WantedVerdict *v) {
        const WireState *s = input->guests[guest].state;
        const WireAddress *a = wanted_address(s);
        char text[IP_TEXT_MAX], problem[WIRE_TEXT_MAX + 1];

        if (wanted_judge_no_address(a, v))
                return;
        if (reconcile_judge_address(&input->guests[guest], input->hostnet, problem) !=
            HOSTNET_BEHIND) {
                v->state = WIRE_SERVICE_INVALID;
                v->reason = WIRE_REASON_GUEST_ADDRESS;
                ip_format(&a->addr, text);
                result_text(v->text, "nothing is forwarded to %s: it %s", text, problem);
                return;
        }
        v->connect = a->addr;
}

static void wanted_judge_guest(const ReconcileInput *input, uint32_t guest, WantedVerdict *v) {
        *v = (WantedVerdict){.state = WIRE_SERVICE_ACTIVE,
                             .reach = reconcile_reach(&input->guests[guest], input->hostnet)};
        switch (v->reach) {
        case WIRE_REACH_FORWARDED:
                wanted_judge_address(input, guest, v);
                break;
        case WIRE_REACH_SHARED:
                v->reason = WIRE_REASON_DIRECT;
                result_text(v->text, "direct: the guest has the host's addresses, and the Hyper-V "
                                     "firewall decides, too");
                break;
        case WIRE_REACH_RELAYED:
                v->reason = WIRE_REASON_DIRECT;
                result_text(v->text, "direct: WSL listens on this host for the guest");
                break;
        case WIRE_REACH_OWN:
                wanted_judge_own(input->guests[guest].state, v);
                break;
        case WIRE_REACH_NONE:
        case _WIRE_REACH_END:
                wanted_judge_none(input->guests[guest].state, v);
                break;
        }
}

/* Where the guest's port is the host's port, nothing is between them that could translate. */
static void wanted_check_ports(const WireState *s, const WireService *service,
                               WireServiceResult *r) {
        for (uint32_t i = 0; i < service->n_listens; i++) {
                const WireListen *l = &s->listens[service->first_listen + i];

                if (l->port == l->connect_port)
                        continue;
                result_worsen(r, WIRE_SERVICE_INVALID, WIRE_REASON_CONNECT_PORT,
                              "port %u cannot lead to port %u: in networking mode %s the guest's "
                              "port is the host's port; let the program listen on port %u, and "
                              "leave out connect-port",
                              (unsigned) l->port, (unsigned) l->connect_port,
                              wire_mode_name(s->mode), (unsigned) l->port);
        }
}

/* What only a forwarder of ours could do. */
static void wanted_check_options(const WireState *s, const WireService *service, WireReach reach,
                                 WireServiceResult *r) {
        bool own = reach == WIRE_REACH_OWN;

        if (service->options[WIRE_OPTION_CLIENT_ADDRESS] != 0)
                result_worsen(r, WIRE_SERVICE_REFUSED, WIRE_REASON_NO_RELAY,
                              "nothing of wslbridge is between a client and the guest %s%s, so "
                              "nobody can say the client's address; leave out client-address",
                              own ? "at its own address" : "in networking mode ",
                              own ? "" : wire_mode_name(s->mode));
}

static RuleWay wanted_way(const WireService *s, const ForwarderChoice *choice) {
        if (choice->forwarder != WIRE_FORWARDER_RELAY)
                return RULE_WAY_PORTPROXY;
        return s->options[WIRE_OPTION_CLIENT_ADDRESS] == WIRE_CLIENT_ADDRESS_PROXY_V2
                       ? RULE_WAY_RELAY_PROXY_V2
                       : RULE_WAY_RELAY;
}

static void wanted_expand(Wanted *wanted, size_t *n, const WireState *s, uint32_t guest,
                          uint32_t service, const WantedVerdict *verdict,
                          const ForwarderChoice *choice) {
        const WireService *sv = &s->services[service];
        bool udp = sv->options[WIRE_OPTION_PROTOCOL] == WIRE_PROTOCOL_UDP;

        for (uint32_t i = 0; i < sv->n_listens; i++) {
                const WireListen *l = &s->listens[sv->first_listen + i];

                for (uint16_t k = 0; k < l->count; k++) {
                        wanted[*n] = (Wanted){
                                .listen = {l->addr, (uint16_t) (l->port + k), udp},
                                .guest = guest,
                                .service = service,
                                .reach = verdict->reach,
                                .order = (uint32_t) *n,
                        };
                        if (verdict->reach == WIRE_REACH_FORWARDED)
                                wanted[*n].target = (RuleTarget){verdict->connect,
                                                                 (uint16_t) (l->connect_port + k),
                                                                 (uint8_t) wanted_way(sv, choice)};
                        (*n)++;
                }
        }
}

/* An older helper than the guest's agent expects: it must not carry a service in another way than
 * is asked for. */
static void wanted_judge_fields(const WireState *s, const WireService *service,
                                WireServiceResult *r) {
        unsigned field = s->unknown_field ? s->unknown_field : service->unknown_field;

        if (field == 0)
                return;
        result_worsen(r, WIRE_SERVICE_REFUSED, WIRE_REASON_UNKNOWN_FIELD,
                      "%s has the field 0x%04x, which this helper does not know; update wslbridge "
                      "on Windows",
                      s->unknown_field ? "the guest's message" : "the service", field);
}

static void wanted_judge_forwarder(const ReconcileInput *input, const WireService *service,
                                   const ForwarderChoice *choice, WireServiceResult *r) {
        const char *missing = forwarder_missing(choice, &input->means);

        if (!missing)
                return;
        result_worsen(r, WIRE_SERVICE_REFUSED, WIRE_REASON_NO_RELAY, "'%s = %s' needs %s",
                      wire_option_name(choice->asked_by),
                      wire_option_word(choice->asked_by, service->options[choice->asked_by]),
                      missing);
}

static void wanted_collect_guest(const ReconcileInput *input, uint32_t guest,
                                 WireServiceResult *results, Wanted *wanted, size_t *n) {
        const WireState *s = input->guests[guest].state;
        WantedVerdict verdict;
        PolicyVerdict policy;
        uint32_t n_endpoints = 0;
        bool opens;

        wanted_judge_guest(input, guest, &verdict);
        opens = wire_reach_opens(verdict.reach);
        for (uint32_t i = 0; i < s->n_services; i++) {
                ForwarderChoice choice = forwarder_choose(&s->services[i], verdict.reach);
                WireServiceResult *r = &results[i];

                r->state = WIRE_SERVICE_ACTIVE;
                wanted_judge_fields(s, &s->services[i], r);
                if (verdict.state != WIRE_SERVICE_ACTIVE)
                        result_worsen(r, verdict.state, verdict.reason, "%s", verdict.text);
                else if (verdict.reason != WIRE_REASON_NONE && r->state == WIRE_SERVICE_ACTIVE)
                        wanted_note(s, &s->services[i], &verdict, r);
                if (opens)
                        wanted_check_ports(s, &s->services[i], r);
                if (wire_reach_is_direct(verdict.reach))
                        wanted_check_options(s, &s->services[i], verdict.reach, r);
                if (opens || verdict.reach == WIRE_REACH_FORWARDED) {
                        /* without a rule, policy has nothing to decide */
                        policy_check(input->policy, s, i, n_endpoints, &policy);
                        if (policy.reason != WIRE_REASON_NONE) {
                                result_worsen(r, WIRE_SERVICE_REFUSED, policy.reason, "%s",
                                              policy.text);
                        }
                }
                wanted_judge_forwarder(input, &s->services[i], &choice, r);
                if (r->state == WIRE_SERVICE_ACTIVE) {
                        r->forwarder = (uint8_t) choice.forwarder;
                        r->why = (uint8_t) choice.why;
                        if (verdict.reach != WIRE_REACH_OWN)
                                wanted_expand(wanted, n, s, guest, i, &verdict, &choice);
                }
                n_endpoints += policy_endpoints(s, &s->services[i]);
        }
}

/* Guests are expanded in the order of their arrival, so .order includes that order. */
static int wanted_compare(const void *pa, const void *pb) {
        const Wanted *a = pa, *b = pb;
        int r = ip_endpoint_compare(&a->listen, &b->listen);

        if (r != 0)
                return r;
        return a->order < b->order ? -1 : a->order > b->order;
}

/* It often is, and then there is no need for qsort(), whose cost nobody promises. */
static bool wanted_is_sorted(const Wanted *wanted, size_t n) {
        for (size_t i = 1; i < n; i++)
                if (wanted_compare(&wanted[i - 1], &wanted[i]) > 0)
                        return false;
        return true;
}

typedef struct WantedArrival {
        uint64_t since;
        uint32_t guest;
} WantedArrival;

static int wanted_arrival_compare(const void *pa, const void *pb) {
        const WantedArrival *a = pa, *b = pb;

        if (a->since != b->since)
                return a->since < b->since ? -1 : 1;
        return a->guest < b->guest ? -1 : a->guest > b->guest;
}

int wanted_collect(const ReconcileInput *input, WireServiceResult **results, Wanted **ret_wanted,
                   size_t *ret_n) {
        WantedArrival *arrivals = calloc(input->n_guests + 1, sizeof(*arrivals));
        size_t n = 0, n_arrivals = 0, size = 0;
        Wanted *wanted;

        for (size_t i = 0; arrivals && i < input->n_guests; i++) {
                const ReconcileGuest *a = &input->guests[i];

                if (!a->in_grace && a->state) {
                        arrivals[n_arrivals++] = (WantedArrival){a->since, (uint32_t) i};
                        size += wire_state_endpoints(a->state);
                }
        }
        wanted = malloc((size + 1) * sizeof(*wanted));
        if (!arrivals || !wanted) {
                free(arrivals);
                free(wanted);
                return -ENOMEM;
        }
        qsort(arrivals, n_arrivals, sizeof(*arrivals), wanted_arrival_compare);
        for (size_t i = 0; i < n_arrivals; i++) {
                uint32_t guest = arrivals[i].guest;

                wanted_collect_guest(input, guest, results[guest], wanted, &n);
        }
        free(arrivals);
        if (!wanted_is_sorted(wanted, n))
                qsort(wanted, n, sizeof(*wanted), wanted_compare);
        *ret_wanted = wanted;
        *ret_n = n;
        return 0;
}
