/* SPDX-License-Identifier: MIT */

/*
 * Texts of a firewall rule in our grouping, which anybody may have edited: its name, its
 * description and its remote scope. What was read can be written and reads the same again.
 */

#include "windows-helper/core/firewall/firewall.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = malloc(n + 1);

        require(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        fuzz_name(text);
        fuzz_about(text);
        fuzz_remote(text);
        free(text);
        return 0;
}
