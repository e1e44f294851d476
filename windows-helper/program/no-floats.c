/* SPDX-License-Identifier: MIT */

/*
 * The printf of mingw-w64 (__mingw_pformat) refers to the conversion of floating-point numbers,
 * which is as large as some folders of ours. None of our programs prints such a number: a static
 * test sees to that. These two stand for it. They are never called.
 */

#include <stdlib.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* mingw-w64 declares them in no header */
#pragma GCC diagnostic ignored "-Wmissing-declarations"

/* NOLINTBEGIN(bugprone-reserved-identifier): the names are those of the library */
char *__gdtoa(void *form, int exponent, unsigned long *bits, int *kind, int mode, int n_digits,
              int *point, char **end) {
        abort();
}

void __freedtoa(char *text) {
        abort();
}
/* NOLINTEND(bugprone-reserved-identifier) */
