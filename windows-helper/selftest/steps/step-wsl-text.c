/* SPDX-License-Identifier: MIT */

/*
 * Step 11: the form in which wsl.exe writes. What it writes has names in it, so only the form is
 * shown.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/child.h"

#include <string.h>

#define WSL_TEXT_MS    20000
#define WSL_TEXT_BYTES 64

/* A letter or digit as "a", a NUL as "0", a line feed as "n", another control as "c", a byte that
 * is not ASCII as "u". Others, such as a space, as they are. */
static void wsl_text_shape(const Buffer *bytes, char ret_text[WSL_TEXT_BYTES + 1]) {
        const uint8_t *b = buffer_bytes(bytes);
        size_t n = buffer_length(bytes) < WSL_TEXT_BYTES ? buffer_length(bytes) : WSL_TEXT_BYTES;

        for (size_t i = 0; i < n; i++)
                ret_text[i] = b[i] == 0                            ? '0'
                              : b[i] == '\n'                       ? 'n'
                              : b[i] < ' ' || b[i] == 0x7f         ? 'c'
                              : b[i] >= 0x80                       ? 'u'
                              : strchr(" .,:;-()/\\", (char) b[i]) ? (char) b[i]
                                                                   : 'a';
        ret_text[n] = '\0';
}

static void wsl_text_stream(Step *s, const char *key, const char *what, const Buffer *bytes,
                            uint64_t began) {
        char shape[WSL_TEXT_BYTES + 1];

        wsl_text_shape(bytes, shape);
        step_line(s, key, "wsl.exe", 0, began, "%s: %zu bytes, form %s", what, buffer_length(bytes),
                  shape);
}

/* Return: whether there was an answer. */
static bool wsl_text_run(Step *s, const char *key, const char *what, bool *ret_nul) {
        uint64_t began = step_clock();
        Child child;
        DWORD error;

        child_run(s, L"wsl.exe", L"--status", "", WSL_TEXT_MS, &child);
        error = child_error(&child);
        step_line(s, key, "wsl.exe", error, began, "--status %s: exit code %lu", what,
                  child.exit_code);
        if (error == 0) {
                wsl_text_stream(s, "wsl.output", "output", &child.output, began);
                wsl_text_stream(s, "wsl.errors", "errors", &child.errors, began);
        }
        *ret_nul = buffer_length(&child.output) > 0 &&
                   memchr(buffer_bytes(&child.output), 0, buffer_length(&child.output)) != NULL;
        error = error ? error : buffer_length(&child.output) == 0;
        child_done(&child);
        return error == 0;
}

void step_wsl_text(Step *s) {
        uint64_t began;
        bool nul = false;

        if (step_options(s)->pass == SELFTEST_SERVICE) {
                step_skip(s, "wsl.utf8", "wsl.exe", "SYSTEM cannot run wsl.exe"); /* fact 2.1.4 */
                return;
        }
        (void) SetEnvironmentVariableW(L"WSL_UTF8", NULL);
        if (wsl_text_run(s, "wsl.status", "without WSL_UTF8", &nul))
                step_line(s, "wsl.utf16", "", !nul, step_clock(), "it writes UTF-16: %s",
                          nul ? "yes" : "no");
        (void) SetEnvironmentVariableW(L"WSL_UTF8", L"1");
        began = step_clock();
        if (wsl_text_run(s, "wsl.status.utf8", "with WSL_UTF8=1", &nul))
                step_line(s, "wsl.utf8", "", nul, began, "it writes UTF-8: %s", nul ? "no" : "yes");
        (void) SetEnvironmentVariableW(L"WSL_UTF8", NULL);
}
