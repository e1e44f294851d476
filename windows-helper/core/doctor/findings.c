/* SPDX-License-Identifier: MIT */

/* See findings.h. */

#include "windows-helper/core/doctor/findings.h"

#include "common/json-write.h"
#include "common/text-wrap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_FIRST 32
#define COLUMNS_RANK   10
#define COLUMNS_ADVICE (COLUMNS_RANK + 4)

void findings_done(Findings *f) {
        free(f->items);
        *f = FINDINGS_NULL;
}

static Finding *findings_new(Findings *f) {
        if (f->n == f->size) {
                size_t size = f->size ? 2 * f->size : FINDINGS_FIRST;
                Finding *items = realloc(f->items, size * sizeof(*items));

                if (!items) {
                        f->error = -ENOMEM;
                        return NULL;
                }
                f->items = items;
                f->size = size;
        }
        return &f->items[f->n++];
}

void findings_add(Findings *f, FindingRank rank, const char *id, const char *advice,
                  const char *seen, ...) {
        Finding *new = findings_new(f);
        va_list args;

        if (!new)
                return;
        new->rank = rank;
        new->id = id;
        result_text(new->advice, "%s", advice ? advice : "");
        va_start(args, seen);
        result_text_v(new->seen, seen, args);
        va_end(args);
}

/* Each moves before those that are less bad: few enough for that. */
void findings_sort(Findings *f) {
        for (size_t i = 1; i < f->n; i++) {
                Finding moved = f->items[i];
                size_t k = i;

                for (; k > 0 && f->items[k - 1].rank > moved.rank; k--)
                        f->items[k] = f->items[k - 1];
                f->items[k] = moved;
        }
}

bool findings_are_bad(const Findings *f) {
        for (size_t i = 0; i < f->n; i++)
                if (f->items[i].rank < FINDING_HINT)
                        return true;
        return false;
}

const char *finding_rank_name(FindingRank rank) {
        switch (rank) {
        case FINDING_BROKEN:
                return "broken";
        case FINDING_PROBLEM:
                return "problem";
        case FINDING_HINT:
                return "hint";
        case FINDING_UNSEEN:
                return "not seen";
        case FINDING_GOOD:
                return "good";
        case _FINDING_RANK_END:
                break;
        }
        return "unknown";
}

static void finding_text(const Finding *f, Buffer *out, size_t width) {
        text_pad(out, finding_rank_name(f->rank), COLUMNS_RANK);
        text_wrap(out, f->seen, &(TextFrame){COLUMNS_RANK, COLUMNS_RANK, width, true});
        if (!f->advice[0])
                return;
        text_pad(out, "", COLUMNS_RANK);
        text_pad(out, "->", COLUMNS_ADVICE - COLUMNS_RANK);
        text_wrap(out, f->advice, &(TextFrame){COLUMNS_ADVICE, COLUMNS_ADVICE, width, true});
}

int findings_text(const Findings *f, Buffer *out, size_t width) {
        for (size_t i = 0; i < f->n; i++)
                finding_text(&f->items[i], out, width);
        return out->oom ? -ENOMEM : 0;
}

int findings_json(const Findings *f, Buffer *out) {
        JsonWriter w = JSON_WRITER(out);

        json_open(&w, NULL, '{');
        json_number(&w, "schema", 1);
        json_bool(&w, "bad", findings_are_bad(f));
        json_open(&w, "findings", '[');
        for (size_t i = 0; i < f->n; i++) {
                const Finding *item = &f->items[i];

                json_open(&w, NULL, '{');
                json_string_member(&w, "rank", finding_rank_name(item->rank));
                json_string_member(&w, "id", item->id);
                json_string_member(&w, "seen", item->seen);
                json_string_member(&w, "advice", item->advice[0] ? item->advice : NULL);
                json_close(&w, '}');
        }
        json_close(&w, ']');
        json_close(&w, '}');
        return w.error;
}
