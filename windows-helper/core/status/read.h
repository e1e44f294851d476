/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads status.json, in which the helper reports its state, record by record. Nothing is kept, so a
 * file with 10,000 services needs no more memory than one with ten. All texts are cleaned, so that
 * none of them forges a line or a command of the doctor's, or controls the terminal.
 */

#include "common/json-read.h"

#define STATUS_FIELDS_MAX 12
#define STATUS_CUT        "\xe2\x80\xa6" /* "…", added to a text that was longer than JSON_STRING_MAX */

typedef enum StatusKind {
        STATUS_MEMBER, /* a value at the top level: its name and text are the record's only field */
        STATUS_FORWARDER, /* "iphlpsvc" */
        STATUS_FIREWALL,  /* "firewall" */
        STATUS_VM,
        STATUS_AGENT, /* before its services */
        STATUS_SERVICE,
        STATUS_UNPAIRED, /* an entry of "unpaired"; its text is the field "" */
        STATUS_PROBLEM,
        STATUS_POLICY,
} StatusKind;

typedef struct StatusField {
        char name[32];
        char text[JSON_STRING_MAX + sizeof(STATUS_CUT)]; /* "true", "false"; "" for null */
} StatusField;

typedef struct StatusRecord {
        StatusField fields[STATUS_FIELDS_MAX]; /* further fields are left out */
        size_t n;
} StatusRecord;

typedef void (*StatusFn)(void *userdata, StatusKind kind, const StatusRecord *record);

/* The text of a field; "" when the record has no field of that name. */
const char *status_field(const StatusRecord *record, const char *name);

/* Whether the agent of a STATUS_AGENT has said what it asks for. Before that it may be connected,
 * but nobody knows its address or its networking mode. */
bool status_agent_has_asked(const StatusRecord *record);

/* Give every record of @text to @fn. What a newer helper may have added is skipped. Return: 0, or
 * -EINVAL when @text is not a JSON object of this schema; then @fn may have got a part of it. */
int status_read(const char *text, size_t n, StatusFn fn, void *userdata);
