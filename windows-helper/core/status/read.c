/* SPDX-License-Identifier: MIT */

/*
 * Reads status.json token by token, and calls back with each record. See read.h.
 */

#include "windows-helper/core/status/read.h"

#include "common/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATUS_SCHEMA "1"

typedef struct StatusReading {
        JsonReader reader;
        StatusFn fn;
        void *userdata;
        bool schema; /* the file has named its schema, and it is ours */
} StatusReading;

static int status_read_list(StatusReading *s, StatusKind kind);

const char *status_field(const StatusRecord *record, const char *name) {
        for (size_t i = 0; i < record->n; i++)
                if (strcmp(record->fields[i].name, name) == 0)
                        return record->fields[i].text;
        return "";
}

bool status_agent_has_asked(const StatusRecord *record) {
        return status_field(record, "mode")[0] != '\0'; /* which each STATE has */
}

static void status_add(StatusRecord *record, const JsonToken *t) {
        StatusField *f = &record->fields[record->n];
        size_t n = t->has_name ? strlen(t->name) : 0;

        if (record->n == STATUS_FIELDS_MAX || n >= sizeof(f->name))
                return;
        record->n++;
        memcpy(f->name, t->name, n);
        f->name[n] = '\0';
        utf8_clean(f->name);
        switch (t->type) {
        case JSON_TRUE:
                strcpy(f->text, "true");
                break;
        case JSON_FALSE:
                strcpy(f->text, "false");
                break;
        case JSON_STRING:
        case JSON_NUMBER:
                (void) snprintf(f->text, sizeof(f->text), "%s%s", t->text,
                                t->cut ? STATUS_CUT : "");
                utf8_clean(f->text);
                break;
        case JSON_NULL:
        case JSON_END:
        case JSON_OBJECT:
        case JSON_OBJECT_END:
        case JSON_ARRAY:
        case JSON_ARRAY_END:
                f->text[0] = '\0';
                break;
        }
}

/* Read one object, behind its opening brace. An agent's services come last in its object, so the
 * agent is reported first. */
static int status_read_record(StatusReading *s, StatusKind kind) {
        StatusRecord record = {.n = 0};
        bool reported = false;
        JsonToken t;
        int r;

        while ((r = json_next(&s->reader, &t)) == 0 && t.type != JSON_OBJECT_END) {
                if (kind == STATUS_AGENT && t.type == JSON_ARRAY &&
                    strcmp(t.name, "services") == 0) {
                        s->fn(s->userdata, kind, &record);
                        reported = true;
                        r = status_read_list(s, STATUS_SERVICE);
                } else if (t.type == JSON_ARRAY || t.type == JSON_OBJECT) {
                        r = json_skip(&s->reader, &t);
                } else {
                        status_add(&record, &t);
                }
                if (r < 0)
                        return r;
        }
        if (r == 0 && !reported)
                s->fn(s->userdata, kind, &record);
        return r;
}

static int status_read_list(StatusReading *s, StatusKind kind) {
        JsonToken t;
        int r;

        while ((r = json_next(&s->reader, &t)) == 0 && t.type != JSON_ARRAY_END) {
                StatusRecord record = {.n = 0};

                if (t.type == JSON_OBJECT) {
                        r = status_read_record(s, kind);
                } else if (t.type == JSON_ARRAY) {
                        r = json_skip(&s->reader, &t);
                } else {
                        status_add(&record, &t);
                        s->fn(s->userdata, kind, &record);
                }
                if (r < 0)
                        return r;
        }
        return r;
}

static int status_read_member(StatusReading *s, const JsonToken *t) {
        static const struct {
                const char *name;
                JsonType type;
                StatusKind kind;
        } parts[] = {
                {"iphlpsvc", JSON_OBJECT, STATUS_FORWARDER},
                {"firewall", JSON_OBJECT, STATUS_FIREWALL},
                {"vms", JSON_ARRAY, STATUS_VM},
                {"agents", JSON_ARRAY, STATUS_AGENT},
                {"unpaired", JSON_ARRAY, STATUS_UNPAIRED},
                {"problems", JSON_ARRAY, STATUS_PROBLEM},
                {"policy", JSON_ARRAY, STATUS_POLICY},
        };
        StatusRecord record = {.n = 0};

        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
                if (strcmp(t->name, parts[i].name) == 0 && t->type == parts[i].type)
                        return t->type == JSON_ARRAY ? status_read_list(s, parts[i].kind)
                                                     : status_read_record(s, parts[i].kind);
        }
        if (t->type == JSON_ARRAY || t->type == JSON_OBJECT)
                return json_skip(&s->reader, t);
        if (strcmp(t->name, "schema") == 0) {
                if (t->type != JSON_NUMBER || strcmp(t->text, STATUS_SCHEMA) != 0)
                        return -EINVAL;
                s->schema = true;
        }
        status_add(&record, t);
        s->fn(s->userdata, STATUS_MEMBER, &record);
        return 0;
}

int status_read(const char *text, size_t n, StatusFn fn, void *userdata) {
        StatusReading s = {.fn = fn, .userdata = userdata};
        JsonToken t;
        int r;

        json_reader_init(&s.reader, text, n);
        r = json_next(&s.reader, &t);
        if (r < 0 || t.type != JSON_OBJECT)
                return -EINVAL;
        while ((r = json_next(&s.reader, &t)) == 0 && t.type != JSON_OBJECT_END) {
                r = status_read_member(&s, &t);
                if (r < 0)
                        return r;
        }
        if (r == 0)
                r = json_next(&s.reader, &t);
        return r == 0 && t.type == JSON_END && s.schema ? 0 : -EINVAL;
}
