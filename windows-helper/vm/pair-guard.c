/* SPDX-License-Identifier: MIT */

/*
 * A handler of console events has no parameter, so there is one guard.
 */

#include "windows-helper/vm/pair-guard.h"

#include "windows-helper/win/win.h"

#ifdef WSLBRIDGE_TEST_TRANSPORT
#        define GUARD_SLOWER 3 /* a busy machine; the tests have Windows wait longer, too */
#else
#        define GUARD_SLOWER 1
#endif

#define GUARD_ANSWER_MS (3000 * GUARD_SLOWER) /* for the guest, once the window is closed */
#define GUARD_MOST_MS   (4500 * GUARD_SLOWER) /* until both agree, or our step is taken back */

static bool guard_heard;
static volatile LONG64 guard_closed; /* GetTickCount64(), 0 for not */
static HANDLE guard_ended;           /* never closed: the handler runs in a thread of its own */

/* Windows ends the program when this returns, except after Ctrl-C. */
static BOOL WINAPI guard_on_control(DWORD control) {
        if (control == CTRL_C_EVENT || control == CTRL_BREAK_EVENT)
                return !guard_heard;
        (void) InterlockedCompareExchange64(&guard_closed, (LONG64) GetTickCount64(), 0);
        if (guard_ended)
                (void) WaitForSingleObject(guard_ended, GUARD_MOST_MS);
        return FALSE;
}

void pair_guard_begin(bool heard) {
        guard_heard = heard;
        guard_ended = CreateEventW(NULL, TRUE, FALSE, NULL);
        (void) SetConsoleCtrlHandler(guard_on_control, TRUE);
}

bool pair_guard_gives_up(void) {
        LONG64 closed = guard_closed;

        return closed != 0 && GetTickCount64() - (ULONGLONG) closed >= GUARD_ANSWER_MS;
}

void pair_guard_end(void) {
        (void) SetConsoleCtrlHandler(guard_on_control, FALSE);
        if (guard_ended)
                (void) SetEvent(guard_ended);
}
