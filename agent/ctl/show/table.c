/* SPDX-License-Identifier: MIT */

/*
 * The layout of tables, and the escape sequences of colours.
 */

#include "agent/ctl/show/table.h"

#include "common/text-width.h"
#include "common/text-wrap.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_GAP        2 /* spaces between columns */
#define TABLE_COLUMN_MIN 4 /* a column that is cut keeps at least this */
#define TABLE_NOTE       2 /* indentation of notes */

const char *style_colour(const Style *style, Colour colour) {
        static const char *const sequences[_COLOUR_END] = {
                [COLOUR_NONE] = "\033[0m", [COLOUR_GOOD] = "\033[32m",  [COLOUR_WAIT] = "\033[33m",
                [COLOUR_BAD] = "\033[31m", [COLOUR_FAINT] = "\033[90m", [COLOUR_STRONG] = "\033[1m",
        };

        return style->colour ? sequences[colour] : "";
}

void table_done(Table *t) {
        for (size_t i = 0; i < t->n_rows; i++) {
                for (unsigned c = 0; c < t->n_columns; c++)
                        free(t->rows[i].cells[c].text);
                free(t->rows[i].note);
        }
        free(t->rows);
        *t = TABLE_NULL;
}

void table_row(Table *t) {
        TableRow *rows = t->oom ? NULL : reallocarray(t->rows, t->n_rows + 1, sizeof(*rows));

        if (!rows) {
                t->oom = true;
                return;
        }
        t->rows = rows;
        t->rows[t->n_rows++] = (TableRow){0};
}

static void table_set(Table *t, char **place, const char *text) {
        free(*place);
        *place = strdup(text);
        if (!*place)
                t->oom = true;
}

void table_cell(Table *t, unsigned column, Colour colour, const char *text) {
        TableCell *cell;

        if (t->oom)
                return;
        cell = &t->rows[t->n_rows - 1].cells[column];
        cell->colour = colour;
        table_set(t, &cell->text, text);
}

void table_note(Table *t, const char *text) {
        if (!t->oom)
                table_set(t, &t->rows[t->n_rows - 1].note, text);
}

static void table_widths(const Table *t, unsigned width, size_t ret_widths[TABLE_COLUMNS_MAX]) {
        size_t sum = (size_t) (t->n_columns - 1) * TABLE_GAP;

        for (unsigned c = 0; c < t->n_columns; c++) {
                ret_widths[c] = text_width(t->titles[c]);
                for (size_t i = 0; i < t->n_rows; i++) {
                        const char *text = t->rows[i].cells[c].text;
                        size_t n = text ? text_width(text) : 0;

                        if (n > ret_widths[c])
                                ret_widths[c] = n;
                }
                sum += ret_widths[c];
        }
        while (width > 0 && sum > width) {
                unsigned widest = TABLE_COLUMNS_MAX;

                for (unsigned c = 0; c < t->n_columns; c++)
                        if (!(t->fixed & (1u << c)) && ret_widths[c] > TABLE_COLUMN_MIN &&
                            (widest == TABLE_COLUMNS_MAX || ret_widths[c] > ret_widths[widest]))
                                widest = c;
                if (widest == TABLE_COLUMNS_MAX)
                        break;
                ret_widths[widest]--;
                sum--;
        }
}

static void format_cell(Buffer *out, const Style *style, const char *text, Colour colour,
                        size_t width, bool last) {
        const char *ellipsis = style->utf8 ? "\u2026" : "..";
        size_t used = text_width(text), n = strlen(text);

        if (used > width) {
                n = text_fit(text, width - text_width(ellipsis));
                used = width;
        } else {
                ellipsis = "";
        }
        buffer_printf(out, "%s%.*s%s%s", colour == COLOUR_NONE ? "" : style_colour(style, colour),
                      (int) n, text, ellipsis,
                      colour == COLOUR_NONE ? "" : style_colour(style, COLOUR_NONE));
        if (!last)
                buffer_printf(out, "%*s", (int) (width - used) + TABLE_GAP, "");
}

/* The column of the last cell that has a text; no padding follows it. */
static unsigned row_last(const Table *t, const TableRow *row) {
        unsigned last = 0;

        for (unsigned c = 0; c < t->n_columns; c++)
                if (row->cells[c].text && row->cells[c].text[0])
                        last = c;
        return last;
}

void table_format(const Table *t, const Style *style, Buffer *out) {
        const TextFrame note = {.column = TABLE_NOTE,
                                .indent = TABLE_NOTE,
                                .width = style->width,
                                .whole_words = true};
        size_t widths[TABLE_COLUMNS_MAX] = {0};

        out->oom = out->oom || t->oom;
        if (out->oom)
                return;
        table_widths(t, style->width, widths);
        for (unsigned c = 0; c < t->n_columns; c++)
                format_cell(out, style, t->titles[c], COLOUR_STRONG, widths[c],
                            c == t->n_columns - 1);
        buffer_printf(out, "\n");
        for (size_t i = 0; i < t->n_rows; i++) {
                const TableRow *row = &t->rows[i];
                unsigned last = row_last(t, row);

                for (unsigned c = 0; c <= last; c++)
                        format_cell(out, style, row->cells[c].text ? row->cells[c].text : "",
                                    row->cells[c].colour, widths[c], c == last);
                buffer_printf(out, "\n");
                if (row->note) {
                        buffer_printf(out, "%*s", TABLE_NOTE, "");
                        text_wrap(out, row->note, &note);
                }
        }
}
