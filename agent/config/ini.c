/* SPDX-License-Identifier: MIT */

/*
 * The line reader in front of inih; ini.h says why it is needed.
 */

#include "agent/config/ini.h"

#include "agent/config/values.h"
#include "common/utf8.h"

#include <ini.h>
#include <string.h>

#define NO_KEY_LINE 0u

/* The default of inih. It passes its own limit to the reader, which compares it with this one. */
#define INIH_LINE_MAX 200
_Static_assert(CONFIG_LINE_MAX + 2 < INIH_LINE_MAX, "a line of ours must fit, with its LF and NUL");

typedef struct IniReader {
        /* configuration, borrowed */
        const char *section;
        IniEntryFn fn;
        void *userdata;
        ConfigProblems *problems;

        /* state */
        const uint8_t *at, *end;
        unsigned line;
        unsigned pending; /* the line that inih got and that must reach the handler */
        bool seen_section;
} IniReader;

static bool is_blank(uint8_t c) {
        return c == ' ' || c == '\t';
}

/* Take the next line, without its end, and count it. */
static bool reader_take(IniReader *r, const uint8_t **ret_line, size_t *ret_n) {
        const uint8_t *line = r->at, *lf;
        size_t n;

        if (r->at == r->end)
                return false;
        lf = memchr(line, '\n', (size_t) (r->end - line));
        n = (size_t) ((lf ? lf : r->end) - line);
        r->at = lf ? lf + 1 : r->end;
        r->line++;
        if (n > 0 && line[n - 1] == '\r')
                n--;
        while (n > 0 && is_blank(line[0])) {
                line++;
                n--;
        }
        while (n > 0 && is_blank(line[n - 1]))
                n--;
        *ret_line = line;
        *ret_n = n;
        return true;
}

/* Refuses what inih would cut, misread or silently pass on. */
static bool reader_check_bytes(IniReader *r, const uint8_t *line, size_t n) {
        uint32_t point;
        size_t length;

        if (n > CONFIG_LINE_MAX) {
                config_problems_add(r->problems, r->line, NULL,
                                    "the line has %zu bytes, %d is the limit; shorten it, or split "
                                    "a list over several lines with the same key",
                                    n, CONFIG_LINE_MAX);
                return false;
        }
        for (size_t i = 0; i < n; i += length) {
                length = line[i] < 0x80 ? 1 : utf8_decode(line + i, n - i, &point);
                if (length == 0) {
                        config_problems_add(r->problems, r->line, NULL,
                                            "byte 0x%02x is not UTF-8; save the file as UTF-8",
                                            line[i]);
                        return false;
                }
                if ((line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f) {
                        config_problems_add(r->problems, r->line, NULL,
                                            "the line has the control character 0x%02x; remove it",
                                            line[i]);
                        return false;
                }
        }
        return true;
}

/*
 * Check a "[section]" line, and write the line that inih gets instead.
 *
 * inih ignores what follows the bracket and cuts long names. So it gets the known name, or "?" for
 * a section whose keys are skipped.
 */
static void reader_section(IniReader *r, const char *line, char *ret_line) {
        const char *words[] = {r->section, NULL};
        char name[CONFIG_LINE_MAX + 1];
        const char *close = strchr(line, ']');
        bool known = true;
        size_t n = close ? (size_t) (close - line - 1) : strlen(line + 1);

        r->seen_section = true;
        memcpy(name, line + 1, n);
        name[n] = '\0';
        if (close && strcmp(name, r->section) == 0) {
                close += 1 + strspn(close + 1, " \t");
                if (*close != '\0' && *close != ';' && *close != '#') {
                        config_problems_add(
                                r->problems, r->line, NULL,
                                "there is text after '[%s]'; start a new line after the bracket",
                                name);
                }
        } else if (!close || config_suggest(name, words)) {
                config_problems_add(r->problems, r->line, NULL,
                                    "'%s' is not a section; did you mean [%s]?", line, r->section);
        } else {
                known = false;
                config_problems_add(r->problems, r->line, NULL,
                                    "unknown section [%s]; this file has only [%s], and a line "
                                    "cannot be continued on the next one",
                                    name, r->section);
        }
        (void) stpcpy(stpcpy(stpcpy(ret_line, "["), known ? r->section : "?"), "]\n");
}

static void reader_settle(IniReader *r) {
        if (r->pending != NO_KEY_LINE) {
                config_problems_add(r->problems, r->pending, NULL,
                                    "the line has no '='; write 'key = value', or start a comment "
                                    "with '#' or ';' (a line cannot be continued on the next one)");
        }
        r->pending = NO_KEY_LINE;
}

/* inih also splits at ':'. Without this check, "listen [::]:80" would have the key "listen [". */
static bool reader_check_separator(IniReader *r, const char *text) {
        if (text[strcspn(text, "=:")] != ':')
                return true;
        config_problems_add(r->problems, r->line, NULL,
                            "there is a ':' before the '='; write 'key = value' (a line cannot be "
                            "continued on the next one)");
        return false;
}

/* The ini_reader that inih calls; it works like fgets(3). */
static char *reader_next(char *ret_line, int size, void *stream) {
        IniReader *r = stream;
        const uint8_t *line;
        char text[CONFIG_LINE_MAX + 1];
        size_t n;

        reader_settle(r);
        if (size < INIH_LINE_MAX) { /* an inih built with less than its default */
                config_problems_add(
                        r->problems, 0, NULL,
                        "inih was built for lines of %d bytes; install one with the default of %d",
                        size, INIH_LINE_MAX);
                return NULL;
        }
        while (reader_take(r, &line, &n)) {
                if (memchr(line, '\0', n)) {
                        config_problems_add(r->problems, r->line, NULL,
                                            "the line has a NUL byte, so the file is damaged, "
                                            "binary or UTF-16; save it as UTF-8");
                        continue;
                }
                if (n == 0 || line[0] == '#' || line[0] == ';' || !reader_check_bytes(r, line, n))
                        continue;
                memcpy(text, line, n);
                text[n] = '\0';
                if (text[0] == '[') {
                        reader_section(r, text, ret_line);
                        return ret_line;
                }
                if (reader_check_separator(r, text)) {
                        r->pending = r->line;
                        (void) stpcpy(stpcpy(ret_line, text), "\n");
                        return ret_line;
                }
        }
        return NULL;
}

static int reader_on_entry(void *userdata, const char *section, const char *key,
                           const char *value) {
        IniReader *r = userdata;

        r->pending = NO_KEY_LINE;
        if (!r->seen_section) {
                r->seen_section = true; /* one report is enough */
                config_problems_add(r->problems, r->line, key,
                                    "stands before any section; put a line [%s] above it",
                                    r->section);
        }
        if (strcmp(section, "?") != 0)
                r->fn(r->line, key, value, r->userdata);
        return 1;
}

bool ini_read(const uint8_t *data, size_t n, const char *section, IniEntryFn fn, void *userdata,
              ConfigProblems *problems) {
        IniReader r = {
                .section = section,
                .fn = fn,
                .userdata = userdata,
                .problems = problems,
                .at = data,
                .end = data + n,
        };

        if (n >= 2 &&
            ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff))) {
                config_problems_add(problems, 0, NULL,
                                    "the file is UTF-16 (\"Unicode\" in Windows editors); save it "
                                    "as UTF-8");
                return false;
        }
        if (n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
                r.at += 3;
        /* Its result is only the number of the first bad line. reader_settle() has
         * already noticed every line that inih refuses, and with INI_USE_STACK inih cannot run out
         * of memory. */
        if (ini_parse_stream(reader_next, &r, reader_on_entry, &r) == -2)
                problems->oom = true;
        reader_settle(&r); /* for an inih built to stop at the first error */
        return true;
}
