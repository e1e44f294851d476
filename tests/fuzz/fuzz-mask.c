/* SPDX-License-Identifier: MIT */

/*
 * Any text as what the self-test's report is made of. A name that is known is never in what comes
 * out, in any case of letters, whatever stands around it.
 */

#include "windows-helper/core/selftest/mask.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const names[] = {
        [MASK_HOST] = "DESKTOP-7Q", [MASK_USER] = "alice", [MASK_DISTRO] = "Ubuntu-22.04"};

static void require(bool good) {
        if (!good)
                abort();
}

static bool contains(const char *text, const char *name) {
        for (; *text; text++)
                if (strncasecmp(text, name, strlen(name)) == 0)
                        return true;
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1);
        Buffer out = BUFFER_NULL;
        Mask mask = MASK_NULL;

        require(text != NULL);
        for (size_t i = 0; i < n; i++)
                text[i] = data[i] ? (char) data[i] : '\n';
        for (unsigned kind = 0; kind < sizeof(names) / sizeof(names[0]); kind++)
                mask_name(&mask, (MaskKind) kind, names[kind]);
        mask_text(&mask, text, &out);
        require(!mask.oom && !out.oom);
        for (unsigned kind = 0; kind < sizeof(names) / sizeof(names[0]); kind++)
                require(!contains(buffer_text(&out), names[kind]));
        mask_done(&mask);
        buffer_done(&out);
        free(text);
        return 0;
}
