/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as the helper's status.json and as the report of the self-test, which the commands on
 * Windows read. Every text is one that fits, and what is read as JSON by one of them is JSON.
 */

#include "windows-helper/core/selftest/lines.h"
#include "windows-helper/core/status/read.h"

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
                require(strlen(status_field(record, f->name)) < sizeof(f->text));
        }
        require(*status_field(record, "no such field") == '\0');
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
        selftest_lines_done(&lines);
        return 0;
}
