/* SPDX-License-Identifier: MIT */

/*
 * The id of a virtual machine: comparing it, and its text form.
 */

#include "windows-helper/core/vm/vm.h"

#include <errno.h>
#include <string.h>

bool vm_id_is_null(const VmId *id) {
        return vm_id_equal(id, &VM_ID_NULL);
}

bool vm_id_equal(const VmId *a, const VmId *b) {
        return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* The text form has a hyphen before these bytes. */
static bool vm_id_hyphen_before(size_t byte) {
        return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void vm_id_format(const VmId *id, char ret_text[VM_ID_TEXT_MAX]) {
        static const char digits[] = "0123456789abcdef";
        char *p = ret_text;

        for (size_t i = 0; i < sizeof(id->bytes); i++) {
                if (vm_id_hyphen_before(i))
                        *p++ = '-';
                *p++ = digits[id->bytes[i] >> 4];
                *p++ = digits[id->bytes[i] & 15];
        }
        *p = '\0';
}

static int vm_id_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int vm_id_parse(const char *text, VmId *ret_id) {
        VmId id;
        const char *p = text;

        for (size_t i = 0; i < sizeof(id.bytes); i++) {
                int high, low;

                if (vm_id_hyphen_before(i) && *p++ != '-')
                        return -EINVAL;
                high = vm_id_digit(p[0]);
                low = high < 0 ? -1 : vm_id_digit(p[1]);
                if (low < 0)
                        return -EINVAL;
                id.bytes[i] = (uint8_t) (high << 4 | low);
                p += 2;
        }
        if (*p != '\0')
                return -EINVAL;
        *ret_id = id;
        return 0;
}
