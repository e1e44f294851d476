/* SPDX-License-Identifier: MIT */

/*
 * Task Scheduler's COM interface. Each function connects anew: setup needs one or two of them.
 */

#include "windows-helper/win/win.h" /* first: it chooses the headers of Windows */

#define COBJMACROS
#include "windows-helper/setup/parts/task.h"
#include "windows-helper/vm/wsl-run.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <oleauto.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <taskschd.h>

/* The ids of taskschd.h, copied here to need no library of GUIDs. */
static const GUID clsid_service = {
        0x0f87369f, 0xa4e5, 0x4cfc, {0xbd, 0x3e, 0x73, 0xe6, 0x15, 0x45, 0x72, 0xdd}};
static const GUID iid_service = {
        0x2faba4c7, 0x4da9, 0x4013, {0x96, 0x97, 0x20, 0xcc, 0x3f, 0xd4, 0x0f, 0x85}};

typedef struct TaskFolder {
        bool started; /* CoUninitialize() has to be called */
        ITaskService *service;
        ITaskFolder *folder;
        BSTR name; /* of the task */
} TaskFolder;

int task_self(TaskSelf *ret_self) {
        uint8_t bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
        const TOKEN_USER *user = (const TOKEN_USER *) bytes;
        wchar_t folder[MAX_PATH], exe[WSL_PATH_MAX], *text = NULL;
        DWORD n = sizeof(bytes), error = ERROR_SUCCESS;
        HANDLE token = NULL;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) ||
            !GetTokenInformation(token, TokenUser, bytes, n, &n) ||
            !ConvertSidToStringSidW(user->User.Sid, &text) ||
            GetSystemDirectoryW(folder, MAX_PATH) == 0)
                error = GetLastError();
        if (error == ERROR_SUCCESS) {
                (void) snprintf(ret_self->user, sizeof(ret_self->user), "%s", WIN_UTF8(text));
                (void) snprintf(ret_self->folder, sizeof(ret_self->folder), "%s", WIN_UTF8(folder));
                (void) snprintf(ret_self->wsl, sizeof(ret_self->wsl), "%s",
                                wsl_run_find(exe) == 0 ? WIN_UTF8(exe) : "");
        }
        if (text)
                (void) LocalFree(text);
        if (token)
                (void) CloseHandle(token);
        return error == ERROR_SUCCESS ? 0 : log_win_error(error, "Cannot find out who the user is");
}

/* Return: NULL when there is no memory, or @text is not UTF-8. */
static BSTR to_bstr(const char *text) {
        int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
        BSTR wide = n > 0 ? SysAllocStringLen(NULL, (UINT) n - 1) : NULL;

        if (wide)
                (void) MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, n);
        return wide;
}

static void task_close(TaskFolder *f) {
        if (f->folder)
                (void) ITaskFolder_Release(f->folder);
        if (f->service)
                (void) ITaskService_Release(f->service);
        SysFreeString(f->name);
        if (f->started)
                CoUninitialize();
        *f = (TaskFolder){0};
}

static HRESULT task_open(TaskFolder *f, const LogonTask *t) {
        VARIANT none = {0};
        BSTR root = to_bstr("\\");
        Buffer name = BUFFER_NULL;
        HRESULT hr = CoInitializeEx(NULL, COINIT_MULTITHREADED);

        *f = (TaskFolder){.started = SUCCEEDED(hr)};
        logon_task_name(t, &name);
        f->name = name.oom ? NULL : to_bstr(buffer_text(&name));
        buffer_done(&name);
        if (SUCCEEDED(hr))
                hr = root && f->name ? S_OK : E_OUTOFMEMORY;
        if (SUCCEEDED(hr))
                hr = CoCreateInstance(&clsid_service, NULL, CLSCTX_INPROC_SERVER, &iid_service,
                                      (void **) &f->service);
        if (SUCCEEDED(hr))
                hr = ITaskService_Connect(f->service, none, none, none, none);
        if (SUCCEEDED(hr))
                hr = ITaskService_GetFolder(f->service, root, &f->folder);
        SysFreeString(root);
        return hr;
}

static bool task_is_missing(HRESULT hr) {
        return HRESULT_FACILITY(hr) == FACILITY_WIN32 &&
               (HRESULT_CODE(hr) == ERROR_FILE_NOT_FOUND ||
                HRESULT_CODE(hr) == ERROR_PATH_NOT_FOUND);
}

static int task_error(HRESULT hr, const char *what) {
        if (hr == E_ACCESSDENIED)
                return -EACCES;
        (void) log_win_error((DWORD) hr, "Task Scheduler: %s failed", what);
        return hr == E_OUTOFMEMORY ? -ENOMEM : -EIO;
}

/* S_FALSE: there is no such task. */
static HRESULT task_is(const TaskFolder *f, const LogonTask *t, bool *ret_same) {
        IRegisteredTask *task = NULL;
        BSTR xml = NULL;
        char *text = NULL;
        HRESULT hr = ITaskFolder_GetTask(f->folder, f->name, &task);

        if (task_is_missing(hr))
                return S_FALSE;
        if (SUCCEEDED(hr))
                hr = IRegisteredTask_get_Xml(task, &xml);
        if (SUCCEEDED(hr) && win_from_wide(xml, SysStringLen(xml), &text) < 0)
                hr = E_OUTOFMEMORY;
        if (SUCCEEDED(hr))
                *ret_same = logon_task_is(t, text);
        free(text);
        SysFreeString(xml);
        if (task)
                (void) IRegisteredTask_Release(task);
        return hr;
}

int task_find(const LogonTask *t) {
        bool same = false;
        TaskFolder f;
        HRESULT hr = task_open(&f, t);

        if (SUCCEEDED(hr))
                hr = task_is(&f, t, &same);
        task_close(&f);
        if (hr == S_FALSE)
                return TASK_NONE;
        if (FAILED(hr))
                return task_error(hr, "reading the task for the logon");
        return same ? TASK_SAME : TASK_OTHER;
}

int task_register(const LogonTask *t) {
        IRegisteredTask *task = NULL;
        VARIANT none = {0};
        Buffer xml = BUFFER_NULL;
        BSTR text = NULL;
        TaskFolder f;
        HRESULT hr = task_open(&f, t);

        logon_task_xml(t, &xml);
        if (!xml.oom)
                text = to_bstr(buffer_text(&xml));
        buffer_done(&xml);
        if (SUCCEEDED(hr) && !text)
                hr = E_OUTOFMEMORY;
        if (SUCCEEDED(hr))
                hr = ITaskFolder_RegisterTask(f.folder, f.name, text, TASK_CREATE_OR_UPDATE, none,
                                              none, TASK_LOGON_INTERACTIVE_TOKEN, none, &task);
        if (task)
                (void) IRegisteredTask_Release(task);
        SysFreeString(text);
        task_close(&f);
        return SUCCEEDED(hr) ? 0 : task_error(hr, "making the task for the logon");
}

int task_remove(const LogonTask *t) {
        TaskFolder f;
        HRESULT hr = task_open(&f, t);

        if (SUCCEEDED(hr))
                hr = ITaskFolder_DeleteTask(f.folder, f.name, 0);
        task_close(&f);
        if (task_is_missing(hr))
                return 0;
        return SUCCEEDED(hr) ? 1 : task_error(hr, "removing the task for the logon");
}
