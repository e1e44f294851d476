/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for powrprof.dll: whoever has registered is told that the machine has resumed, each
 * time that 'Resumed' in HKLM\SOFTWARE\wslbridge-test has become another number. With an even one,
 * somebody has come. Wine never sleeps.
 */

#include <windows.h>

#define RESUME_SUSPEND   7  /* PBT_APMRESUMESUSPEND */
#define RESUME_AUTOMATIC 18 /* PBT_APMRESUMEAUTOMATIC */
#define LOOK_MS          50

typedef struct Parameters {
        ULONG(CALLBACK *callback)(void *context, ULONG type, void *setting);
        void *context;
} Parameters;

static DWORD before; /* what was told, or was there when it was registered */

static DWORD resumed(void) {
        DWORD n = 0, size = sizeof(n);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", L"Resumed",
                            RRF_RT_REG_DWORD, NULL, &n, &size);
        return n;
}

static DWORD WINAPI look(void *argument) {
        const Parameters *p = argument;

        for (;; Sleep(LOOK_MS))
                if (resumed() != before) {
                        before = resumed();
                        (void) p->callback(p->context,
                                           before % 2 ? RESUME_AUTOMATIC : RESUME_SUSPEND, NULL);
                }
        return 0;
}

DWORD WINAPI PowerRegisterSuspendResumeNotification(DWORD flags, HANDLE recipient, void **ret);

DWORD WINAPI PowerRegisterSuspendResumeNotification(DWORD flags, HANDLE recipient, void **ret) {
        HANDLE thread;

        before = resumed();
        thread = flags == 2 ? CreateThread(NULL, 0, look, recipient, 0, NULL) : NULL;
        *ret = thread;
        return thread ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER;
}
