/* SPDX-License-Identifier: MIT */

/*
 * Calls of computecore.dll, in a thread that may have to wait for the service.
 */

#include "windows-helper/vm/hcs.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HCS_WAIT_MS 10000
#define HCS_FREE_MS 2000
/* Only the wait has a limit, and the other calls may hang. */
#define HCS_LIMIT_USEC    UINT64_C(20000000)
#define HCS_ACCESS_DENIED ((HRESULT) 0x8037011BL) /* HCS_E_ACCESS_DENIED (fact 2.2.5) */

/* From computecore.h. The library is loaded when it is needed, because an exe that is linked with
 * it does not start on a Windows without it (fact 1.2.2). */
typedef void *HcsOperation;
typedef struct HcsApi {
        HcsOperation(WINAPI *create)(void *context, void *callback);
        HRESULT(WINAPI *enumerate)(const wchar_t *query, HcsOperation operation);
        HRESULT(WINAPI *wait)(HcsOperation operation, DWORD ms, wchar_t **ret_result);
        void(WINAPI *close)(HcsOperation operation);
} HcsApi;

struct Hcs {
        LoopGate gate;
        LoopOp op;
        HcsFn fn;
        void *userdata;
        HANDLE thread; /* owned; NULL: no query is running */
        bool again;    /* start another query afterwards */
        bool hangs;    /* the query takes longer than it may; the owner knows */
        uint64_t asked_usec;
        /* The answer. It belongs to the thread until its packet arrives. */
        int error;
        VmList list;
};

static bool hcs_load(HMODULE library, HcsApi *ret_api) {
        FARPROC create = GetProcAddress(library, "HcsCreateOperation");
        FARPROC enumerate = GetProcAddress(library, "HcsEnumerateComputeSystems");
        FARPROC wait = GetProcAddress(library, "HcsWaitForOperationResult");
        FARPROC close = GetProcAddress(library, "HcsCloseOperation");

        memcpy(&ret_api->create, &create, sizeof(create));
        memcpy(&ret_api->enumerate, &enumerate, sizeof(enumerate));
        memcpy(&ret_api->wait, &wait, sizeof(wait));
        memcpy(&ret_api->close, &close, sizeof(close));
        return create && enumerate && wait && close;
}

/* @result: the service's answer in UTF-16. */
static int hcs_read(const wchar_t *result, char **ret_json) {
        return wcslen(result) > VM_LIST_TEXT_MAX ? -EPROTO
                                                 : win_from_wide(result, wcslen(result), ret_json);
}

/* Systems are listed but never opened, because WSL ends a VM with its last handle (fact 2.2.6). */
static int hcs_enumerate(const HcsApi *api, char **ret_json, uint32_t *ret_code) {
        HcsOperation operation = api->create(NULL, NULL);
        wchar_t *result = NULL;
        HRESULT hr;
        int r;

        if (!operation)
                return -EIO;
        hr = api->enumerate(NULL, operation);
        if (SUCCEEDED(hr))
                hr = api->wait(operation, HCS_WAIT_MS, &result);
        if (SUCCEEDED(hr))
                r = result ? hcs_read(result, ret_json) : -EPROTO;
        else
                r = hr == HCS_ACCESS_DENIED || hr == E_ACCESSDENIED ? -EACCES : -EIO;
        *ret_code = (uint32_t) hr;
        (void) LocalFree(result);
        api->close(operation);
        return r;
}

/* The library stays loaded, because loading it takes longer than the question. Each call finds the
 * same functions, so two threads that come at once do no harm. */
int hcs_query(char **ret_json, uint32_t *ret_code) {
        HMODULE library = GetModuleHandleW(L"computecore.dll");
        HcsApi api;

        *ret_json = NULL;
        *ret_code = 0;
        if (!library)
                library = LoadLibraryExW(L"computecore.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        if (!library)
                return GetLastError() == ERROR_MOD_NOT_FOUND ? -ENOSYS : -ENOEXEC;
        return hcs_load(library, &api) ? hcs_enumerate(&api, ret_json, ret_code) : -ENOSYS;
}

int hcs_list(VmList *ret_list) {
        char *json = NULL;
        uint32_t code;
        int r = hcs_query(&json, &code);

        *ret_list = (VmList){.n = 0};
        if (r == 0)
                r = vm_list_parse(json, strlen(json), ret_list) < 0 ? -EPROTO : 0;
        free(json);
        return r;
}

static DWORD WINAPI hcs_thread(void *parameter) {
        Hcs *h = parameter;

        h->error = hcs_list(&h->list);
        loop_gate_post(&h->gate, &h->op);
        return 0;
}

static void hcs_on_packet(LoopOp *op, DWORD error, DWORD n_bytes) {
        Hcs *h = op->userdata;

        (void) WaitForSingleObject(h->thread, INFINITE); /* it ends right after posting */
        (void) CloseHandle(h->thread);
        h->thread = NULL;
        h->hangs = false;
        h->fn(h->userdata, h->error, &h->list);
        if (h->again) {
                h->again = false;
                hcs_ask(h);
        }
}

int hcs_new(Hcs **ret_hcs, Loop *loop, HcsFn fn, void *userdata) {
        Hcs *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        *h = (Hcs){
                .gate = LOOP_GATE(loop),
                .op = {.fn = hcs_on_packet, .userdata = h},
                .fn = fn,
                .userdata = userdata,
        };
        *ret_hcs = h;
        return 0;
}

Hcs *hcs_free(Hcs *h) {
        if (!h)
                return NULL;
        if (h->thread) {
                /* A thread that hangs in the service still uses @h. It ends with the process. */
                if (WaitForSingleObject(h->thread, HCS_FREE_MS) != WAIT_OBJECT_0) {
                        loop_gate_close(&h->gate);
                        return NULL;
                }
                (void) CloseHandle(h->thread);
        }
        free(h);
        return NULL;
}

void hcs_ask(Hcs *h) {
        if (h->thread) {
                h->again = true;
                if (h->hangs)
                        h->fn(h->userdata, -EIO, NULL);
                return;
        }
        h->asked_usec = loop_now_usec();
        h->thread = CreateThread(NULL, 0, hcs_thread, h, 0, NULL);
        if (!h->thread) {
                (void) log_win_error(GetLastError(), "Cannot start a thread");
                h->fn(h->userdata, -ENOMEM, NULL);
        }
}

uint64_t hcs_deadline(const Hcs *h) {
        return h->thread && !h->hangs ? h->asked_usec + HCS_LIMIT_USEC : LOOP_NO_DEADLINE;
}

void hcs_tick(Hcs *h, uint64_t now_usec) {
        if (now_usec < hcs_deadline(h))
                return;
        h->hangs = true;
        h->fn(h->userdata, -EIO, NULL);
}
