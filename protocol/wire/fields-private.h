/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Private to the codec: lists of tagged fields, of which the messages of version 2 consist.
 *
 * A list is a number of fields (u8), then the fields in ascending order. A field is an id (u16),
 * the length of its value (u16) and the value. The highest bit of the id says that the field is
 * critical; the rest is its number. What has its default value is not sent, so each list has one
 * encoding. Each kind of list has a table with a row for each known field.
 */

#include "protocol/wire/io-private.h"

/* Not an error: a value that we do not know is treated as a field that we do not know. */
#define WIRE_FIELD_UNKNOWN 1

typedef struct WireField WireField;

/* The order of the members is that of a row, which begins with what the document begins with.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct WireField {
        uint16_t id;
        const char *name; /* as in docs/protocol.md */

        /* Write the value, or nothing when it is the default. @message: WireState or WireResult;
         * @item: the service, or NULL in the list of the whole message. */
        void (*put)(const WireField *field, WireWriter *w, const void *message, const void *item);

        /* Read the value; malformed fields are recorded in @r. Return: 0, WIRE_FIELD_UNKNOWN or
         * -ENOMEM. */
        int (*get)(const WireField *field, WireReader *r, void *message, void *item);

        /* of the rows that are options of a service; otherwise NULL and of no meaning */
        WireOption option;
        const char *const *words;
};

/* Write the list with the @n rows of @fields, which are in ascending order. */
void wire_put_fields(WireWriter *w, const WireField *fields, size_t n, const void *message,
                     const void *item);

/**
 * wire_get_fields() - read a list
 * @ret_unknown: set to the id of the first critical field that is not known, if there is one
 * @n_ignored: raised by the number of other fields that are not known
 *
 * Return: 0 or -ENOMEM; whatever is malformed is recorded in @r.
 */
int wire_get_fields(WireReader *r, const WireField *fields, size_t n, void *message, void *item,
                    uint16_t *ret_unknown, uint32_t *n_ignored);
