/* SPDX-License-Identifier: MIT */

/*
 * Compares two versions number by number.
 */

#include "windows-helper/core/setup/version.h"

#include <stdlib.h>
#include <string.h>

/* What is no number is compared as text, and so is what one has and the other has not. */
int version_compare(const char *a, const char *b) {
        while (*a || *b) {
                char *end_a, *end_b;
                unsigned long x = strtoul(a, &end_a, 10), y = strtoul(b, &end_b, 10);

                if (end_a == a || end_b == b)
                        return strcmp(a, b);
                if (x != y)
                        return x < y ? -1 : 1;
                a = end_a + strspn(end_a, ".-");
                b = end_b + strspn(end_b, ".-");
        }
        return 0;
}
