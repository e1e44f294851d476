/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: a table whose columns fit the terminal. Pure.
 */

#include "common/buffer.h"

#define TABLE_COLUMNS_MAX 6

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_GOOD,  /* green */
        COLOUR_WAIT,  /* yellow */
        COLOUR_BAD,   /* red */
        COLOUR_FAINT, /* grey */
        COLOUR_STRONG,
        _COLOUR_END,
} Colour;

typedef struct Style {  /* of the terminal or file to which text is printed */
        unsigned width; /* columns; 0 = unlimited */
        bool colour;
        bool utf8;
} Style;

/* The escape sequence that begins a colour; COLOUR_NONE ends it. "" when @style has no colours. */
const char *style_colour(const Style *style, Colour colour);

typedef struct TableCell {
        char *text; /* owned */
        Colour colour;
} TableCell;

typedef struct TableRow {
        TableCell cells[TABLE_COLUMNS_MAX];
        char *note; /* owned: a text below the row, NULL = none */
} TableRow;

typedef struct Table {
        const char *const *titles; /* borrowed */
        unsigned n_columns;
        unsigned fixed; /* a bit for each column that is never cut */
        TableRow *rows; /* owned */
        size_t n_rows;
        bool oom;
} Table;

#define TABLE_NULL ((Table){0})

void table_done(Table *t);

/* Begin a row of empty cells. */
void table_row(Table *t);

/* Set a cell, or the note, of the last row. @text is copied. */
void table_cell(Table *t, unsigned column, Colour colour, const char *text);
void table_note(Table *t, const char *text);

/**
 * table_format() - add the whole table to @out
 *
 * Columns are as wide as their widest cell. When their sum does not fit, the widest columns that
 * are not fixed become narrower, and a text that does not fit ends in an ellipsis. Out of memory
 * sets @out's .oom.
 */
void table_format(const Table *t, const Style *style, Buffer *out);
