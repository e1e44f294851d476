/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what other programs say to the setup and to an administrator's commands: wsl.exe and
 * the scripts in a distro, the user's half of the setup, and endpoints that somebody types. A
 * decoded text is UTF-8 and decodes to itself, and what is taken can be shown.
 */

#include "common/utf8.h"
#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/setup/answer.h"
#include "windows-helper/core/setup/elevated-words.h"
#include "windows-helper/core/setup/guest.h"
#include "windows-helper/core/setup/import.h"
#include "windows-helper/core/vm/foreign-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* Lists and files that a script in the distro prints. */
static void fuzz_answer(const char *text) {
        char value[SETUP_VALUE_MAX];
        Buffer bytes = BUFFER_NULL;
        size_t n_values = 0;
        int r = setup_answer_octal(text, "octal", &bytes);

        require(r == 0 || r == -EINVAL);
        require(buffer_length(&bytes) <= strlen(text));
        setup_answer_each(text, "octal", count_value, &n_values);
        require(setup_answer(text, "octal", value) == (n_values > 0));
        require(n_values > 0 || buffer_length(&bytes) == 0);
        if (setup_answer_is_whole(text))
                require(setup_answer(text, "begin", value) && setup_answer(text, "end", value));
        buffer_done(&bytes);
}

static void fuzz_line(const char *line) {
        IpEndpoint endpoints[ADOPTION_ENDPOINTS_MAX];
        const char *argument = NULL;
        ElevatedWord word;
        WireListen listen;
        int r = adoption_parse(line, endpoints);

        require(r == -EINVAL || (r >= 1 && r <= ADOPTION_ENDPOINTS_MAX));
        for (int i = 0; i < r; i++)
                require(endpoints[i].port > 0);
        if (import_parse_listen(line, &listen) == 0)
                require(listen.port > 0 && listen.count > 0);
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
        rest = copy = strdup(buffer_text(&text));
        require(copy != NULL);
        while ((line = strsep(&rest, "\n")))
                fuzz_line(line);
        free(copy);
        buffer_done(&text);
        return 0;
}
