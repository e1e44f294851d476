/* SPDX-License-Identifier: MIT */

/*
 * One key at a time: the file is read once to find out where the change belongs, and is then copied
 * with it.
 */

#include "windows-helper/core/setup/ini-edit.h"

#include <errno.h>
#include <string.h>

typedef struct IniEdit {
        const IniDialect *dialect;
        const uint8_t *data;
        size_t n;
        const IniWant *want;
        Buffer *out;
} IniEdit;

static void copy(const IniEdit *e, size_t begin, size_t end) {
        if (end > begin && buffer_append(e->out, e->data + begin, end - begin) < 0)
                e->out->oom = true;
}

/* Read on to the next line of the wanted section that has the wanted key. @in: in the section */
static bool next_wanted(const IniEdit *e, IniReader *r, bool *in, IniLine *ret_line) {
        while (ini_next(r, ret_line))
                if (ret_line->type == INI_LINE_SECTION)
                        *in = ini_name_is(r, ret_line, e->want->section);
                else if (*in && ret_line->type == INI_LINE_KEY &&
                         ini_name_is(r, ret_line, e->want->key))
                        return true;
        return false;
}

/* Where a new key belongs: behind the last key of the first such section, or its header. A comment
 * behind them is often about the next section, and so is a header that is none. Return: 0 when
 * there is no such section; SIZE_MAX when, besides, WSL would not read one at the end. */
static size_t place_of_new(const IniEdit *e) {
        IniReader r;
        IniLine line;
        size_t place = 0;
        bool in = false;

        ini_reader_init(&r, e->dialect, e->data, e->n);
        while (ini_next(&r, &line) && !r.stopped) {
                if (line.bracket && place > 0)
                        break;
                if (line.type == INI_LINE_SECTION)
                        in = ini_name_is(&r, &line, e->want->section);
                if (in && line.type != INI_LINE_OTHER)
                        place = line.all.end;
        }
        return place == 0 && r.stopped ? SIZE_MAX : place;
}

static bool is_blank(const IniEdit *e, const IniLine *line) {
        for (size_t i = line->all.begin; e->data && i < line->all.end; i++)
                if (!strchr(" \t\r\n", e->data[i])) /* there are no NULs */
                        return false;
        return true;
}

/* Before the new section comes an empty line, unless there is one, or nothing at all. */
static void add_section(const IniEdit *e, const char *newline) {
        bool any = false, blank = false;
        IniReader r;
        IniLine line;

        ini_reader_init(&r, e->dialect, e->data, e->n);
        while (ini_next(&r, &line)) {
                any = true;
                blank = is_blank(e, &line);
        }
        buffer_printf(e->out, "%s[%s]%s", any && !blank ? newline : "", e->want->section, newline);
}

/* Whether a backslash at the end of the file would continue its last value in what we append. */
static bool continues(const IniEdit *e) {
        IniReader r;
        IniLine line = {0};

        ini_reader_init(&r, e->dialect, e->data, e->n);
        while (ini_next(&r, &line))
                ;
        return line.type == INI_LINE_KEY && line.value.end == e->n &&
               strchr("\\\n", e->data[e->n - 1]);
}

/* A new section is not put before the line at which WSL stops: what is behind that would be in it
 * once the line is mended. */
static int set_new(const IniEdit *e) {
        const char *newline = ini_newline(e->dialect, e->data, e->n);
        size_t place = place_of_new(e), end = place > 0 ? place : e->n;
        IniReader start;

        if (place == SIZE_MAX)
                return -ENODATA;
        ini_reader_init(&start, e->dialect, e->data, e->n);
        copy(e, 0, end);
        if (end > start.at && e->data[end - 1] != '\n')
                buffer_printf(e->out, "%s", newline);
        if (end == e->n && continues(e))
                buffer_printf(e->out, "%s", newline);
        if (place == 0)
                add_section(e, newline);
        buffer_printf(e->out, "%s=%s%s", e->want->key, e->want->value, newline);
        copy(e, end, e->n);
        return 0;
}

static int set_one(const IniEdit *e) {
        size_t copied = 0;
        bool in = false, found = false;
        IniReader r;
        IniLine line;

        ini_reader_init(&r, e->dialect, e->data, e->n);
        while (next_wanted(e, &r, &in, &line)) {
                found = true;
                if (ini_value_is(&r, &line, e->want->value))
                        continue;
                copy(e, copied, line.value.begin);
                buffer_printf(e->out, "%s", e->want->value);
                copied = line.value.end;
                r.stopped = false; /* a line that was broken is mended */
        }
        if (!found)
                return set_new(e);
        if (copied == 0)
                return INI_E_SAME;
        copy(e, copied, e->n);
        return 0;
}

static bool is_ours(const IniEdit *e, const IniReader *r, const IniLine *line) {
        return line->type == INI_LINE_KEY && ini_name_is(r, line, e->want->key) &&
               ini_value_is(r, line, e->want->value);
}

/* Whether nothing but our key is in the section whose header has just been read. @ret_end: where it
 * ends */
static bool only_ours(const IniEdit *e, IniReader r, size_t *ret_end) {
        bool ours = false;
        IniLine line;

        for (*ret_end = r.at; ini_next(&r, &line) && line.type != INI_LINE_SECTION;
             *ret_end = line.all.end)
                if (is_ours(e, &r, &line))
                        ours = true;
                else if (!is_blank(e, &line))
                        return false;
        return ours;
}

static int unset_one(const IniEdit *e) {
        size_t copied = 0, blank = SIZE_MAX, end;
        bool in = false, found = false;
        IniReader r;
        IniLine line;

        ini_reader_init(&r, e->dialect, e->data, e->n);
        while (ini_next(&r, &line)) {
                if (line.type == INI_LINE_SECTION)
                        in = ini_name_is(&r, &line, e->want->section);
                if (in && line.type == INI_LINE_SECTION && only_ours(e, r, &end)) {
                        /* Of a section in the middle, one of the empty lines around it stays. */
                        copy(e, copied, end == e->n && blank < e->n ? blank : line.all.begin);
                        r.at = copied = end;
                        found = true;
                } else if (in && is_ours(e, &r, &line)) {
                        copy(e, copied, line.all.begin);
                        copied = line.all.end;
                        found = true;
                }
                blank = is_blank(e, &line) ? line.all.begin : SIZE_MAX;
        }
        copy(e, copied, e->n);
        return found ? 0 : INI_E_SAME;
}

/* Apply the wants one after the other. */
static int edit(const IniDialect *dialect, const uint8_t *data, size_t n, const IniWant *wants,
                size_t n_wants, int (*one)(const IniEdit *e), Buffer *ret) {
        Buffer now = BUFFER_NULL;
        bool changed = false;
        int r = n > 0 ? buffer_append(&now, data, n) : 0;

        for (size_t i = 0; r >= 0 && i < n_wants; i++) {
                Buffer next = BUFFER_NULL;
                IniEdit e = {dialect, buffer_bytes(&now), buffer_length(&now), &wants[i], &next};

                r = one(&e);
                if (r == 0) {
                        Buffer old = now;

                        changed = true;
                        r = next.oom ? -ENOMEM : 0;
                        now = next;
                        next = old;
                }
                buffer_done(&next);
        }
        if (r < 0 || !changed) {
                buffer_done(&now);
                return r < 0 ? r : INI_E_SAME;
        }
        *ret = now;
        return 0;
}

int ini_set(const IniDialect *dialect, const uint8_t *data, size_t n, const IniWant *wants,
            size_t n_wants, Buffer *ret, const char **ret_why) {
        int r = ini_check(data, n, ret_why);

        return r < 0 ? r : edit(dialect, data, n, wants, n_wants, set_one, ret);
}

int ini_unset(const IniDialect *dialect, const uint8_t *data, size_t n, const IniWant *wants,
              size_t n_wants, Buffer *ret, const char **ret_why) {
        int r = ini_check(data, n, ret_why);

        return r < 0 ? r : edit(dialect, data, n, wants, n_wants, unset_one, ret);
}
