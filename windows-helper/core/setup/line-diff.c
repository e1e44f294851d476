/* SPDX-License-Identifier: MIT */

/*
 * The texts differ in a few lines at a few places, so looking a few lines ahead finds where they
 * agree again. Where it does not, the result is longer than it must be and still right.
 */

#include "windows-helper/core/setup/line-diff.h"

#include <string.h>

#define DIFF_CONTEXT 2 /* lines */
#define DIFF_AHEAD   8 /* lines that may come or go at one place */

typedef struct DiffText {
        const uint8_t *p, *end; /* what follows */
        size_t line;            /* its number, from 1 */
} DiffText;

typedef struct Diff {
        DiffText old, new;
        DiffText context[DIFF_CONTEXT]; /* lines that are the same, and not shown yet */
        size_t n_context, after;        /* .after: how many are still shown behind a change */
        bool apart;                     /* lines were left out before */
        Buffer *out;
} Diff;

/* Take the next line. Return: its length without the newline; @t must not be at its end. */
static size_t take(DiffText *t) {
        size_t n = (size_t) (t->end - t->p);
        const uint8_t *newline = memchr(t->p, '\n', n), *begin = t->p;

        n = newline ? (size_t) (newline - begin) : n;
        t->p += n + (newline != NULL);
        t->line++;
        return n > 0 && begin[n - 1] == '\r' ? n - 1 : n;
}

static bool at_end(const DiffText *t) {
        return t->p == t->end;
}

/* Whether the next lines are the same; the ends of both are, too. */
static bool same(DiffText a, DiffText b) {
        const uint8_t *p = a.p, *q = b.p;
        size_t n;

        if (at_end(&a) || at_end(&b))
                return at_end(&a) && at_end(&b);
        n = take(&a);
        return n == take(&b) && memcmp(p, q, n) == 0;
}

/* How many lines of @from come before one that is the next line of @to; 0 when none is near. */
static size_t distance(DiffText from, DiffText to) {
        for (size_t i = 1; i <= DIFF_AHEAD && !at_end(&from); i++) {
                (void) take(&from);
                if (same(from, to))
                        return i;
        }
        return 0;
}

static void show(Diff *d, char sign, DiffText *t) {
        const uint8_t *p = t->p;
        size_t n = take(t);

        buffer_printf(d->out, "%c%.*s\n", sign, (int) n, (const char *) p);
}

static void keep(Diff *d) {
        if (d->after > 0) {
                d->after--;
                show(d, ' ', &d->new);
        } else {
                if (d->n_context == DIFF_CONTEXT) {
                        memmove(d->context, d->context + 1, sizeof(d->context[0]));
                        d->n_context--;
                        d->apart = true;
                }
                d->context[d->n_context++] = d->new;
                (void) take(&d->new);
        }
        (void) take(&d->old);
}

/* Show @n lines of @t as changed, with those around them. */
static void change(Diff *d, char sign, DiffText *t, size_t n) {
        if (d->after == 0 && (d->apart || buffer_length(d->out) == 0))
                buffer_printf(d->out, "@@ line %zu @@\n",
                              d->n_context > 0 ? d->context[0].line : d->new.line);
        for (size_t i = 0; i < d->n_context; i++)
                show(d, ' ', &d->context[i]);
        d->n_context = 0;
        d->apart = false;
        d->after = DIFF_CONTEXT;
        while (n-- > 0)
                show(d, sign, t);
}

void line_diff(const uint8_t *old, size_t n_old, const uint8_t *new, size_t n_new, Buffer *ret) {
        static const uint8_t none[1];
        Diff d = {
                .old = {old ? old : none, old ? old + n_old : none, 1},
                .new = {new ? new : none, new ? new + n_new : none, 1},
                .out = ret,
        };

        while (!at_end(&d.old) || !at_end(&d.new)) {
                size_t come = at_end(&d.old) ? 1 : distance(d.new, d.old);
                size_t go = at_end(&d.new) ? 1 : distance(d.old, d.new);

                if (same(d.old, d.new)) {
                        keep(&d);
                } else if (come > 0) {
                        change(&d, '+', &d.new, come);
                } else if (go > 0) {
                        change(&d, '-', &d.old, go);
                } else {
                        change(&d, '-', &d.old, 1);
                        change(&d, '+', &d.new, 1);
                }
        }
}
