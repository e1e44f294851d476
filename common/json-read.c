/* SPDX-License-Identifier: MIT */

/*
 * Reads JSON (RFC 8259) token by token.
 */

#include "common/json-read.h"

#include "common/hex.h"

#include <errno.h>
#include <string.h>

void json_reader_init(JsonReader *r, const char *text, size_t n) {
        *r = (JsonReader){.at = text, .end = text + n};
}

static void json_space(JsonReader *r) {
        while (r->at < r->end &&
               (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
                r->at++;
}

static bool json_take(JsonReader *r, char c) {
        json_space(r);
        if (r->at == r->end || *r->at != c)
                return false;
        r->at++;
        return true;
}

typedef struct JsonText {
        char *text;
        size_t n;
        bool cut;
} JsonText;

/* Append all bytes of one character, or none. */
static void json_append(JsonText *t, const char *bytes, size_t n) {
        if (t->cut || t->n + n > JSON_STRING_MAX) {
                t->cut = true;
                return;
        }
        memcpy(t->text + t->n, bytes, n);
        t->n += n;
}

static void json_append_rune(JsonText *t, uint32_t c) {
        char b[4];

        if (c < 0x80) {
                b[0] = (char) c;
                json_append(t, b, 1);
        } else if (c < 0x800) {
                b[0] = (char) (0xc0 | c >> 6);
                b[1] = (char) (0x80 | (c & 63));
                json_append(t, b, 2);
        } else if (c < 0x10000) {
                b[0] = (char) (0xe0 | c >> 12);
                b[1] = (char) (0x80 | (c >> 6 & 63));
                b[2] = (char) (0x80 | (c & 63));
                json_append(t, b, 3);
        } else {
                b[0] = (char) (0xf0 | c >> 18);
                b[1] = (char) (0x80 | (c >> 12 & 63));
                b[2] = (char) (0x80 | (c >> 6 & 63));
                b[3] = (char) (0x80 | (c & 63));
                json_append(t, b, 4);
        }
}

static int json_hex4(JsonReader *r, uint32_t *ret) {
        uint32_t value = 0;

        if (r->end - r->at < 4)
                return -EINVAL;
        for (int i = 0; i < 4; i++) {
                int digit = hex_digit(*r->at++);

                if (digit < 0)
                        return -EINVAL;
                value = value << 4 | (uint32_t) digit;
        }
        *ret = value;
        return 0;
}

/* Reads what follows "\u". A lone surrogate becomes U+FFFD, and so does a NUL, which would end our
 * strings. */
static int json_unicode(JsonReader *r, JsonText *t) {
        uint32_t c, low;

        if (json_hex4(r, &c) < 0)
                return -EINVAL;
        if (c >= 0xd800 && c < 0xdc00 && r->end - r->at >= 2 && r->at[0] == '\\' &&
            r->at[1] == 'u') {
                JsonReader ahead = *r;

                ahead.at += 2;
                if (json_hex4(&ahead, &low) < 0)
                        return -EINVAL;
                if (low >= 0xdc00 && low < 0xe000) {
                        r->at = ahead.at;
                        json_append_rune(t, 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff));
                        return 0;
                }
        }
        json_append_rune(t, (c >= 0xd800 && c < 0xe000) || c == 0 ? 0xfffd : c);
        return 0;
}

static int json_escape(JsonReader *r, JsonText *t) {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *p;
        char c;

        if (r->at == r->end)
                return -EINVAL;
        c = *r->at++;
        if (c == 'u')
                return json_unicode(r, t);
        p = c ? strchr(from, c) : NULL;
        if (!p)
                return -EINVAL;
        json_append(t, &to[p - from], 1);
        return 0;
}

/* The bytes of the character at @at, which is not the end. One that is no UTF-8 keeps its bytes,
 * but takes none of what follows it. */
static size_t json_rune_size(const JsonReader *r) {
        unsigned char c = (unsigned char) *r->at;
        size_t most = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4, n = 1;

        while (n < most && n < (size_t) (r->end - r->at) && (r->at[n] & 0xc0) == 0x80)
                n++;
        return n;
}

/* Reads what follows the opening quote. */
static int json_string(JsonReader *r, char ret_text[JSON_STRING_MAX + 1], bool *ret_cut) {
        JsonText t = {.text = ret_text};

        while (r->at < r->end && *r->at != '"') {
                size_t n = json_rune_size(r);

                if ((unsigned char) *r->at < ' ')
                        return -EINVAL;
                if (*r->at == '\\') {
                        r->at++;
                        if (json_escape(r, &t) < 0)
                                return -EINVAL;
                        continue;
                }
                json_append(&t, r->at, n);
                r->at += n;
        }
        if (r->at == r->end)
                return -EINVAL;
        r->at++;
        ret_text[t.n] = '\0';
        *ret_cut = t.cut;
        return 0;
}

static int json_word(JsonReader *r, const char *word, JsonType type, JsonToken *token) {
        size_t n = strlen(word);

        if ((size_t) (r->end - r->at) < n || memcmp(r->at, word, n) != 0)
                return -EINVAL;
        r->at += n;
        token->type = type;
        return 0;
}

static int json_number(JsonReader *r, JsonToken *token) {
        size_t n = 0;

        while (r->at < r->end && *r->at && strchr("+-0123456789.eE", *r->at)) {
                if (n < JSON_STRING_MAX)
                        token->text[n++] = *r->at;
                r->at++;
        }
        token->text[n] = '\0';
        token->type = JSON_NUMBER;
        return n > 0 ? 0 : -EINVAL;
}

static int json_value(JsonReader *r, JsonToken *token) {
        json_space(r);
        if (r->at == r->end)
                return -EINVAL;
        switch (*r->at) {
        case '{':
        case '[':
                if (r->depth == JSON_DEPTH_MAX)
                        return -EINVAL;
                token->type = *r->at == '{' ? JSON_OBJECT : JSON_ARRAY;
                r->stack[r->depth++] = *r->at++;
                r->comma = false;
                return 0;
        case '"':
                r->at++;
                token->type = JSON_STRING;
                return json_string(r, token->text, &token->cut);
        case 't':
                return json_word(r, "true", JSON_TRUE, token);
        case 'f':
                return json_word(r, "false", JSON_FALSE, token);
        case 'n':
                return json_word(r, "null", JSON_NULL, token);
        default:
                return json_number(r, token);
        }
}

static int json_read(JsonReader *r, JsonToken *t) {
        bool name_cut;
        char open = r->depth > 0 ? r->stack[r->depth - 1] : '\0';

        if (!open) {
                json_space(r);
                if (r->started) {
                        t->type = JSON_END;
                        return r->at == r->end ? 0 : -EINVAL;
                }
                r->started = true;
                return json_value(r, t);
        }
        if (json_take(r, open == '{' ? '}' : ']')) {
                t->type = open == '{' ? JSON_OBJECT_END : JSON_ARRAY_END;
                r->depth--;
                r->comma = true;
                return 0;
        }
        if (r->comma && !json_take(r, ','))
                return -EINVAL;
        if (open == '{') {
                if (!json_take(r, '"') || json_string(r, t->name, &name_cut) < 0 ||
                    !json_take(r, ':'))
                        return -EINVAL;
                t->has_name = true;
        }
        r->comma = true;
        return json_value(r, t);
}

int json_next(JsonReader *r, JsonToken *ret_token) {
        ret_token->has_name = ret_token->cut = false;
        ret_token->name[0] = ret_token->text[0] = '\0';
        if (json_read(r, ret_token) == 0)
                return 0;
        r->at = r->end;
        r->depth = 0;
        r->started = false; /* so that the next call fails, too */
        return -EINVAL;
}

int json_skip(JsonReader *r, const JsonToken *token) {
        unsigned depth = r->depth;
        JsonToken t;
        int r2 = 0;

        if (token->type != JSON_OBJECT && token->type != JSON_ARRAY)
                return 0;
        while (r2 == 0 && r->depth >= depth)
                r2 = json_next(r, &t);
        return r2;
}

int json_member(JsonReader *r, JsonToken *ret_token) {
        int r2 = json_next(r, ret_token);

        if (r2 == 0 && ret_token->type == JSON_OBJECT_END)
                return 0;
        if (r2 == 0)
                r2 = json_skip(r, ret_token);
        return r2 < 0 ? r2 : 1;
}
