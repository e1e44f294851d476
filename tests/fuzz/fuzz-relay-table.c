/* SPDX-License-Identifier: MIT */

/*
 * Any texts as values of the relay's table and limits, one in each line: "tcp v4tov4 NAME=DATA" or
 * "limit NAME=DATA". What is taken has exactly the text that it would be written with, lies within
 * its bounds, and is found again in a sorted table.
 */

#include "windows-helper/core/relay/relay-limits.h"
#include "windows-helper/core/relay/relay-table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_value(RelayTable *t, RuleFamily family, const char *name, const char *data) {
        char same_name[RULE_TEXT_MAX], same_data[RULE_DATA_MAX];
        RuleTarget target;
        RelayEntry e;
        const char *problem = relay_entry_parse(family, name, data, &e);

        if (problem) {
                require(strlen(problem) > 0);
                return;
        }
        require(data != NULL);
        relay_entry_format(&e, same_name, same_data);
        require(strcmp(name, same_name) == 0 && strcmp(data, same_data) == 0);
        require(e.listen.port > 0 && e.connect.port > 0 &&
                e.listen.udp == rule_family_is_udp(family));
        require(rule_target_parse(data, family, &target) == 0);
        require(rule_family(&e.listen, &target) == family);
        require(!e.proxy_v2 || !e.listen.udp);
        require(!ip_is_any(&e.connect.addr) && !ip_is_loopback(&e.connect.addr));
        require(relay_table_add(t, &e) == 0);
}

static void fuzz_limit(const char *name, const char *data) {
        RelayLimits l, same;

        relay_limits_init(&l);
        same = l;
        if (relay_limits_parse(&l, name, data))
                require(memcmp(&l, &same, sizeof(l)) == 0);
        for (size_t i = 0; i < sizeof(l) / sizeof(uint32_t); i++)
                require(((uint32_t *) &l)[i] > 0 && ((uint32_t *) &l)[i] <= 86400000);
}

/* Cut the first word off. Return: the word, "" when there is none. */
static const char *word(char **at) {
        char *start = *at, *end = strchr(start, ' ');

        *at = end ? end + 1 : start + strlen(start);
        if (end)
                *end = '\0';
        return end ? start : "";
}

static void fuzz_line(RelayTable *t, char *line) {
        const char *kind = word(&line);
        RuleFamily family = RULE_V4TOV4;
        char *data;

        if (strcmp(kind, "limit") != 0 && rule_family_parse(word(&line), &family) < 0)
                return;
        data = strchr(line, '=');
        if (data)
                *data++ = '\0';
        if (strcmp(kind, "limit") == 0)
                fuzz_limit(line, data);
        else
                fuzz_value(
                        t,
                        (RuleFamily) ((strcmp(kind, "udp") == 0 ? RULE_RELAY_UDP : RULE_RELAY_TCP) +
                                      family % _RULE_PORTPROXY_END),
                        line, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = malloc(n + 1), *next;
        RelayTable t = RELAY_TABLE_NULL, none = RELAY_TABLE_NULL;
        RelayDiff diff = {0};
        RelayChange c;
        size_t n_before, n_twice, n_opened = 0;

        require(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        for (char *line = text; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                fuzz_line(&t, line);
        }
        n_before = t.n_entries;
        n_twice = relay_table_sort(&t);
        require(t.n_entries + n_twice == n_before);
        while (relay_diff_next(&diff, &none, &t, &c)) {
                require(c.kind == RELAY_OPEN);
                n_opened++;
        }
        require(n_opened == t.n_entries);
        diff = (RelayDiff){0};
        while (relay_diff_next(&diff, &t, &t, &c))
                require(c.kind == RELAY_SAME);
        relay_table_done(&t);
        free(text);
        return 0;
}
