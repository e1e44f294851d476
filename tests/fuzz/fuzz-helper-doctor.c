/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what the commands 'status' and 'doctor' of Windows read. Up to the first '{' a line
 * is "rule FAMILY NAME=DATA", "ours NAME=DATA" (of the ledger), "guest OWNER" or "policy PROBLEM";
 * the rest is status.json. What they show may be shown, and a narrow window loses no word of it.
 */

#include "tests/fuzz/tools/findings.h"
#include "windows-helper/core/doctor/host-checks.h"
#include "windows-helper/core/status/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NARROW     40 /* columns */
#define GUESTS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct Windows {
        RuleTable rules;
        Ledger ledger;
        PolicyOrigin policy;
        EvidenceGuest guests[GUESTS_MAX];
        size_t n_guests;
} Windows;

static void require(bool good) {
        if (!good)
                abort();
}

static void see_rule(Windows *w, char *family, char *name, const char *data) {
        RuleFamily f;

        if (rule_family_parse(family, &f) == 0)
                require(rule_table_add(&w->rules, f, name, data) == 0);
}

static void see_line(Windows *w, char *line) {
        char *kind = strsep(&line, " "), *family = strcmp(kind, "rule") ? NULL : strsep(&line, " ");
        char *data = line ? strchr(line, '=') : NULL;
        LedgerEntry entry;

        if (!line || !*line)
                return;
        if (strcmp(kind, "guest") == 0 && w->n_guests < GUESTS_MAX &&
            strlen(line) <= LEDGER_OWNER_MAX) {
                EvidenceGuest *g = &w->guests[w->n_guests++];

                g->paired = w->n_guests % 2 == 1;
                strcpy(g->owner, line);
        }
        if (strcmp(kind, "policy") == 0 && w->policy.n_problems < POLICY_PROBLEMS_MAX)
                (void) snprintf(w->policy.problems[w->policy.n_problems++], WIRE_TEXT_MAX + 1, "%s",
                                line);
        if (data)
                *data++ = '\0';
        if (family)
                see_rule(w, family, line, data);
        if (strcmp(kind, "ours") == 0 && data && ledger_entry_parse(line, data, &entry) == 0)
                require(ledger_put(&w->ledger, &entry) == 0);
}

static void fuzz_status(const char *json, size_t n) {
        Buffer wide = BUFFER_NULL, narrow = BUFFER_NULL;
        int r = status_text(&wide, json, n, 0);

        require(r == 0 || r == -EINVAL);
        require(status_text(&narrow, json, n, NARROW) == r);
        require(lines_may_be_shown(buffer_text(&wide)));
        require_same_words(buffer_text(&wide), buffer_text(&narrow));
        buffer_done(&wide);
        buffer_done(&narrow);
}

static void fuzz_doctor(const Windows *w, const char *json, size_t n, Seen serves) {
        static VmList vms = {.n = 1, .items = {{.id.bytes = {1}, .wsl = true, .name = "WSL"}}};
        static const Hostnet net = {
                .n_addresses = 1, .addresses = {{{IP_FAMILY_V4, {172, 28, 64, 1}}, 20, true, "v"}}};
        const HostEvidence evidence = {
                .version = "1",
                .helper = SERVICE_IS_RUNNING,
                .program = SEEN_YES,
                .relay = SERVICE_IS_STOPPED,
                .relay_program = SEEN_YES,
                .forwarder = SERVICE_IS_RUNNING,
                .firewall = SERVICE_IS_RUNNING,
                .filter = SERVICE_IS_RUNNING,
                .status = json,
                .n_status = n,
                .serves = serves,
                .sockets_seen = true,
                .vms = &vms,
                .wsl = SEEN_YES,
                .keys_seen = true,
                .guests = w->guests,
                .n_guests = w->n_guests,
                .policy = &w->policy,
                .rules = &w->rules,
                .ledger = &w->ledger,
                .hostnet = &net,
        };
        Findings f;

        host_checks_run(&evidence, &f);
        require_findings(&f);
        findings_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1), *rest = text, *line;
        Windows *w = calloc(1, sizeof(*w));
        size_t n_lines = 0;

        require(text && w);
        while (n_lines < n && data[n_lines] != '{')
                n_lines++;
        memcpy(text, data, n_lines);
        while ((line = strsep(&rest, "\n")))
                see_line(w, line);
        rule_table_sort(&w->rules);
        fuzz_status((const char *) data + n_lines, n - n_lines);
        fuzz_doctor(w, (const char *) data + n_lines, n - n_lines, SEEN_YES);
        fuzz_doctor(w, (const char *) data + n_lines, n - n_lines, SEEN_NO);
        rule_table_done(&w->rules);
        ledger_done(&w->ledger);
        free(w);
        free(text);
        return 0;
}
