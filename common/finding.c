/* SPDX-License-Identifier: MIT */

/*
 * The findings of both doctors: collecting, sorting, and showing them.
 */

#include "common/finding.h"

#include "common/json-write.h"
#include "common/text-wrap.h"

#include <stdlib.h>
#include <string.h>

#define FINDINGS_SCHEMA 2
#define FINDINGS_FIRST  16
#define COLUMNS_RANK    10
#define COLUMNS_ADVICE  (COLUMNS_RANK + 4)

static void finding_done(Finding *x) {
        buffer_done(&x->subject);
        buffer_done(&x->seen);
        buffer_done(&x->advice);
}

void findings_done(Findings *f) {
        for (size_t i = 0; i < f->n; i++)
                finding_done(&f->items[i]);
        finding_done(&f->scratch);
        free(f->items);
        *f = FINDINGS_NULL(f->ids);
}

static Finding *findings_room(Findings *f) {
        if (f->n == f->size) {
                size_t size = f->size > 0 ? 2 * f->size : FINDINGS_FIRST;
                Finding *items = realloc(f->items, size * sizeof(*items));

                if (!items) {
                        f->oom = true;
                        finding_done(&f->scratch);
                        return &f->scratch;
                }
                f->items = items;
                f->size = size;
        }
        return &f->items[f->n++];
}

Finding *findings_add(Findings *f, FindingRank rank, const char *id, const char *subject) {
        Finding *x = findings_room(f);

        *x = (Finding){.rank = rank, .id = id};
        while (f->ids[x->order] && strcmp(f->ids[x->order], id) != 0)
                x->order++;
        if (subject)
                buffer_printf(&x->subject, "%s", subject);
        return x;
}

static bool comes_before(const Finding *a, const Finding *b) {
        return a->rank != b->rank ? a->rank < b->rank : a->order < b->order;
}

/* Findings are few, and those of one rank and kind stay in the order in which they were added: an
 * insertion sort. */
static void findings_sort(Findings *f) {
        for (size_t i = 1; i < f->n; i++) {
                Finding moved = f->items[i];
                size_t k = i;

                for (; k > 0 && comes_before(&moved, &f->items[k - 1]); k--)
                        f->items[k] = f->items[k - 1];
                f->items[k] = moved;
        }
}

void findings_finish(Findings *f) {
        findings_sort(f);
        for (size_t i = 0; i < f->n; i++) {
                Finding *x = &f->items[i];
                Buffer *const texts[] = {&x->subject, &x->seen, &x->advice};

                for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
                        text_clean_lines(texts[k]);
                        f->oom = f->oom || texts[k]->oom;
                }
        }
}

bool findings_are_bad(const Findings *f) {
        for (size_t i = 0; i < f->n; i++)
                if (f->items[i].rank < FINDING_HINT)
                        return true;
        return false;
}

const char *finding_rank_name(FindingRank rank) {
        static const char *const names[] = {"broken", "problem", "hint", "unseen", "good"};

        return rank < _FINDING_RANK_END ? names[rank] : "unknown";
}

static void finding_text(const Finding *x, size_t width, const char *const *colours, Buffer *out) {
        const char *name = finding_rank_name(x->rank);

        buffer_printf(out, "%s%s%s%*s", colours ? colours[x->rank] : "", name,
                      colours ? colours[_FINDING_RANK_END] : "", COLUMNS_RANK - (int) strlen(name),
                      "");
        text_wrap(out, buffer_text(&x->seen),
                  &(TextFrame){COLUMNS_RANK, COLUMNS_RANK, width, true});
        if (buffer_length(&x->advice) == 0)
                return;
        text_pad(out, "", COLUMNS_RANK);
        text_pad(out, "->", COLUMNS_ADVICE - COLUMNS_RANK);
        text_wrap(out, buffer_text(&x->advice),
                  &(TextFrame){COLUMNS_ADVICE, COLUMNS_ADVICE, width, true});
}

void findings_text(const Findings *f, size_t width, const char *const *colours, Buffer *out) {
        for (size_t i = 0; i < f->n; i++)
                finding_text(&f->items[i], width, colours, out);
        out->oom = out->oom || f->oom;
}

static const char *text_or_null(const Buffer *b) {
        return buffer_length(b) > 0 ? buffer_text(b) : NULL;
}

void findings_json(const Findings *f, const char *program, Buffer *out) {
        JsonWriter w = JSON_WRITER(out);

        json_open(&w, NULL, '{');
        json_number(&w, "schema", FINDINGS_SCHEMA);
        json_string_member(&w, "program", program);
        json_bool(&w, "bad", findings_are_bad(f));
        json_open(&w, "findings", '[');
        for (size_t i = 0; i < f->n; i++) {
                const Finding *x = &f->items[i];

                json_open(&w, NULL, '{');
                json_string_member(&w, "rank", finding_rank_name(x->rank));
                json_string_member(&w, "id", x->id);
                json_string_member(&w, "subject", text_or_null(&x->subject));
                json_string_member(&w, "seen", buffer_text(&x->seen));
                json_string_member(&w, "advice", text_or_null(&x->advice));
                json_close(&w, '}');
        }
        json_close(&w, ']');
        json_close(&w, '}');
        out->oom = out->oom || f->oom || w.error < 0;
}

const char *finding_why_text(const char *why) {
        static const struct {
                const char *why, *text;
        } texts[] = {
                {"default", "the default"},
                {"asked", "because of 'forwarder = relay'"},
                {"protocol", "because of 'protocol = udp'"},
                {"client-address", "because of 'client-address = proxy-v2'"},
                {"networking-mode", "because the guest is reached without a forwarder"},
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (strcmp(why, texts[i].why) == 0)
                        return texts[i].text;
        return why;
}
