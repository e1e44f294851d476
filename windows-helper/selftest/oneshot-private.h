/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The one-shot services. Each answers through a file in our data folder, which the command makes
 * for it, because the relay's token can make none there.
 */

#include "windows-helper/install/scm.h"
#include "windows-helper/selftest/tools/step.h"

typedef struct OneshotKind {
        const wchar_t *name;     /* of the service; NULL: this pass has none */
        const wchar_t *argument; /* by which its program knows what it is */
        const wchar_t *file;     /* its answer */
        const wchar_t *rights;   /* of that file */
        ScmId like;              /* the service whose account, SID and privileges it has */
} OneshotKind;

extern const OneshotKind oneshot_kinds[_SELFTEST_PASS_END];
