/* SPDX-License-Identifier: MIT */

/*
 * Requires of findings that they may be shown and copied, as text and as JSON.
 */

#include "tests/fuzz/tools/findings.h"

#include "common/json-read.h"
#include "common/utf8.h"

#include <stdlib.h>
#include <string.h>

#define NARROW 40 /* columns */

static void require(bool good) {
        if (!good)
                abort();
}

bool lines_may_be_shown(const char *text) {
        size_t left = strlen(text), length;

        for (; left > 0; text += length, left -= length) {
                uint32_t point;

                length = *text == '\n'
                                 ? 1
                                 : utf8_decode_printable((const uint8_t *) text, left, &point);
                if (length == 0)
                        return false;
        }
        return true;
}

void require_same_words(const char *a, const char *b) {
        while (true) {
                a += strspn(a, " \n");
                b += strspn(b, " \n");
                require(*a == *b);
                if (*a == '\0')
                        return;
                a++;
                b++;
        }
}

/* Lines of an advice that are to be copied. A line of agent.conf may have any name of an interface.
 */
static void require_commands(const char *advice) {
        for (const char *line = advice; *line;) {
                size_t n = strcspn(line, "\n");

                if (strncmp(line, "  ", 2) == 0 && strncmp(line, "  interface = ", 14) != 0)
                        for (size_t i = 0; i < n; i++)
                                require(line[i] >= ' ' && line[i] <= '~' &&
                                        !strchr("&|<>^%;$`(){}!?~#", line[i]));
                line += n + (line[n] == '\n');
        }
}

static void require_layouts(const Findings *f) {
        Buffer wide = BUFFER_NULL, narrow = BUFFER_NULL;

        findings_text(f, 0, NULL, &wide);
        findings_text(f, NARROW, NULL, &narrow);
        require(!wide.oom && !narrow.oom);
        require(lines_may_be_shown(buffer_text(&wide)));
        require_same_words(buffer_text(&wide), buffer_text(&narrow));
        buffer_done(&wide);
        buffer_done(&narrow);
}

/* The reader of the other programs finds each text again; it cuts long ones. */
static void require_json(const Findings *f) {
        Buffer json = BUFFER_NULL;
        JsonReader r;
        JsonToken t;
        size_t n = 0;

        findings_json(f, "fuzz", &json);
        require(!json.oom && lines_may_be_shown(buffer_text(&json)));
        json_reader_init(&r, buffer_text(&json), buffer_length(&json));
        do {
                require(json_next(&r, &t) == 0);
                if (strcmp(t.name, "seen") != 0)
                        continue;
                require(n < f->n);
                require(strncmp(buffer_text(&f->items[n].seen), t.text, strlen(t.text)) == 0);
                require(t.cut || strlen(t.text) == buffer_length(&f->items[n].seen));
                n++;
        } while (t.type != JSON_END);
        require(n == f->n);
        buffer_done(&json);
}

/* Of what was seen, these have a line for each. */
static bool is_list(const Finding *x) {
        static const char *const ids[] = {"config-problem", "config-stale", "forwarder",
                                          "networking-mode"};

        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
                if (strcmp(x->id, ids[i]) == 0)
                        return true;
        return false;
}

void require_findings(const Findings *f) {
        require(!f->oom);
        for (size_t i = 0; i < f->n; i++) {
                const Finding *x = &f->items[i];

                require(x->rank < _FINDING_RANK_END && f->ids[x->order] != NULL);
                require(i == 0 || f->items[i - 1].rank <= x->rank);
                require(buffer_length(&x->seen) > 0);
                require(lines_may_be_shown(buffer_text(&x->seen)));
                require(is_list(x) || !strchr(buffer_text(&x->seen), '\n'));
                require(lines_may_be_shown(buffer_text(&x->advice)));
                require(lines_may_be_shown(buffer_text(&x->subject)) &&
                        !strchr(buffer_text(&x->subject), '\n'));
                require_commands(buffer_text(&x->advice));
        }
        require_layouts(f);
        require_json(f);
}
