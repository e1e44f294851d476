/* SPDX-License-Identifier: MIT */

/*
 * Policy values as anybody may have written them to the registry. A line is "kind name=text". The
 * kind is a letter (s, m, n, o as PolicyKind), ';' in a text stands for the end of a string, and a
 * number is the first four bytes of the text.
 *
 * It must not crash. A value that cannot be read never allows anything, and is reported in a text
 * that is fit for a log. What is in force is within its bounds.
 */

#include "windows-helper/core/policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void require_ports(const PolicyPorts *ports, size_t n) {
        require(n <= POLICY_PORT_RANGES_MAX);
        for (size_t i = 0; i < n; i++)
                require(ports[i].first >= 1 && ports[i].first <= ports[i].last);
}

static void require_sound(const Policy *p) {
        require_ports(p->allowed_ports, p->n_allowed_ports);
        require_ports(p->denied_ports, p->n_denied_ports);
        require(p->n_allowed_listen <= POLICY_LISTEN_MAX);
        for (size_t i = 0; i < p->n_allowed_listen; i++) {
                const WirePrefix *prefix = &p->allowed_listen[i];

                require(prefix->length <= ip_family_bits(prefix->addr.family));
                require(!ip_has_host_bits(&prefix->addr, prefix->length));
        }
        require((p->allowed_profiles & ~WIRE_PROFILE_ALL) == 0);
        require(p->widest_remote == WIRE_REMOTE_LOCAL_SUBNET ||
                p->widest_remote == WIRE_REMOTE_ANY);
        require(p->max_endpoints <= WIRE_ENDPOINTS_MAX);
}

/* A service that listens on @port of @listen, for all profiles and anybody. */
static bool allows(const Policy *p, const IpAddr *listen, uint16_t port, uint8_t profiles) {
        WireListen l = {.addr = *listen, .port = port, .connect_port = port, .count = 1};
        WireService s = {.name = "web", .n_listens = 1, .profiles = profiles};
        WireState state = {.services = &s, .n_services = 1, .listens = &l, .n_listens = 1};
        PolicyVerdict verdict;

        s.remote = WIRE_REMOTE_ANY;
        policy_check(p, &state, 0, 0, &verdict);
        require((verdict.reason == WIRE_REASON_NONE) == (verdict.text[0] == '\0'));
        return verdict.reason == WIRE_REASON_NONE;
}

/* @before was in force, and then a value was refused. */
static void require_not_wider(const Policy *before, const Policy *after) {
        const IpAddr addresses[] = {ip_v4(0, 0, 0, 0), ip_v4(127, 0, 0, 1), {IP_FAMILY_V6, {0}}};
        static const uint16_t ports[] = {1, 22, 80, 135, 445, 2222, 8000, 65535};

        for (size_t a = 0; a < sizeof(addresses) / sizeof(addresses[0]); a++)
                for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
                        for (uint8_t profiles = 0; profiles <= WIRE_PROFILE_ALL; profiles++)
                                require(!allows(after, &addresses[a], ports[i], profiles) ||
                                        allows(before, &addresses[a], ports[i], profiles));
        require(after->max_endpoints <= before->max_endpoints);
        require(after->pairing_required || !before->pairing_required);
        require(after->privileged_source || !before->privileged_source);
}

static PolicyKind kind_of(char letter) {
        switch (letter) {
        case 's':
                return POLICY_IS_STRING;
        case 'm':
                return POLICY_IS_STRINGS;
        case 'n':
                return POLICY_IS_NUMBER;
        default:
                return POLICY_IS_OTHER;
        }
}

static void fuzz_value(Policy *p, char *line) {
        char problem[WIRE_TEXT_MAX + 1] = "", clean[WIRE_TEXT_MAX + 1];
        char *name = line + 2, *text = strchr(name, '=');
        PolicyKind kind = kind_of(line[0]);
        Policy before = *p;
        uint32_t number = 0;
        int r;

        if (!text)
                return;
        *text++ = '\0';
        memcpy(&number, text, strlen(text) < sizeof(number) ? strlen(text) : sizeof(number));
        for (char *end = text; kind == POLICY_IS_STRINGS && (end = strchr(end, ';'));)
                *end = '\n';
        r = policy_set(p, name, kind, text, number, problem);
        require(r == 0 || r == -EINVAL || r == -ENOENT);
        require((r == 0) == (problem[0] == '\0'));
        memcpy(clean, problem, sizeof(clean));
        wire_text_clean(clean, WIRE_TEXT_MAX);
        require(strcmp(clean, problem) == 0);
        require(r != -ENOENT || memcmp(&before, p, sizeof(before)) == 0);
        require_sound(p);
        if (r < 0)
                require_not_wider(&before, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *copy = malloc(n + 1), *next = copy, *line;
        Policy p;

        require(copy != NULL);
        memcpy(copy, data, n);
        copy[n] = '\0';
        policy_init(&p);
        while ((line = next)) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (strlen(line) > 2)
                        fuzz_value(&p, line);
        }
        free(copy);
        return 0;
}
