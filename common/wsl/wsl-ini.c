/* SPDX-License-Identifier: MIT */

/*
 * WSL's rules (fact 7.2.1): a comment begins with '#' and with nothing else. A section is letters
 * and digits in brackets, without space between them. One that begins with a letter and goes on
 * otherwise ends the section before it. A value may have quotes, escapes and, at the end of the
 * line, a backslash that continues it.
 */

#include "common/wsl/wsl-ini.h"

#include "common/utf8.h"

#include <errno.h>
#include <string.h>

#define INI_BOM      "\xef\xbb\xbf"
#define INI_BOM_SIZE 3

const IniDialect ini_wslconfig = {"\r\n", /* stops= */ false};
const IniDialect ini_wsl_conf = {"\n", /* stops= */ true};

/* Letters and digits are those of ASCII: the names that WSL knows have no others. */
static bool is_letter(int c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(int c) {
        return is_letter(c) || (c >= '0' && c <= '9');
}

static int lower(int c) {
        return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int ini_check(const uint8_t *data, size_t n, const char **ret_why) {
        if (n >= 2 &&
            ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff)))
                *ret_why = "is UTF-16; save it as UTF-8 (in Notepad: File, Save as, Encoding)";
        else if (n > INI_FILE_MAX)
                *ret_why =
                        "is larger than 64 KiB, which no file of settings is; look what is in it";
        else if (n > 0 && memchr(data, '\0', n))
                *ret_why = "has NUL bytes, so it is UTF-16 or damaged; save it as UTF-8";
        else
                *ret_why = NULL;
        for (size_t i = 0; !*ret_why && i < n;) {
                uint32_t point;
                size_t size = utf8_decode(data + i, n - i, &point);

                if (size == 0)
                        *ret_why = "is not UTF-8; save it as UTF-8 (in Notepad: File, Save as, "
                                   "Encoding)";
                else if (data[i] == '\r' && (i + 1 == n || data[i + 1] != '\n'))
                        *ret_why = "has lines that end in a carriage return alone; save it with "
                                   "the line ends of Windows or of Linux";
                i += size;
        }
        return *ret_why ? -EINVAL : 0;
}

void ini_reader_init(IniReader *r, const IniDialect *dialect, const uint8_t *data, size_t n) {
        bool skip =
                !dialect->stops && n >= INI_BOM_SIZE && memcmp(data, INI_BOM, INI_BOM_SIZE) == 0;

        *r = (IniReader){
                .data = data,
                .n = n,
                .at = skip ? INI_BOM_SIZE : 0,
                .stops = dialect->stops,
        };
}

/* The byte at @i, or a line feed at the end. */
static int byte_at(const IniReader *r, size_t i) {
        return i < r->n ? r->data[i] : '\n';
}

static bool is_end(const IniReader *r, size_t i) {
        int c = byte_at(r, i);

        return c == '\n' || c == '\r';
}

/* Nothing more but a comment. */
static bool is_over(const IniReader *r, size_t i) {
        return strchr("#\r\n", byte_at(r, i)) != NULL;
}

static size_t skip_space(const IniReader *r, size_t i) {
        while (byte_at(r, i) == ' ' || byte_at(r, i) == '\t')
                i++;
        return i;
}

static size_t skip_word(const IniReader *r, size_t i) {
        if (is_letter(byte_at(r, i)))
                while (is_word(byte_at(r, i)))
                        i++;
        return i;
}

/* Behind "[wsl 2]", WSL takes the first letters of that, as many as the section before has, for the
 * section: a name that nobody has meant. */
static bool take_section(const IniReader *r, size_t i, IniLine *line) {
        IniSpan name = {i + 1, skip_word(r, i + 1)};

        if (name.end == name.begin)
                return false;
        line->broken = byte_at(r, name.end) != ']' || !is_over(r, skip_space(r, name.end + 1));
        if (!line->broken)
                line->name = name;
        return true;
}

/* The length of the newline at @i; 0 at the end of the file, and where there is none. A carriage
 * return alone, which ini_check() refuses, counts as one. */
static size_t newline_at(const IniReader *r, size_t i) {
        if (i >= r->n || !is_end(r, i))
                return 0;
        return r->data[i] == '\r' && byte_at(r, i + 1) == '\n' && i + 1 < r->n ? 2 : 1;
}

/* Return: where the value and what belongs to it ends: at a comment, or at the end of the line. */
static size_t take_value(const IniReader *r, size_t i, IniLine *line) {
        bool quoted = false;

        line->value = (IniSpan){i, i};
        while (!is_end(r, i) && (quoted || byte_at(r, i) != '#')) {
                size_t size = 1;

                if (byte_at(r, i) == '"')
                        quoted = !quoted;
                if (byte_at(r, i) == '\\') {
                        size_t newline = newline_at(r, i + 1);

                        if (r->stops && newline > 1) /* Linux takes the carriage return alone */
                                newline = 1;
                        /* Before the end of the file there is nothing to escape. */
                        line->broken |= newline == 0 &&
                                        (i + 1 == r->n || !strchr("\\\"bnt", r->data[i + 1]));
                        size += newline ? newline : !is_end(r, i + 1);
                }
                if (byte_at(r, i) != ' ' && byte_at(r, i) != '\t')
                        line->value.end = i + size;
                i += size;
        }
        line->broken |= quoted;
        return i;
}

static bool take_key(const IniReader *r, size_t i, IniLine *line, size_t *ret_end) {
        line->name = (IniSpan){i, skip_word(r, i)};
        i = skip_space(r, line->name.end);
        if (line->name.end == line->name.begin || byte_at(r, i) != '=')
                return false;
        *ret_end = take_value(r, skip_space(r, i + 1), line);
        return true;
}

bool ini_next(IniReader *r, IniLine *ret_line) {
        IniLine line = {.all = {r->at, r->at}};
        size_t i = skip_space(r, r->at), end = i;

        if (r->at >= r->n)
                return false;
        line.bracket = byte_at(r, i) == '[';
        if (line.bracket && take_section(r, i, &line))
                line.type = INI_LINE_SECTION;
        else if (take_key(r, i, &line, &end))
                line.type = INI_LINE_KEY;
        else
                line.broken = !is_over(r, i);
        if (r->stopped)
                line.type = INI_LINE_OTHER;
        if (line.broken)
                r->stopped = r->stops;
        while (!is_end(r, end))
                end++;
        r->at = line.all.end = end + newline_at(r, end);
        *ret_line = line;
        return true;
}

static bool span_is(const IniReader *r, IniSpan span, const char *text) {
        size_t n = strlen(text);

        if (span.end - span.begin != n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (lower(r->data[span.begin + i]) != lower((uint8_t) text[i]))
                        return false;
        return true;
}

bool ini_name_is(const IniReader *r, const IniLine *line, const char *name) {
        return span_is(r, line->name, name);
}

/* What we write has no escapes, so a value that has one is another. Quotes vanish, wherever they
 * are. */
bool ini_value_is(const IniReader *r, const IniLine *line, const char *value) {
        for (size_t i = line->value.begin; !line->broken && i < line->value.end; i++) {
                if (r->data[i] == '"')
                        continue;
                if (*value == '\0' || lower(r->data[i]) != lower((uint8_t) *value))
                        return false;
                value++;
        }
        return !line->broken && *value == '\0';
}

size_t ini_stop(const IniDialect *dialect, const uint8_t *data, size_t n) {
        size_t number = 1;
        IniReader r;
        IniLine line;

        ini_reader_init(&r, dialect, data, n);
        while (ini_next(&r, &line) && !r.stopped)
                for (size_t i = line.all.begin; i < line.all.end; i++)
                        number += data[i] == '\n';
        return r.stopped ? number : 0;
}

const char *ini_newline(const IniDialect *dialect, const uint8_t *data, size_t n) {
        const uint8_t *newline = n > 0 ? memchr(data, '\n', n) : NULL;

        if (!newline)
                return dialect->newline;
        return newline > data && newline[-1] == '\r' ? "\r\n" : "\n";
}
