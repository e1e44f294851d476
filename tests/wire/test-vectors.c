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

static const uint8_t *bytes(const Vector *v) {
        return buffer_bytes(&v->bytes);
}

static const char *check_meaning(const Vector *v, uint8_t version) {
        static char text[VECTOR_TEXT_MAX];

        if (describe(bytes(v), buffer_length(&v->bytes), version, text, sizeof(text)) < 0)
                return "cannot be described";
        if (strcmp(text, v->meaning) != 0) {
                (void) printf("  says  %s\n  means %s\n", v->meaning, text);
                return "means something else";
        }
        return NULL;
}

/* Return: NULL, or what is wrong. */
static const char *check_good(const Vector *v, uint8_t version) {
        Buffer again = BUFFER_NULL;
        bool same;
        int r = recode(bytes(v), buffer_length(&v->bytes), version, &again);

        same = buffer_length(&again) == buffer_length(&v->bytes) &&
               memcmp(buffer_bytes(&again), bytes(v), buffer_length(&again)) == 0;
        buffer_done(&again);
        if (r != 0)
                return r < 0 ? "is refused" : "has something unknown";
        return same ? check_meaning(v, version) : "encodes to other bytes";
}

/* Frames of an end that knows more than we do. */
static const char *check_newer(const Vector *v, uint8_t version) {
        Buffer again = BUFFER_NULL;
        int r = recode(bytes(v), buffer_length(&v->bytes), version, &again);

        buffer_done(&again);
        if (r != RECODE_NEWER)
                return r < 0 ? "is refused" : "has nothing unknown";
        return check_meaning(v, version);
}

static const char *check_refused(const Vector *v, uint8_t version, int error) {
        Buffer out = BUFFER_NULL;
        int r = recode(bytes(v), buffer_length(&v->bytes), version, &out);
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
                return check_good(v, 1);
        if (strcmp(v->kind, "bad") == 0)
                return check_refused(v, 1, -EPROTO);
        if (strcmp(v->kind, "too-large") == 0)
                return check_refused(v, 1, -EMSGSIZE);
        if (strcmp(v->kind, "good-v2") == 0)
                return check_good(v, 2);
        if (strcmp(v->kind, "newer-v2") == 0)
                return check_newer(v, 2);
        if (strcmp(v->kind, "bad-v2") == 0)
                return check_refused(v, 2, -EPROTO);
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
