/* SPDX-License-Identifier: MIT */

/*
 * Task Scheduler as a COM server in a DLL, in place of Wine's, which loses triggers and actions
 * (fact 10.1.10). It keeps tasks in the registry, gives their XML back on lines of its own, and
 * refuses what an ordinary user may not register. "TaskRefuse" in the registry makes it refuse
 * everything.
 */

#define COBJMACROS
#include <windows.h>

#include <initguid.h>
#include <oleauto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <taskschd.h>
#include <wchar.h>

#include "tests/windows/fake-com.h"

#define SETTINGS_KEY L"SOFTWARE\\wslbridge-test"
#define TASKS_KEY    SETTINGS_KEY L"\\Tasks"
#define XML_MAX      8192 /* characters */

FAKE_UNKNOWN(IClassFactory)
FAKE_UNKNOWN(IRegisteredTask)
FAKE_UNKNOWN(ITaskFolder)
FAKE_UNKNOWN(ITaskService)

static wchar_t found_xml[XML_MAX];

/* Return: false when there is no such task. */
static bool load(const wchar_t *name) {
        DWORD size = sizeof(found_xml);

        return RegGetValueW(HKEY_LOCAL_MACHINE, TASKS_KEY, name, RRF_RT_REG_SZ, NULL, found_xml,
                            &size) == ERROR_SUCCESS;
}

static bool refuses(void) {
        DWORD number = 0, size = sizeof(number);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, L"TaskRefuse", RRF_RT_REG_DWORD, NULL,
                            &number, &size);
        return number != 0;
}

static HRESULT STDMETHODCALLTYPE task_xml(IRegisteredTask *this, BSTR *ret) {
        static wchar_t spaced[4 * XML_MAX];
        wchar_t *out = spaced;

        for (const wchar_t *p = found_xml; *p; p++) {
                *out++ = *p;
                if (p[0] == '>' && p[1] == '<') {
                        *out++ = '\r';
                        *out++ = '\n';
                }
        }
        *out = '\0';
        *ret = SysAllocString(spaced);
        return *ret ? S_OK : E_OUTOFMEMORY;
}

static IRegisteredTaskVtbl task_calls = {FAKE_BASE(IRegisteredTask), .get_Xml = task_xml};
static IRegisteredTask task = {&task_calls};

static HRESULT STDMETHODCALLTYPE folder_get(ITaskFolder *this, BSTR name, IRegisteredTask **ret) {
        if (!load(name))
                return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
        *ret = &task;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE folder_register(ITaskFolder *this, BSTR name, BSTR xml, LONG flags,
                                                 VARIANT user, VARIANT password,
                                                 TASK_LOGON_TYPE logon, VARIANT sddl,
                                                 IRegisteredTask **ret) {
        const wchar_t *trigger = wcsstr(xml, L"<LogonTrigger>");
        const wchar_t *id = trigger ? wcsstr(trigger, L"<UserId>S-1-5-") : NULL;
        const wchar_t *end = trigger ? wcsstr(trigger, L"</LogonTrigger>") : NULL;

        if (refuses() || !id || !end || id > end || wcsstr(xml, L"HighestAvailable"))
                return E_ACCESSDENIED;
        if (flags != TASK_CREATE_OR_UPDATE || logon != TASK_LOGON_INTERACTIVE_TOKEN ||
            wcslen(xml) >= XML_MAX || wcspbrk(name, L"/:*?\"<>|\\"))
                return E_INVALIDARG;
        if (RegSetKeyValueW(HKEY_LOCAL_MACHINE, TASKS_KEY, name, REG_SZ, xml,
                            (DWORD) ((wcslen(xml) + 1) * sizeof(*xml))) != ERROR_SUCCESS)
                return E_FAIL;
        *ret = &task;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE folder_delete(ITaskFolder *this, BSTR name, LONG flags) {
        if (!load(name))
                return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
        return RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, TASKS_KEY, name) == ERROR_SUCCESS ? S_OK
                                                                                        : E_FAIL;
}

static ITaskFolderVtbl folder_calls = {FAKE_BASE(ITaskFolder), .GetTask = folder_get,
                                       .RegisterTask = folder_register,
                                       .DeleteTask = folder_delete};
static ITaskFolder folder = {&folder_calls};
static bool connected;

static HRESULT STDMETHODCALLTYPE service_connect(ITaskService *this, VARIANT server, VARIANT user,
                                                 VARIANT domain, VARIANT password) {
        connected = true;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE service_folder(ITaskService *this, BSTR path, ITaskFolder **ret) {
        if (!connected || wcscmp(path, L"\\") != 0)
                return E_INVALIDARG;
        *ret = &folder;
        return S_OK;
}

static ITaskServiceVtbl service_calls = {FAKE_BASE(ITaskService), .Connect = service_connect,
                                         .GetFolder = service_folder};
static ITaskService service = {&service_calls};

static HRESULT STDMETHODCALLTYPE make_service(IClassFactory *this, IUnknown *outer, REFIID iid,
                                              void **ret) {
        if (!IsEqualIID(iid, &IID_ITaskService))
                return E_NOINTERFACE;
        *ret = &service;
        return S_OK;
}

static IClassFactoryVtbl factory_calls = {FAKE_BASE(IClassFactory), .CreateInstance = make_service};
static IClassFactory factory = {&factory_calls};

HRESULT WINAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void **ret) {
        *ret = IsEqualCLSID(clsid, &CLSID_TaskScheduler) ? &factory : NULL;
        return *ret ? S_OK : CLASS_E_CLASSNOTAVAILABLE;
}

HRESULT WINAPI DllCanUnloadNow(void) {
        return S_FALSE;
}
