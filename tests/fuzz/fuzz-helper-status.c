/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as the helper's status.json and as the report of the self-test, which the commands on
 * Windows read. Every text is one that fits, those of the helper may be shown, and what the report
 * says about a fact comes from a line of it. And any text as such a verdict in the registry.
 */

#include "windows-helper/core/selftest/facts.h"
#include "windows-helper/core/status/read.h"

#include "protocol/wire/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void on_record(void *userdata, StatusKind kind, const StatusRecord *record) {
        size_t *n_records = userdata;

        ++*n_records;
        require(kind <= STATUS_POLICY && record->n <= STATUS_FIELDS_MAX);
        for (size_t i = 0; i < record->n; i++) {
                const StatusField *f = &record->fields[i];

                require(memchr(f->name, '\0', sizeof(f->name)) != NULL);
                require(memchr(f->text, '\0', sizeof(f->text)) != NULL);
                require(wire_text_valid((const uint8_t *) f->text, strlen(f->text)));
                require(strlen(status_field(record, f->name)) < sizeof(f->text));
        }
        require(*status_field(record, "no such field") == '\0');
}

/* Any text as what the registry has of a fact that the self-test has looked at. */
static void fuzz_verdict(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1);
        FactVerdict verdict;

        require(text != NULL);
        memcpy(text, data, n);
        if (fact_verdict_parse(text, &verdict) == 0)
                require(strcmp(fact_verdict_name(verdict), text) == 0);
        free(text);
}

/* What the lines of a report say about a fact is said by one of them, if anything is. */
static void require_facts(const SelftestLines *lines) {
        for (size_t i = 0; i < n_unverified_facts; i++) {
                const SelftestLine *why;
                FactVerdict verdict = fact_judge(&unverified_facts[i], lines, &why);

                require(verdict < _FACT_VERDICT_END);
                require((verdict == FACT_NOT_SEEN) == (why == NULL));
                require(!why || (why >= lines->items && why < lines->items + lines->n));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        SelftestLines lines = SELFTEST_LINES_NULL;
        size_t n_records = 0;
        int r = status_read((const char *) data, n, on_record, &n_records);

        require(r == 0 || r == -EINVAL);
        require(n_records <= n + 1);
        r = selftest_lines_read(&lines, (const char *) data, n);
        require(r == 0 || r == -EINVAL);
        require(lines.n <= SELFTEST_LINES_MAX && !lines.oom);
        for (size_t i = 0; i < lines.n; i++) {
                const SelftestLine *l = &lines.items[i];

                require(l->step >= 1 && l->step <= SELFTEST_STEPS && l->pass < _SELFTEST_PASS_END);
                require(memchr(l->key, '\0', sizeof(l->key)) &&
                        memchr(l->text, '\0', sizeof(l->text)));
                require(!l->done || selftest_lines_find(&lines, l->pass, l->key) != NULL);
        }
        require_facts(&lines);
        selftest_lines_done(&lines);
        fuzz_verdict(data, n);
        return 0;
}
