/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The identity of a virtual machine: its runtime id, a GUID that is new at each start (fact 2.2.1).
 */

#include "protocol/wire/wire.h"

#define VM_ID_TEXT_MAX 37

/* In the order of the text form, as in HELLO. All zero: it is not known which VM it is, because the
 * listener accepts any. */
typedef struct VmId {
        uint8_t bytes[WIRE_ID_SIZE];
} VmId;

#define VM_ID_NULL ((VmId){{0}})

bool vm_id_is_null(const VmId *id);
bool vm_id_equal(const VmId *a, const VmId *b);

/* "00000000-0000-0000-0000-000000000000", small letters. */
void vm_id_format(const VmId *id, char ret_text[VM_ID_TEXT_MAX]);

/* @text must have exactly 36 characters, in any case, without braces. Return: 0 or -EINVAL. */
int vm_id_parse(const char *text, VmId *ret_id);
