/* SPDX-License-Identifier: MIT */

/*
 * Reads the short notation of agent_ask() into a WireState. See world.h for the notation.
 */

#include "protocol/wire/wire-options.h"
#include "tests/unit/windows-helper/world/world.h"

#include <stdlib.h>
#include <string.h>

static void parse_listen(char *text, WireListen *ret) {
        char *colon = strrchr(text, ':'), *dash = strchr(colon + 1, '-');
        unsigned first = (unsigned) atoi(colon + 1),
                 last = dash ? (unsigned) atoi(dash + 1) : first;

        *colon = '\0';
        if (*text == '[') {
                text++;
                text[strlen(text) - 1] = '\0';
        }
        ck_assert_int_eq(ip_parse(text, &ret->addr), 0);
        ret->port = (uint16_t) first;
        ret->count = (uint16_t) (last - first + 1);
        ret->connect_port = ret->port;
}

/* The word of an option other than its default. */
static bool parse_option(const char *flag, WireService *s) {
        for (WireOption o = 0; o < _WIRE_OPTION_END; o++) {
                const char *const *words = wire_option_words(o);

                for (uint8_t i = 1; words[i]; i++) {
                        if (strcmp(words[i], flag) == 0) {
                                s->options[o] = i;
                                return true;
                        }
                }
        }
        return false;
}

static void parse_service(char *text, WireState *state) {
        WireService *s = &state->services[state->n_services++];
        char *listens = strchr(text, '='), *flag, *port, *save = NULL;

        ck_assert_ptr_nonnull(listens);
        *listens++ = '\0';
        strcpy(s->name, text);
        s->profiles = WIRE_PROFILE_PRIVATE;
        s->first_listen = state->n_listens;
        while ((flag = strrchr(listens, '+'))) {
                *flag++ = '\0';
                if (strcmp(flag, "public") == 0) {
                        s->profiles |= WIRE_PROFILE_PUBLIC;
                } else if (strcmp(flag, "none") == 0) {
                        s->profiles = 0;
                } else if (strcmp(flag, "unknown") == 0) {
                        s->unknown_field = WORLD_UNKNOWN_FIELD;
                } else if (!parse_option(flag, s)) {
                        ck_assert_str_eq(flag, "any");
                        s->remote = WIRE_REMOTE_ANY;
                }
        }
        port = strchr(listens, '>');
        if (port)
                *port++ = '\0';
        for (char *l = strtok_r(listens, ",", &save); l; l = strtok_r(NULL, ",", &save)) {
                parse_listen(l, &state->listens[state->n_listens]);
                if (port)
                        state->listens[state->n_listens].connect_port = (uint16_t) atoi(port);
                state->n_listens++;
                s->n_listens++;
        }
}

/* The mode that @text begins with. Return: what is behind it. */
static const char *parse_mode(const char *text, WireState *state) {
        for (uint8_t mode = WIRE_MODE_UNKNOWN; mode < _WIRE_MODE_END; mode++) {
                size_t n = strlen(wire_mode_name(mode));

                if (strncmp(text, wire_mode_name(mode), n) != 0)
                        continue;
                state->mode = mode;
                return text[n] ? text + n + 1 : "172.20.0.2"; /* which must not matter */
        }
        return text;
}

static void parse_address(const char *text, WireState *state) {
        char copy[WORLD_TEXT_MAX], *via;
        WireAddress a = {.prefix = 20};

        strcpy(copy, text);
        via = strstr(copy, " via ");
        if (via) {
                *via = '\0';
                ck_assert_int_eq(ip_parse(via + strlen(" via "), &a.gateway), 0);
        }
        ck_assert_int_eq(ip_parse(copy, &a.addr), 0);
        if (a.addr.family == IP_FAMILY_V6)
                a.prefix = 64;
        *(a.addr.family == IP_FAMILY_V4 ? &state->v4 : &state->v6) = a;
}

void world_parse(WireState *state, const char *address, const char *services) {
        char copy[WORLD_TEXT_MAX], *save = NULL;

        *state = WIRE_STATE_NULL;
        state->mode = WIRE_MODE_NAT;
        strcpy(state->interface, "eth0");
        address = parse_mode(address, state);
        if (*address)
                parse_address(address, state);
        /* A service or a listen takes two characters at least. */
        state->services = calloc(strlen(services) / 2 + 1, sizeof(*state->services));
        state->listens = calloc(strlen(services) / 2 + 1, sizeof(*state->listens));
        ck_assert(state->services && state->listens);
        strcpy(copy, services);
        for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save))
                parse_service(s, state);
}
