/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads status.json, the helper's account of itself, record by record: nothing of it is kept, so a
 * file with 10,000 services needs no more memory than one with ten.
 */

#include "common/json-read.h"

#define STATUS_FIELDS_MAX 12
#define STATUS_CUT        "\xe2\x80\xa6" /* …, behind what was longer than JSON_STRING_MAX */

typedef enum StatusKind {
        STATUS_MEMBER,    /* one value of the top: its name and text are the record's only field */
        STATUS_FORWARDER, /* "iphlpsvc" */
        STATUS_VM,
        STATUS_AGENT, /* before its services */
        STATUS_SERVICE,
        STATUS_STRANGER, /* "unpaired"; the text is that of the field "" */
        STATUS_PROBLEM,
        STATUS_POLICY,
} StatusKind;

typedef struct StatusField {
        char name[32];
        char text[JSON_STRING_MAX + sizeof(STATUS_CUT)]; /* "true", "false"; "" for null */
} StatusField;

typedef struct StatusRecord {
        StatusField fields[STATUS_FIELDS_MAX]; /* more are left out */
        size_t n;
} StatusRecord;

typedef void (*StatusFn)(void *userdata, StatusKind kind, const StatusRecord *record);

/* The text of a field, "" when the record has none of that name. */
const char *status_field(const StatusRecord *record, const char *name);

/* Hand every record of @text to @fn. What a newer helper may have added is skipped. Return: 0, or
 * -EINVAL when it is no JSON object of this schema; then @fn may have got a part. */
int status_read(const char *text, size_t n, StatusFn fn, void *userdata);
