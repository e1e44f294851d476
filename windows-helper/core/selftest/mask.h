/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Takes out of a text what tells whose machine it is: addresses, ids and names. The same thing gets
 * the same number everywhere, so that it stays visible what belongs together. What is equal on all
 * machines, such as 127.0.0.1 and the ids that Microsoft has published, stays. Pure.
 */

#include "common/buffer.h"

typedef enum MaskKind {
        MASK_HOST, /* the first three are known names; see mask_name() */
        MASK_USER,
        MASK_DISTRO,
        MASK_IPV4,
        MASK_IPV6,
        MASK_MAC,
        MASK_GUID,
        MASK_SID,
        MASK_ID, /* a long number in hexadecimal digits */
        _MASK_KIND_END,
} MaskKind;

typedef struct MaskWord {
        MaskKind kind;
        unsigned number; /* within the kind, from 1 */
        char *text;      /* owned; small letters */
} MaskWord;

typedef struct Mask {
        MaskWord *words; /* owned */
        size_t n, size;
        bool oom; /* something could not be remembered, so a text may show it */
} Mask;

#define MASK_NULL ((Mask){.words = NULL})

/* Have a name masked wherever it stands, in any case. A name of less than three bytes is masked
 * only as a word of its own. An empty one is ignored. */
void mask_name(Mask *m, MaskKind kind, const char *name);

/* Append @text to @out, masked. Out of memory sets .oom of either. */
void mask_text(Mask *m, const char *text, Buffer *out);

void mask_done(Mask *m);
