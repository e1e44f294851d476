/* SPDX-License-Identifier: MIT */

/*
 * The two forms of the report.
 */

#include "windows-helper/core/selftest/report.h"

#include "common/json-write.h"
#include "windows-helper/core/selftest/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* HRESULTs, and the exit codes of crashes, are read as hexadecimal numbers, others not. */
#define REPORT_HEX_FROM 0x10000u

static void report_code(uint32_t code, char ret_text[16]) {
        if (code == 0)
                (void) snprintf(ret_text, 16, "ok");
        else if (code >= REPORT_HEX_FROM)
                (void) snprintf(ret_text, 16, "0x%08x", (unsigned) code);
        else
                (void) snprintf(ret_text, 16, "%u", (unsigned) code);
}

void selftest_report_done(SelftestReport *r) {
        selftest_lines_done(&r->lines);
        free(r->left);
        *r = SELFTEST_REPORT_NULL;
}

void selftest_report_line(const SelftestLine *line, Buffer *out) {
        char code[16] = "-";

        if (line->done)
                report_code(line->code, code);
        buffer_printf(out, "  %-10s %6u ms  %s%s%s%s%s\n", code, (unsigned) line->ms, line->api,
                      line->api[0] ? ": " : "", line->done ? "" : "not done, ", line->text,
                      line->text[0] ? "" : line->key);
}

void selftest_report_facts(const SelftestReport *r, Buffer *out) {
        size_t n[_FACT_VERDICT_END] = {0};

        for (size_t i = 0; i < n_unverified_facts; i++) {
                const UnverifiedFact *f = &unverified_facts[i];
                const SelftestLine *why;
                FactVerdict v = fact_judge(f, &r->lines, &why);

                n[v]++;
                buffer_printf(out, "  %-7s %-14s %s\n", f->id, fact_verdict_name(v), f->statement);
                if (v == FACT_FAILS)
                        buffer_printf(out, "%25s-> %s\n", "", f->instead);
        }
        buffer_printf(out, "\nFacts that hold: %zu; that do not: %zu; not seen: %zu.\n",
                      n[FACT_HOLDS], n[FACT_FAILS], n[FACT_NOT_SEEN]);
        if (r->left)
                buffer_printf(out, "Left behind:\n%s", r->left);
        else
                buffer_printf(out, "Nothing is left behind.\n");
}

/* A text that may tell whose machine this is. */
static void report_text(JsonWriter *w, const char *name, const char *text, Mask *mask) {
        Buffer masked = BUFFER_NULL;

        if (mask)
                mask_text(mask, text, &masked);
        json_string_member(w, name, mask ? buffer_text(&masked) : text);
        if (masked.oom)
                w->error = -ENOMEM;
        buffer_done(&masked);
}

static void report_json_line(JsonWriter *w, const SelftestLine *line, Mask *mask) {
        json_open(w, NULL, '{');
        json_string_member(w, "pass", selftest_pass_name(line->pass));
        json_number(w, "step", line->step);
        json_string_member(w, "key", line->key);
        json_string_member(w, "api", line->api);
        json_bool(w, "done", line->done);
        json_number(w, "code", line->code);
        json_number(w, "ms", line->ms);
        report_text(w, "text", line->text, mask);
        json_close(w, '}');
}

static void report_json_facts(JsonWriter *w, const SelftestLines *lines) {
        json_open(w, "facts", '[');
        for (size_t i = 0; i < n_unverified_facts; i++) {
                const UnverifiedFact *f = &unverified_facts[i];
                const SelftestLine *why;
                FactVerdict v = fact_judge(f, lines, &why);

                json_open(w, NULL, '{');
                json_string_member(w, "id", f->id);
                json_string_member(w, "verdict", fact_verdict_name(v));
                json_string_member(w, "by", why ? why->key : NULL);
                json_string_member(w, "statement", f->statement);
                json_string_member(w, "instead", v == FACT_FAILS ? f->instead : NULL);
                json_close(w, '}');
        }
        json_close(w, ']');
}

int selftest_report_json(const SelftestReport *r, Mask *mask, const char *version, Buffer *out) {
        JsonWriter w = JSON_WRITER(out);

        json_open(&w, NULL, '{');
        json_number(&w, "schema", 1);
        json_string_member(&w, "program", "wslbridge-helper");
        json_string_member(&w, "version", version);
        json_bool(&w, "ended", r->ended);
        if (r->left)
                report_text(&w, "left", r->left, mask);
        else
                json_string_member(&w, "left", NULL);
        json_open(&w, "lines", '[');
        for (size_t i = 0; i < r->lines.n; i++)
                report_json_line(&w, &r->lines.items[i], mask);
        json_close(&w, ']');
        report_json_facts(&w, &r->lines);
        json_close(&w, '}');
        if (r->lines.oom || (mask && mask->oom))
                return -ENOMEM;
        return w.error;
}
