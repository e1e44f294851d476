/* SPDX-License-Identifier: MIT */

/*
 * Texts of a firewall rule in our grouping, which anybody may have edited: its name, its
 * description and its remote scope. What was read can be written and reads the same again. And
 * texts of a rule of somebody else that blocks.
 */

#include "windows-helper/core/firewall/reach.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_name(const char *text) {
        char again[FIREWALL_NAME_MAX];
        IpEndpoint e;

        if (firewall_rule_parse_name(text, &e) < 0)
                return;
        firewall_rule_name(&e, again);
        require(strcmp(text, again) == 0);
        require(firewall_rule_parse_leaving_name(text, &e) < 0);
}

static void fuzz_about(const char *text) {
        char again[FIREWALL_ABOUT_MAX];
        FirewallRule rule = {.remote = NULL};

        if (firewall_rule_parse_about(text, rule.service) < 0)
                return;
        firewall_rule_about(&rule, again);
        require(strcmp(text, again) == 0);
}

static void fuzz_remote(const char *text) {
        char *once, *twice;

        require(firewall_remote_read(text, &once) == 0);
        require(firewall_remote_read(once, &twice) == 0);
        require(strcmp(once, twice) == 0);
        free(twice);
        free(once);
}

/* A rule of somebody else, with the text as each of its properties in turn. */
static void fuzz_block(const char *text) {
        const char *const all[] = {"*", text};
        WireState state = {.remotes = (WirePrefix[]){{ip_v4(10, 0, 0, 0), 8}}};
        const WireService service = {
                .profiles = WIRE_PROFILE_PRIVATE, .remote = WIRE_REMOTE_LIST, .n_remotes = 1};
        const IpEndpoint listen = {ip_v4(192, 0, 2, 1), 2222};

        for (unsigned i = 0; i < 8; i++) {
                const FirewallSeenRule rule = {
                        .name = text,
                        .enabled = true,
                        .inbound = true,
                        .blocks = true,
                        .protocol = 6,
                        .profiles = WIRE_PROFILE_ALL,
                        .local_ports = all[i & 1],
                        .remote_ports = "*",
                        .local = all[i >> 1 & 1],
                        .remote = all[i >> 2 & 1],
                        .application = "",
                        .service = "",
                        .package = "",
                        .interface_types = "All",
                };
                FirewallSight sight = {.known = true, .connected = WIRE_PROFILE_PRIVATE};
                char answer[WIRE_TEXT_MAX + 1];

                require(firewall_sight_add(&sight, &rule) == 0 && sight.n_blocks == 1);
                (void) firewall_reach(&sight, &listen, &state, &service, answer);
                require(strlen(answer) > 0);
                firewall_sight_done(&sight);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = malloc(n + 1);

        require(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        fuzz_name(text);
        fuzz_about(text);
        fuzz_remote(text);
        fuzz_block(text);
        free(text);
        return 0;
}
