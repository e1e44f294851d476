/* SPDX-License-Identifier: MIT */

/*
 * Claim: on this system the golden vectors have the meaning that they state, and they encode to the
 * same bytes again. The bad ones are refused. Plain C, because the same sources are built natively
 * and for Windows.
 *
 *     test-vectors FILE…      prints a line for each vector, then 'N passed, N failed'
 */

#include "tests/wire/describe.h"
#include "tests/wire/recode.h"
#include "tests/wire/vectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Return: NULL, or what is wrong. */
static const char *check_good(const Vector *v) {
        static char text[VECTOR_TEXT_MAX];
        Buffer again = BUFFER_NULL;
        bool same;

        if (recode(buffer_bytes(&v->bytes), buffer_length(&v->bytes), &again) < 0)
                return "is refused";
        same = buffer_length(&again) == buffer_length(&v->bytes) &&
               memcmp(buffer_bytes(&again), buffer_bytes(&v->bytes), buffer_length(&again)) == 0;
        buffer_done(&again);
        if (!same)
                return "encodes to other bytes";
        if (describe(buffer_bytes(&v->bytes), buffer_length(&v->bytes), text, sizeof(text)) < 0)
                return "cannot be described";
        if (strcmp(text, v->meaning) != 0) {
                (void) printf("  says  %s\n  means %s\n", v->meaning, text);
                return "means something else";
        }
        return NULL;
}

static const char *check_refused(const Vector *v, int error) {
        Buffer out = BUFFER_NULL;
        int r = recode(buffer_bytes(&v->bytes), buffer_length(&v->bytes), &out);
        bool silent = buffer_length(&out) == 0;

        buffer_done(&out);
        if (r == 0)
                return "is accepted";
        if (r != error)
                return "is refused for another reason";
        return silent ? NULL : "is refused, but something was encoded";
}

static const char *check(const Vector *v) {
        if (strcmp(v->kind, "good") == 0)
                return check_good(v);
        if (strcmp(v->kind, "bad") == 0)
                return check_refused(v, -EPROTO);
        if (strcmp(v->kind, "too-large") == 0)
                return check_refused(v, -EMSGSIZE);
        return "is of an unknown kind";
}

int main(int argc, char **argv) {
        unsigned passed = 0, failed = 0;

        for (int i = 1; i < argc; i++) {
                Vectors vectors;

                if (vectors_read(argv[i], &vectors) < 0) {
                        failed++;
                        continue;
                }
                for (size_t k = 0; k < vectors.n; k++) {
                        const Vector *v = &vectors.items[k];
                        const char *problem;

                        if (strcmp(v->kind, "value") == 0)
                                continue;
                        problem = check(v);
                        (void) printf("%s %s %s%s%s\n", problem ? "FAILED" : "ok", v->kind, v->name,
                                      problem ? ": " : "", problem ? problem : "");
                        passed += problem == NULL;
                        failed += problem != NULL;
                }
                vectors_done(&vectors);
        }
        (void) printf("%u passed, %u failed\n", passed, failed);
        return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
