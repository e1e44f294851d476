/* SPDX-License-Identifier: MIT */

/*
 * Overlapped reading and writing.
 */

#include "windows-helper/elevated/pipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PIPE_WRITE_MS 10000 /* the other half reads at once */

int elevated_pipe_finish(HANDLE handle, OVERLAPPED *o, HANDLE process, uint32_t limit_ms) {
        HANDLE waited[] = {o->hEvent, process};
        DWORD n = 0, found = WaitForMultipleObjects(process ? 2 : 1, waited, FALSE, limit_ms);

        if (found != WAIT_OBJECT_0) {
                (void) CancelIoEx(handle, o);
                /* It may have been finished just before. */
                if (GetOverlappedResult(handle, o, &n, TRUE))
                        return (int) n;
                return found == WAIT_TIMEOUT ? -ETIMEDOUT : -EPIPE;
        }
        return GetOverlappedResult(handle, o, &n, FALSE) ? (int) n : win_errno(GetLastError());
}

static int pipe_transfer(ElevatedPipe *p, bool write, char *bytes, size_t n, HANDLE process,
                         uint32_t limit_ms) {
        OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
        BOOL begun;
        int r;

        if (!o.hEvent)
                return win_errno(GetLastError());
        begun = write ? WriteFile(p->handle, bytes, (DWORD) n, NULL, &o)
                      : ReadFile(p->handle, bytes, (DWORD) n, NULL, &o);
        if (!begun && GetLastError() != ERROR_IO_PENDING)
                r = -EPIPE;
        else
                r = elevated_pipe_finish(p->handle, &o, process, limit_ms);
        (void) CloseHandle(o.hEvent);
        return r;
}

int elevated_pipe_write(ElevatedPipe *p, const char *word, const char *argument) {
        char line[ELEVATED_LINE_MAX + 1];
        int n = snprintf(line, sizeof(line), "%s%s%s\n", word, argument ? " " : "",
                         argument ? argument : "");
        int r;

        if (n < 0 || (size_t) n >= sizeof(line))
                return -EMSGSIZE;
        r = pipe_transfer(p, true, line, (size_t) n, NULL, PIPE_WRITE_MS);
        SecureZeroMemory(line, sizeof(line)); /* it may be the key */
        return r < 0 ? r : r == n ? 0 : -EPIPE;
}

int elevated_pipe_read(ElevatedPipe *p, HANDLE process, uint32_t limit_ms,
                       char ret_line[ELEVATED_LINE_MAX]) {
        char *end;

        while ((end = memchr(p->bytes, '\n', p->n)) == NULL) {
                int r;

                if (p->n == sizeof(p->bytes))
                        return -EPROTO;
                r = pipe_transfer(p, false, p->bytes + p->n, sizeof(p->bytes) - p->n, process,
                                  limit_ms);
                if (r <= 0)
                        return r < 0 ? r : -EPIPE;
                p->n += (size_t) r;
        }
        *end = '\0';
        memcpy(ret_line, p->bytes, (size_t) (end - p->bytes) + 1);
        p->n -= (size_t) (end - p->bytes) + 1;
        memmove(p->bytes, end + 1, p->n);
        SecureZeroMemory(p->bytes + p->n, sizeof(p->bytes) - p->n);
        return 0;
}
