/* SPDX-License-Identifier: MIT */

/*
 * Lays out the records of status.json as lines and tables for people.
 */

#include "windows-helper/core/status/text.h"

#include "common/text-wrap.h"
#include "protocol/wire/wire.h"
#include "windows-helper/core/status/read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_LABEL   13 /* columns of "last change  " */
#define COLUMNS_ID      38
#define COLUMNS_NAME    16
#define COLUMNS_SERVICE 24
#define COLUMNS_STATE   11
#define COLUMNS_POLICY  28
#define COLUMNS_ORIGIN  14
#define COLUMNS_INDENT  4
#define COLUMNS_NOTE    8 /* before the text of a service, on lines of its own */

typedef struct StatusText {
        Buffer *out; /* borrowed */
        size_t width;
        StatusKind part; /* the kind of the last line */
        char applied[32];
} StatusText;

static void status_pad(StatusText *s, const char *text, size_t columns) {
        text_pad(s->out, text, columns);
}

static void status_wrap(StatusText *s, const char *text, size_t indent) {
        const TextFrame frame = {.column = indent, .indent = indent, .width = s->width};

        text_wrap(s->out, text, &frame);
}

/* "label       text" */
static void status_line(StatusText *s, const char *label, const char *text) {
        status_pad(s, label, COLUMNS_LABEL);
        status_wrap(s, text, COLUMNS_LABEL);
}

/* Where a table begins: an empty line, and the heads of the columns. */
static void status_head(StatusText *s, StatusKind kind, const char *first, size_t columns,
                        const char *second, size_t columns2, const char *third) {
        if (s->part == kind)
                return;
        s->part = kind;
        status_wrap(s, "", 0);
        status_pad(s, first, columns);
        status_pad(s, second, columns2);
        status_wrap(s, third, columns + columns2);
}

/* @seen: of the status file; null there, if a sleep may have killed the listener. */
static const char *status_choice(const char *seen, const char *yes, const char *no,
                                 const char *unknown) {
        return strcmp(seen, "true") == 0 ? yes : seen[0] ? no : unknown;
}

static void status_on_member(StatusText *s, const StatusRecord *r) {
        const StatusField *f = &r->fields[0];
        unsigned long long usec;
        char text[96];

        if (r->n == 0)
                return;
        if (strcmp(f->name, "version") == 0) {
                status_line(s, "helper", f->text);
        } else if (strcmp(f->name, "pid") == 0) {
                status_line(s, "process", f->text);
        } else if (strcmp(f->name, "applied") == 0) {
                (void) snprintf(s->applied, sizeof(s->applied), "%.31s", f->text);
        } else if (strcmp(f->name, "apply_usec") == 0) {
                usec = strtoull(f->text, NULL, 10);
                (void) snprintf(text, sizeof(text), "%s, took %llu.%03llu ms", s->applied,
                                usec / 1000, usec % 1000);
                status_line(s, "last change", s->applied[0] ? text : "none");
        } else if (strcmp(f->name, "hyperv_listening") == 0) {
                status_line(s, "hyper-v",
                            status_choice(f->text, "listening for guests other than WSL's",
                                          "not listening for guests other than WSL's",
                                          "after a sleep, not known whether it still listens for "
                                          "guests other than WSL's"));
        }
}

static void status_on_agent(StatusText *s, const StatusRecord *r) {
        static const char *const shown[] = {"state", "address", "mode", "software", "vm"};

        s->part = STATUS_AGENT;
        status_wrap(s, "", 0);
        status_pad(s, "agent", 6);
        status_wrap(s, status_field(r, "agent"), 6);
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
                if (!status_field(r, shown[i])[0])
                        continue;
                status_pad(s, "", COLUMNS_INDENT);
                status_pad(s, shown[i], COLUMNS_LABEL - COLUMNS_INDENT);
                status_wrap(s, status_field(r, shown[i]), COLUMNS_LABEL);
        }
}

/* The forwarder is "portproxy" or "relay (protocol)", as in the guest. */
static void status_on_service(StatusText *s, const StatusRecord *r) {
        const size_t indent = COLUMNS_INDENT + COLUMNS_SERVICE + COLUMNS_STATE;
        const char *forwarder = status_field(r, "forwarder"), *text = status_field(r, "text");
        const char *why = status_field(r, "forwarder_reason");
        bool told = why[0] && strcmp(why, wire_why_name(WIRE_WHY_DEFAULT)) != 0;

        if (s->part != STATUS_SERVICE) {
                s->part = STATUS_SERVICE;
                status_pad(s, "", COLUMNS_INDENT);
                status_pad(s, "SERVICE", COLUMNS_SERVICE);
                status_pad(s, "STATE", COLUMNS_STATE);
                status_wrap(s, "FORWARDER", indent);
        }
        status_pad(s, "", COLUMNS_INDENT);
        status_pad(s, status_field(r, "name"), COLUMNS_SERVICE);
        if (forwarder[0]) {
                status_pad(s, status_field(r, "state"), COLUMNS_STATE);
                buffer_printf(s->out, "%s%s%s%s\n", forwarder, told ? " (" : "", told ? why : "",
                              told ? ")" : "");
        } else { /* no spaces at the end of a line */
                status_wrap(s, status_field(r, "state"), indent);
        }
        if (text[0]) {
                status_pad(s, "", COLUMNS_NOTE);
                status_wrap(s, text, COLUMNS_NOTE);
        }
}

static void status_on_record(void *userdata, StatusKind kind, const StatusRecord *r) {
        StatusText *s = userdata;
        char text[96];

        switch (kind) {
        case STATUS_MEMBER:
                status_on_member(s, r);
                break;
        case STATUS_FORWARDER:
                (void) snprintf(text, sizeof(text), "%.20s, process %.20s",
                                status_field(r, "state"), status_field(r, "pid"));
                status_line(s, "iphlpsvc",
                            strcmp(status_field(r, "state"), "running") == 0
                                    ? text
                                    : status_field(r, "state"));
                break;
        case STATUS_FIREWALL:
                status_line(s, "firewall", status_field(r, "text"));
                break;
        case STATUS_VM:
                status_head(s, kind, "VM", COLUMNS_ID, "NAME", COLUMNS_NAME, "LISTENING");
                status_pad(s, status_field(r, "id"), COLUMNS_ID);
                status_pad(s, status_field(r, "name"), COLUMNS_NAME);
                status_wrap(s,
                            status_choice(status_field(r, "listening"), "yes", "no", "not known"),
                            COLUMNS_ID + COLUMNS_NAME);
                break;
        case STATUS_AGENT:
                status_on_agent(s, r);
                break;
        case STATUS_SERVICE:
                status_on_service(s, r);
                break;
        case STATUS_UNPAIRED:
                status_line(s, "not paired", status_field(r, ""));
                break;
        case STATUS_PROBLEM:
                status_line(s, "problem", status_field(r, ""));
                break;
        case STATUS_POLICY:
                status_head(s, kind, "POLICY", COLUMNS_POLICY, "FROM", COLUMNS_ORIGIN, "VALUE");
                status_pad(s, status_field(r, "name"), COLUMNS_POLICY);
                status_pad(s, status_field(r, "source"), COLUMNS_ORIGIN);
                status_wrap(s, status_field(r, "value"), COLUMNS_POLICY + COLUMNS_ORIGIN);
                break;
        }
}

int status_text(Buffer *out, const char *json, size_t n, size_t width) {
        StatusText s = {.out = out, .width = width, .part = STATUS_MEMBER};
        int r = status_read(json, n, status_on_record, &s);

        text_clean_lines(out);
        return out->oom ? -ENOMEM : r;
}
