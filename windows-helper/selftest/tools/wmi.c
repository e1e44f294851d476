/* SPDX-License-Identifier: MIT */

/*
 * The COM calls of such a question: connecting, asking for all objects of a class, reading them.
 */

#include "windows-helper/selftest/tools/wmi.h"

#include <stdio.h>

#define COBJMACROS
#include <wbemcli.h>

#define WMI_SHOWN_MAX 8 /* objects */
#define WMI_NEXT_MS   10000

/* From wbemcli.h, copied here to need no library of GUIDs. */
static const GUID clsid_locator = {
        0x4590f811, 0x1d3a, 0x11d0, {0x89, 0x1f, 0x00, 0xaa, 0x00, 0x4b, 0x2e, 0x24}};
static const GUID iid_locator = {
        0xdc12a687, 0x737f, 0x11cf, {0x88, 0x4d, 0x00, 0xaa, 0x00, 0x4b, 0x2e, 0x24}};

static HRESULT wmi_connect(IWbemServices **ret_services) {
        IWbemLocator *locator = NULL;
        BSTR space = SysAllocString(L"ROOT\\StandardCimv2");
        HRESULT hr = CoCreateInstance(&clsid_locator, NULL, CLSCTX_INPROC_SERVER, &iid_locator,
                                      (void **) &locator);

        if (SUCCEEDED(hr)) {
                hr = IWbemLocator_ConnectServer(locator, space, NULL, NULL, NULL, 0, NULL, NULL,
                                                ret_services);
                IWbemLocator_Release(locator);
        }
        SysFreeString(space);
        if (SUCCEEDED(hr))
                (void) CoSetProxyBlanket((IUnknown *) *ret_services, RPC_C_AUTHN_WINNT,
                                         RPC_C_AUTHZ_NONE, NULL, RPC_C_AUTHN_LEVEL_CALL,
                                         RPC_C_IMP_LEVEL_IMPERSONATE, NULL, EOAC_NONE);
        return hr;
}

static HRESULT wmi_query(IWbemServices *services, const wchar_t *class,
                         IEnumWbemClassObject **ret_list) {
        wchar_t text[160];
        BSTR language = SysAllocString(L"WQL"), query;
        HRESULT hr;

        (void) win_format(text, ARRAYSIZE(text), L"SELECT * FROM %ls", class);
        query = SysAllocString(text);
        hr = IWbemServices_ExecQuery(services, language, query,
                                     WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY, NULL,
                                     ret_list);
        SysFreeString(language);
        SysFreeString(query);
        return hr;
}

/* " NAME=VALUE" for each property that is a text, a number or a boolean. */
static void wmi_show(Step *s, const char *key, IWbemClassObject *object,
                     const wchar_t *const *properties) {
        char text[SELFTEST_TEXT_MAX + 1] = "", one[SELFTEST_WORD_MAX + 1];
        size_t n = 0;

        for (; *properties && n + 96 < sizeof(text); properties++) {
                VARIANT v;

                VariantInit(&v);
                if (SUCCEEDED(IWbemClassObject_Get(object, *properties, 0, &v, NULL, NULL)) &&
                    v.vt != VT_NULL && SUCCEEDED(VariantChangeType(&v, &v, 0, VT_BSTR)))
                        n += (size_t) snprintf(text + n, 96, " %s=%.70s", WIN_UTF8(*properties),
                                               WIN_UTF8(v.bstrVal));
                (void) VariantClear(&v);
        }
        (void) snprintf(one, sizeof(one), "%s.one", key);
        step_line(s, one, "IWbemClassObject::Get", 0, step_clock(), "%s", text);
}

void wmi_list(Step *s, const char *key, const wchar_t *class, const wchar_t *const *properties) {
        HRESULT started = CoInitializeEx(NULL, COINIT_MULTITHREADED), hr;
        IEnumWbemClassObject *list = NULL;
        IWbemServices *services = NULL;
        uint64_t began = step_clock();
        unsigned n = 0;

        hr = wmi_connect(&services);
        if (SUCCEEDED(hr))
                hr = wmi_query(services, class, &list);
        while (SUCCEEDED(hr) && step_is_open(s)) {
                IWbemClassObject *object = NULL;
                ULONG got = 0;

                hr = IEnumWbemClassObject_Next(list, WMI_NEXT_MS, 1, &object, &got);
                if (hr != S_OK || got == 0)
                        break;
                if (n++ < WMI_SHOWN_MAX)
                        wmi_show(s, key, object, properties);
                IWbemClassObject_Release(object);
        }
        step_line(s, key, "IWbemServices::ExecQuery", FAILED(hr) ? (DWORD) hr : 0, began,
                  "%s: %u objects", WIN_UTF8(class), n);
        if (list)
                IEnumWbemClassObject_Release(list);
        if (services)
                IWbemServices_Release(services);
        if (SUCCEEDED(started))
                CoUninitialize();
}
