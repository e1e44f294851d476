/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what other programs say to the setup and to an administrator's commands: wsl.exe and
 * the scripts in a distro, the user's half of the setup, and endpoints that somebody types. A
 * decoded text is UTF-8 and decodes to itself, and what is taken can be shown.
 */

#include "common/json-read.h"
#include "common/utf8.h"
#include "tests/fuzz/tools/findings.h"
#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/setup/answer.h"
#include "windows-helper/core/setup/elevated-words.h"
#include "windows-helper/core/setup/guest.h"
#include "windows-helper/core/setup/import.h"
#include "windows-helper/core/setup/setup-report.h"
#include "windows-helper/core/vm/foreign-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NARROW 40 /* columns */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void require_utf8(const char *text, size_t n) {
        for (size_t at = 0; at < n;) {
                uint32_t point;
                size_t length = utf8_decode((const uint8_t *) text + at, n - at, &point);

                require(length > 0 && point != 0 && point != '\r');
                at += length;
        }
}

static void fuzz_decode(const uint8_t *data, size_t n, Buffer *text) {
        Buffer again = BUFFER_NULL;

        foreign_text_decode(data, n, text);
        require(!text->oom);
        require_utf8(buffer_text(text), buffer_length(text));
        foreign_text_decode(buffer_bytes(text), buffer_length(text), &again);
        require(buffer_length(&again) == buffer_length(text));
        require(strcmp(buffer_text(&again), buffer_text(text)) == 0);
        buffer_done(&again);
}

static void fuzz_guest(const char *text) {
        GuestFacts g;
        SetupPart part = {0};
        int r = guest_read(text, &g);

        require(r == 0 || r == -EPROTO);
        if (r < 0)
                return;
        require(memchr(g.os_id, '\0', sizeof(g.os_id)) && memchr(g.owner, '\0', sizeof(g.owner)));
        (void) guest_verdict(&g, &part);
        buffer_done(&part.said);
        buffer_done(&part.advice);
        require(guest_lacks(&g)[0] != '\0');
}

static void count_value(void *userdata, const char *value) {
        require(strlen(value) < SETUP_VALUE_MAX && !strchr(value, '\n'));
        ++*(size_t *) userdata;
}

static void require_octal(void *userdata, const char *value) {
        require(value[strspn(value, " 01234567")] == '\0');
}

/* Lists and files that a script in the distro prints. */
static void fuzz_answer(const char *text) {
        char value[SETUP_VALUE_MAX];
        Buffer bytes = BUFFER_NULL;
        size_t n_values = 0;
        int r = setup_answer_octal(text, "octal", &bytes);

        require(r == 0 || r == -EINVAL);
        require(buffer_length(&bytes) <= strlen(text));
        if (r == 0)
                setup_answer_each(text, "octal", require_octal, NULL);
        setup_answer_each(text, "octal", count_value, &n_values);
        require(setup_answer(text, "octal", value) == (n_values > 0));
        require(n_values > 0 || buffer_length(&bytes) == 0);
        if (setup_answer_is_whole(text))
                require(setup_answer(text, "begin", value) && setup_answer(text, "end", value));
        buffer_done(&bytes);
}

/* What is understood as a range has a text of its own, which means the same. */
static void fuzz_listen(const char *line) {
        WireListen listen, again;
        Buffer text = BUFFER_NULL;

        if (import_parse_listen(line, &listen) < 0)
                return;
        require(line[strspn(line, "0123456789abcdefABCDEF.:[]/-")] == '\0');
        require(listen.port > 0 && listen.count > 0 &&
                listen.port + listen.count - 1 <= UINT16_MAX);
        import_listen_text(&listen, &text);
        require(import_parse_listen(buffer_text(&text), &again) == 0);
        require(ip_compare(&listen.addr, &again.addr) == 0 && listen.port == again.port &&
                listen.count == again.count);
        buffer_done(&text);
}

/* The report of a setup in which the distro has said @text. */
static void fuzz_report(const char *text) {
        Buffer wide = BUFFER_NULL, narrow = BUFFER_NULL, json = BUFFER_NULL;
        SetupReport r = {.undo = false};
        JsonReader reader;
        JsonToken t;

        (void) setup_says(&r.parts[SETUP_PAIR], SETUP_FAILED, "The distro has said %s", text);
        setup_advises(&r.parts[SETUP_PAIR], "%s", text);
        setup_part_text(&r, SETUP_PAIR, 0, &wide);
        setup_part_text(&r, SETUP_PAIR, NARROW, &narrow);
        setup_report_json(&r, &json);
        require(!wide.oom && !narrow.oom && !json.oom);
        require(lines_may_be_shown(buffer_text(&wide)) && lines_may_be_shown(buffer_text(&json)));
        require_same_words(buffer_text(&wide), buffer_text(&narrow));
        json_reader_init(&reader, buffer_text(&json), buffer_length(&json));
        do
                require(json_next(&reader, &t) == 0);
        while (t.type != JSON_END);
        buffer_done(&wide);
        buffer_done(&narrow);
        buffer_done(&json);
        setup_report_done(&r);
}

static void fuzz_line(const char *line) {
        IpEndpoint endpoints[ADOPTION_ENDPOINTS_MAX];
        const char *argument = NULL;
        ElevatedWord word;
        int r = adoption_parse(line, endpoints);

        require(r == -EINVAL || (r >= 1 && r <= ADOPTION_ENDPOINTS_MAX));
        for (int i = 0; i < r; i++)
                require(endpoints[i].port > 0);
        fuzz_listen(line);
        if (elevated_parse(line, &word, &argument) == 0) {
                ElevatedState state = {0};

                require(word < _ELEVATED_WORD_END && argument != NULL);
                (void) elevated_admit(&state, word, argument, true, 1);
        }
        (void) elevated_is_pipe(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        Buffer text = BUFFER_NULL;
        char *copy, *line, *rest;

        fuzz_decode(data, n, &text);
        fuzz_guest(buffer_text(&text));
        fuzz_answer(buffer_text(&text));
        fuzz_report(buffer_text(&text));
        rest = copy = strdup(buffer_text(&text));
        require(copy != NULL);
        while ((line = strsep(&rest, "\n")))
                fuzz_line(line);
        free(copy);
        buffer_done(&text);
        return 0;
}
