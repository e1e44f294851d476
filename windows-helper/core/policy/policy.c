/* SPDX-License-Identifier: MIT */

/*
 * The verdicts. Each refusal names the policy value that caused it and the refused request, so that
 * the user knows what to change or whom to ask.
 */

#include "windows-helper/core/policy/policy.h"

#include "protocol/wire/wire-options.h"
#include "windows-helper/core/base/forwarder.h"
#include "windows-helper/core/base/result.h"

#include <string.h>

void policy_init(Policy *p) {
        /* The ports of Windows' own services: RPC, NetBIOS, SMB, remote desktop, WinRM. A guest
         * that listened there would be taken for Windows itself. */
        static const uint16_t denied[] = {135, 139, 445, 3389, 5985, 5986};

        *p = (Policy){
                .allowed_profiles = WIRE_PROFILE_DOMAIN | WIRE_PROFILE_PRIVATE,
                .widest_remote = WIRE_REMOTE_LOCAL_SUBNET,
                .allowed_protocols = 1u << WIRE_PROTOCOL_TCP | 1u << WIRE_PROTOCOL_UDP,
                .allow_relay = true,
                .max_endpoints = POLICY_ENDPOINTS_DEFAULT,
                .pairing_required = true,
        };
        for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
                p->denied_ports[i] = (PolicyPorts){denied[i], denied[i]};
        p->n_denied_ports = sizeof(denied) / sizeof(denied[0]);
}

/* The first port of @first…@last that is in one of @ranges, or 0. */
static unsigned policy_first_inside(const PolicyPorts *ranges, size_t n, unsigned first,
                                    unsigned last) {
        unsigned found = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned from = ranges[i].first > first ? ranges[i].first : first;

                if (from <= last && from <= ranges[i].last && (found == 0 || from < found))
                        found = from;
        }
        return found;
}

/* The first port of @first…@last that is in none of @ranges, or 0. Ranges may touch and overlap. */
static unsigned policy_first_outside(const PolicyPorts *ranges, size_t n, unsigned first,
                                     unsigned last) {
        unsigned port = first;
        bool moved = true;

        while (moved && port <= last) {
                moved = false;
                for (size_t i = 0; i < n; i++) {
                        if (ranges[i].first <= port && port <= ranges[i].last) {
                                port = ranges[i].last + 1u;
                                moved = true;
                        }
                }
        }
        return port <= last ? port : 0;
}

static bool policy_listen_allowed(const Policy *p, const IpAddr *addr) {
        if (p->listen_closed)
                return false;
        for (size_t i = 0; i < p->n_allowed_listen; i++)
                if (ip_in_prefix(addr, &p->allowed_listen[i].addr, p->allowed_listen[i].length))
                        return true;
        return p->n_allowed_listen == 0;
}

static void policy_check_listen(const Policy *p, const WireListen *l, PolicyVerdict *v) {
        unsigned last = l->port + (l->count > 0 ? l->count - 1u : 0u);
        unsigned denied = policy_first_inside(p->denied_ports, p->n_denied_ports, l->port, last);
        unsigned outside =
                p->n_allowed_ports > 0
                        ? policy_first_outside(p->allowed_ports, p->n_allowed_ports, l->port, last)
                        : 0;
        char text[IP_TEXT_MAX];

        if (p->allowed_closed || p->denied_closed) {
                v->reason = WIRE_REASON_POLICY_PORT;
                result_text(v->text, "no port is allowed: policy value " POLICY_NAME_ALLOWED_PORTS
                                     " or " POLICY_NAME_DENIED_PORTS
                                     " is empty or cannot be read; the host's event log says more");
                return;
        }
        if (denied == 0 && outside == 0 && policy_listen_allowed(p, &l->addr))
                return;
        ip_format(&l->addr, text);
        if (denied != 0) {
                v->reason = WIRE_REASON_POLICY_PORT;
                result_text(v->text,
                            "port %u on %s: denied by policy value " POLICY_NAME_DENIED_PORTS
                            "; listen on another port",
                            denied, text);
        } else if (outside != 0) {
                v->reason = WIRE_REASON_POLICY_PORT;
                result_text(v->text,
                            "port %u on %s: not allowed by policy value " POLICY_NAME_ALLOWED_PORTS
                            "; listen on a port that it lists",
                            outside, text);
        } else {
                v->reason = WIRE_REASON_POLICY_ADDRESS;
                result_text(
                        v->text,
                        "listen address %s: not allowed by policy value " POLICY_NAME_ALLOWED_LISTEN
                        "; use an address that it lists",
                        text);
        }
}

/* Check what is opened in the firewall, and for whom. If a service opens nothing ("none"), the
 * Windows administrator decides who may connect, so its 'remote' does not matter. */
static void policy_check_firewall(const Policy *p, const WireService *s, PolicyVerdict *v) {
        static const char *const names[] = {"domain", "private", "public"};
        unsigned excess = s->profiles & ~(unsigned) p->allowed_profiles;

        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (excess & 1u << i) {
                        v->reason = WIRE_REASON_POLICY_PROFILE;
                        result_text(v->text,
                                    "firewall profile %s: not allowed by policy "
                                    "value " POLICY_NAME_ALLOWED_PROFILES,
                                    names[i]);
                        return;
                }
        }
        /* The local subnet changes with the network, so it is not known whether a list is inside
         * it. */
        if (s->profiles != 0 && p->widest_remote == WIRE_REMOTE_LOCAL_SUBNET &&
            s->remote != WIRE_REMOTE_LOCAL_SUBNET) {
                v->reason = WIRE_REASON_POLICY_REMOTE;
                result_text(v->text,
                            "policy value " POLICY_NAME_WIDEST_REMOTE
                            " allows only 'remote = LocalSubnet'; an administrator of the host "
                            "can set it to any");
        }
}

/* Check what is to carry the service. */
static void policy_check_options(const Policy *p, const WireService *s, uint8_t mode,
                                 PolicyVerdict *v) {
        uint8_t protocol = s->options[WIRE_OPTION_PROTOCOL];
        ForwarderChoice choice = forwarder_choose(s, wire_mode_reach(mode));

        if (!(p->allowed_protocols & 1u << protocol)) {
                v->reason = WIRE_REASON_POLICY_PROTOCOL;
                result_text(v->text,
                            "protocol %s: not allowed by policy "
                            "value " POLICY_NAME_ALLOWED_PROTOCOLS,
                            wire_option_word(WIRE_OPTION_PROTOCOL, protocol));
        } else if (choice.forwarder == WIRE_FORWARDER_RELAY && !p->allow_relay) {
                v->reason = WIRE_REASON_POLICY_RELAY;
                result_text(v->text,
                            "the relay, which '%s = %s' needs: not allowed by policy "
                            "value " POLICY_NAME_ALLOW_RELAY,
                            wire_option_name(choice.asked_by),
                            wire_option_word(choice.asked_by, s->options[choice.asked_by]));
        }
}

uint32_t policy_endpoints(const WireState *state, const WireService *s) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < s->n_listens; i++)
                n += state->listens[s->first_listen + i].count;
        return n;
}

/* Endpoints are counted in the order of the STATE, also those of services that are refused. So it
 * does not depend on other values of the policy which services are beyond the limit. */
void policy_check(const Policy *p, const WireState *state, uint32_t index, uint32_t n_before,
                  PolicyVerdict *ret_verdict) {
        const WireService *s = &state->services[index];
        uint32_t n = n_before + policy_endpoints(state, s);

        ret_verdict->reason = WIRE_REASON_NONE;
        ret_verdict->text[0] = '\0';
        if (n > p->max_endpoints) {
                ret_verdict->reason = WIRE_REASON_POLICY_SERVICES;
                result_text(
                        ret_verdict->text,
                        "policy value " POLICY_NAME_MAX_ENDPOINTS
                        " allows %u endpoints per agent, and with this service they are %u; ask "
                        "for fewer ports",
                        (unsigned) p->max_endpoints, (unsigned) n);
                return;
        }
        for (uint32_t i = 0; i < s->n_listens && ret_verdict->reason == WIRE_REASON_NONE; i++)
                policy_check_listen(p, &state->listens[s->first_listen + i], ret_verdict);
        if (ret_verdict->reason == WIRE_REASON_NONE)
                policy_check_firewall(p, s, ret_verdict);
        if (ret_verdict->reason == WIRE_REASON_NONE)
                policy_check_options(p, s, state->mode, ret_verdict);
}
