/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as texts that both halves read and show: addresses and networks, of which inet_pton(3)
 * is a second reading; UTF-8 that is cleaned, cut, wrapped and written as JSON; and a key in
 * hexadecimal digits.
 */

#include "common/adoption-text.h"
#include "common/hex.h"
#include "common/ip.h"
#include "common/json-read.h"
#include "common/json-write.h"
#include "common/text-width.h"
#include "common/text-wrap.h"
#include "common/utf8.h"
#include "protocol/wire/wire.h"
#include "tests/fuzz/tools/findings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 30 /* columns */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_address(const char *text) {
        char again[IP_TEXT_MAX], endpoint[IP_ENDPOINT_TEXT_MAX];
        uint8_t v4[4], v6[16];
        bool is_v4 = inet_pton(AF_INET, text, v4) == 1, is_v6 = inet_pton(AF_INET6, text, v6) == 1;
        IpEndpoint e = {.port = 1, .udp = true};
        IpAddr same;

        require((ip_parse(text, &e.addr) == 0) == (is_v4 || is_v6));
        if (!is_v4 && !is_v6)
                return;
        require(memcmp(e.addr.bytes, is_v4 ? v4 : v6, is_v4 ? sizeof(v4) : sizeof(v6)) == 0);
        ip_format(&e.addr, again);
        require(ip_parse(again, &same) == 0 && ip_compare(&e.addr, &same) == 0);
        ip_endpoint_format(&e, endpoint);
        require(strstr(endpoint, again) && strlen(endpoint) < IP_ENDPOINT_TEXT_MAX);
        for (unsigned i = 0; i <= ip_family_bits(e.addr.family); i++)
                require(ip_in_prefix(&e.addr, &same, i));
}

/* A second reading: inet_pton(3), and a length that is written in the same way. */
static void fuzz_prefix(const char *text) {
        char again[IP_TEXT_MAX + 8], address[IP_TEXT_MAX];
        const char *slash = strchr(text, '/');
        uint8_t bytes[16], length = 0;
        IpAddr net;

        if (ip_parse_prefix(text, &net, &length) < 0)
                return;
        require(length <= ip_family_bits(net.family));
        memcpy(address, text, slash ? (size_t) (slash - text) : strlen(text) + 1);
        address[slash ? slash - text : IP_TEXT_MAX - 1] = '\0';
        require(inet_pton(net.family == IP_FAMILY_V4 ? AF_INET : AF_INET6, address, bytes) == 1 &&
                memcmp(bytes, net.bytes, ip_family_bits(net.family) / 8) == 0);
        (void) snprintf(again, sizeof(again), "/%u", (unsigned) length);
        while (slash && slash[1] == '0' && slash[2] != '\0')
                slash++;
        require(!slash || strcmp(slash + 1, again + 1) == 0);
        require(slash || length == ip_family_bits(net.family));
}

static void fuzz_offer(const char *text) {
        char endpoint[IP_ENDPOINT_TEXT_MAX];

        if (adoption_text_endpoint(text, endpoint))
                require(endpoint[strspn(endpoint, "0123456789abcdefABCDEF.:[]/udp")] == '\0' &&
                        strstr(text, endpoint) != NULL);
}

static void fuzz_hex(const char *text, size_t n) {
        char again[2 * WIRE_KEY_SIZE + 1];
        uint8_t key[WIRE_KEY_SIZE];

        if (n < sizeof(again) - 1 || !hex_parse(text, key, WIRE_KEY_SIZE))
                return;
        hex_format(key, WIRE_KEY_SIZE, again);
        require(strncasecmp(again, text, 2 * WIRE_KEY_SIZE) == 0);
}

/* Cut @clean at each length up to @max bytes, and at so many columns. */
static void require_cuts(const char *clean, size_t n) {
        char *copy = malloc(n + 1);

        require(copy != NULL);
        for (size_t max = 0; max <= n && max < 64; max++) {
                size_t fits = text_fit(clean, max), more = fits;

                memcpy(copy, clean, n + 1);
                wire_text_clean(copy, max);
                require(strlen(copy) <= max && strncmp(copy, clean, strlen(copy)) == 0);
                require(wire_text_valid((const uint8_t *) copy, strlen(copy)));
                require(text_width_n(clean, fits) <= max);
                do /* one character more would be too wide */
                        more++;
                while (more < n && (clean[more] & 0xc0) == 0x80);
                require(fits == n || text_width_n(clean, more) > max);
        }
        free(copy);
}

static void require_wrapped(const char *clean, bool whole_words) {
        const TextFrame frame = {.indent = 4, .width = WIDTH, .whole_words = whole_words};
        Buffer out = BUFFER_NULL;

        text_wrap(&out, clean, &frame);
        require(!out.oom && lines_may_be_shown(buffer_text(&out)));
        require_same_words(clean, buffer_text(&out));
        for (const char *line = buffer_text(&out); *line && *clean != ' ' && !whole_words;) {
                size_t n = strcspn(line, "\n");

                require(text_width_n(line, n) <= WIDTH);
                line += n + 1;
        }
        buffer_done(&out);
}

/* What was written as a member is read as the same. */
static void require_json(const char *text, size_t n) {
        Buffer out = BUFFER_NULL;
        JsonWriter w = JSON_WRITER(&out);
        JsonReader r;
        JsonToken t;

        json_open(&w, NULL, '{');
        json_string_member(&w, n <= JSON_STRING_MAX ? text : "long", text);
        json_close(&w, '}');
        require(w.error == 0 && lines_may_be_shown(buffer_text(&out)));
        json_reader_init(&r, buffer_text(&out), buffer_length(&out));
        require(json_next(&r, &t) == 0 && json_next(&r, &t) == 0 && t.type == JSON_STRING);
        require(t.cut == (n > JSON_STRING_MAX) && strncmp(t.text, text, strlen(t.text)) == 0);
        require(t.cut || (strlen(t.text) == n && strcmp(t.name, text) == 0));
        require(json_next(&r, &t) == 0 && json_next(&r, &t) == 0 && t.type == JSON_END);
        buffer_done(&out);
}

static bool is_utf8(const char *text, size_t n) {
        size_t length = 1;
        uint32_t point;

        for (; n > 0 && length > 0; text += length, n -= length)
                length = utf8_decode((const uint8_t *) text, n, &point);
        return n == 0;
}

static void fuzz_shown(const char *text, size_t n) {
        char *clean = strdup(text), *again;

        require(clean != NULL);
        if (is_utf8(text, n)) /* what may not be shown is written as an escape */
                require_json(text, n);
        utf8_clean(clean);
        again = strdup(clean);
        require(again != NULL);
        utf8_clean(again);
        n = strlen(clean);
        require(strcmp(clean, again) == 0 && wire_text_valid((const uint8_t *) clean, n));
        require((strcmp(clean, text) == 0) ==
                wire_text_valid((const uint8_t *) text, strlen(text)));
        require_cuts(clean, n);
        require_wrapped(clean, false);
        require_wrapped(clean, true);
        require_json(clean, n);
        free(clean);
        free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1);

        require(text != NULL);
        memcpy(text, data, n);
        n = strlen(text);
        fuzz_address(text);
        fuzz_prefix(text);
        fuzz_offer(text);
        fuzz_hex(text, n);
        fuzz_shown(text, n);
        free(text);
        return 0;
}
