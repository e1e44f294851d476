/* SPDX-License-Identifier: MIT */

/*
 * Questions about a state that an agent has sent.
 */

#include "tests/unit/windows-helper/world/asked.h"

#include "windows-helper/core/rules/rule.h"

uint8_t asked_way(const WireService *s) {
        if (s->options[WIRE_OPTION_CLIENT_ADDRESS])
                return RULE_WAY_RELAY_PROXY_V2;
        return s->options[WIRE_OPTION_PROTOCOL] || s->options[WIRE_OPTION_FORWARDER]
                       ? RULE_WAY_RELAY
                       : RULE_WAY_PORTPROXY;
}

bool asked_twice(const WireState *s, uint32_t service) {
        const WireService *mine = &s->services[service];

        for (uint32_t i = 0; i < s->n_listens; i++) {
                for (uint32_t k = mine->first_listen; k < mine->first_listen + mine->n_listens; k++)
                        if (i != k && ip_compare(&s->listens[i].addr, &s->listens[k].addr) == 0 &&
                            s->listens[i].port < s->listens[k].port + s->listens[k].count &&
                            s->listens[k].port < s->listens[i].port + s->listens[i].count)
                                return true;
        }
        return false;
}

bool asked_port(const WireState *s, uint32_t service, uint16_t port) {
        const WireService *mine = &s->services[service];

        for (uint32_t k = mine->first_listen; k < mine->first_listen + mine->n_listens; k++)
                if (port >= s->listens[k].port && port < s->listens[k].port + s->listens[k].count)
                        return true;
        return false;
}
