/* SPDX-License-Identifier: MIT */

/*
 * The list of lines, and how it comes back from the JSON that the one-shot service has written.
 */

#include "windows-helper/core/selftest/lines.h"

#include "common/json-read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const pass_names[_SELFTEST_PASS_END] = {"user", "service", "relay"};

const char *selftest_pass_name(SelftestPass pass) {
        return pass_names[pass];
}

/* One that is not known is the user's. */
static SelftestPass lines_pass(const char *name) {
        SelftestPass pass = _SELFTEST_PASS_END;

        while (--pass > SELFTEST_USER && strcmp(name, pass_names[pass]) != 0)
                continue;
        return pass;
}

const char *selftest_step_title(uint8_t step) {
        static const char *const titles[] = {
                "Machine",
                "Token and access lists",
                "Host Compute Service",
                "Registry list of virtual machines",
                "Hyper-V sockets",
                "A connection from a distro",
                "A listener whose VM stops",
                "Port forwarding",
                "Windows Firewall",
                "Hyper-V firewall",
                "Text of wsl.exe",
                "Files in use",
                "Sleep",
                "NAT",
                "From the local network",
                "The sockets of the relay",
                "The account of the relay",
        };

        return step >= 1 && step <= SELFTEST_STEPS ? titles[step - 1] : "?";
}

void selftest_lines_add(SelftestLines *l, const SelftestLine *line) {
        if (l->n == l->size) {
                size_t size = l->size > 0 ? 2 * l->size : 32;
                SelftestLine *items =
                        l->n < SELFTEST_LINES_MAX ? realloc(l->items, size * sizeof(*items)) : NULL;

                if (!items) {
                        l->oom = true;
                        return;
                }
                l->items = items;
                l->size = size;
        }
        l->items[l->n++] = *line;
}

const SelftestLine *selftest_lines_find(const SelftestLines *l, SelftestPass pass,
                                        const char *key) {
        for (size_t i = l->n; i-- > 0;)
                if (l->items[i].done && l->items[i].pass == pass &&
                    strcmp(l->items[i].key, key) == 0)
                        return &l->items[i];
        return NULL;
}

void selftest_lines_done(SelftestLines *l) {
        free(l->items);
        *l = SELFTEST_LINES_NULL;
}

static void lines_member(const JsonToken *t, SelftestLine *line) {
        unsigned long number = t->type == JSON_NUMBER ? strtoul(t->text, NULL, 10) : 0;

        if (strcmp(t->name, "pass") == 0)
                line->pass = lines_pass(t->text);
        else if (strcmp(t->name, "step") == 0)
                line->step = number <= SELFTEST_STEPS ? (uint8_t) number : 0;
        else if (strcmp(t->name, "done") == 0)
                line->done = t->type == JSON_TRUE;
        else if (strcmp(t->name, "code") == 0)
                line->code = (uint32_t) number;
        else if (strcmp(t->name, "ms") == 0)
                line->ms = (uint32_t) number;
        else if (strcmp(t->name, "key") == 0)
                (void) snprintf(line->key, sizeof(line->key), "%.*s", SELFTEST_WORD_MAX, t->text);
        else if (strcmp(t->name, "api") == 0)
                (void) snprintf(line->api, sizeof(line->api), "%.*s", SELFTEST_WORD_MAX, t->text);
        else if (strcmp(t->name, "text") == 0)
                (void) snprintf(line->text, sizeof(line->text), "%.*s", SELFTEST_TEXT_MAX, t->text);
}

static int lines_read_one(SelftestLines *l, JsonReader *r) {
        SelftestLine line = {.step = 0};
        JsonToken t;
        int error;

        while ((error = json_member(r, &t)) > 0)
                lines_member(&t, &line);
        if (error < 0)
                return error;
        if (line.step == 0 || !line.key[0])
                return -EINVAL;
        selftest_lines_add(l, &line);
        return 0;
}

static int lines_read_list(SelftestLines *l, JsonReader *r) {
        JsonToken t;

        while (json_next(r, &t) == 0) {
                if (t.type == JSON_ARRAY_END)
                        return 0;
                if (t.type != JSON_OBJECT || lines_read_one(l, r) < 0)
                        break;
        }
        return -EINVAL;
}

int selftest_lines_read(SelftestLines *l, const char *json, size_t n) {
        JsonReader r;
        JsonToken t;
        int error;

        json_reader_init(&r, json, n);
        if (json_next(&r, &t) < 0 || t.type != JSON_OBJECT)
                return -EINVAL;
        while ((error = json_next(&r, &t)) == 0 && t.type != JSON_OBJECT_END) {
                if (t.type == JSON_ARRAY && strcmp(t.name, "lines") == 0)
                        error = lines_read_list(l, &r);
                else
                        error = json_skip(&r, &t);
                if (error < 0)
                        return error;
        }
        return error;
}
