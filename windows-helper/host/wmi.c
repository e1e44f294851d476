/* SPDX-License-Identifier: MIT */

/*
 * The COM calls of such a question: connecting, asking for all objects of a class, reading them.
 */

#include "windows-helper/host/wmi.h"

#include <stdio.h>

#define COBJMACROS
#include <wbemcli.h>

#define WMI_NEXT_MS 10000

/* From wbemcli.h, copied here to need no library of GUIDs. */
static const GUID clsid_locator = {
        0x4590f811, 0x1d3a, 0x11d0, {0x89, 0x1f, 0x00, 0xaa, 0x00, 0x4b, 0x2e, 0x24}};
static const GUID iid_locator = {
        0xdc12a687, 0x737f, 0x11cf, {0x88, 0x4d, 0x00, 0xaa, 0x00, 0x4b, 0x2e, 0x24}};
static const GUID clsid_context = {
        0x674b6698, 0xee92, 0x11d0, {0xad, 0x71, 0x00, 0xc0, 0x4f, 0xd8, 0xfd, 0xff}};
static const GUID iid_context = {
        0x44aca674, 0xe8fc, 0x11d0, {0xa0, 0x7c, 0x00, 0xc0, 0x4f, 0xb6, 0x88, 0x20}};

/* By default, a proxy only lets itself be identified, and some providers act for their caller. The
 * list of objects is a proxy of its own (fact 5.2.8). */
static void wmi_trust(void *proxy) {
        (void) CoSetProxyBlanket(proxy, RPC_C_AUTHN_WINNT, RPC_C_AUTHZ_NONE, NULL,
                                 RPC_C_AUTHN_LEVEL_CALL, RPC_C_IMP_LEVEL_IMPERSONATE, NULL,
                                 EOAC_NONE);
}

HRESULT wmi_connect(struct IWbemServices **ret_services) {
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
                wmi_trust(*ret_services);
        return hr;
}

/* The store of rules and settings that the firewall's classes are read from (fact 5.2.4). */
static HRESULT wmi_context(const wchar_t *store, IWbemContext **ret_context) {
        VARIANT v;
        HRESULT hr;

        if (!store)
                return S_OK;
        hr = CoCreateInstance(&clsid_context, NULL, CLSCTX_INPROC_SERVER, &iid_context,
                              (void **) ret_context);
        if (FAILED(hr))
                return hr;
        v.vt = VT_BSTR;
        v.bstrVal = SysAllocString(store);
        hr = IWbemContext_SetValue(*ret_context, L"PolicyStore", 0, &v);
        (void) VariantClear(&v);
        return hr;
}

static HRESULT wmi_query(const WmiQuestion *q, IWbemServices *services,
                         IEnumWbemClassObject **ret_list) {
        IWbemContext *context = NULL;
        HRESULT hr = wmi_context(q->store, &context);
        BSTR language, query;
        wchar_t text[160];

        if (SUCCEEDED(hr)) {
                (void) win_format(text, ARRAYSIZE(text), L"SELECT * FROM %ls", q->class);
                language = SysAllocString(L"WQL");
                query = SysAllocString(text);
                hr = IWbemServices_ExecQuery(services, language, query,
                                             WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY,
                                             context, ret_list);
                SysFreeString(language);
                SysFreeString(query);
        }
        if (context)
                IWbemContext_Release(context);
        return hr;
}

/* Return: the error of the last step; S_OK also when @q wants no more. */
static HRESULT wmi_each(const WmiQuestion *q, IWbemServices *services, IEnumWbemClassObject *list,
                        size_t *n) {
        bool more = true;

        while (more) {
                IWbemClassObject *object = NULL;
                ULONG got = 0;
                HRESULT hr = IEnumWbemClassObject_Next(list, WMI_NEXT_MS, 1, &object, &got);

                if (hr == WBEM_S_TIMEDOUT) /* there may be more, which nobody has seen */
                        return (HRESULT) WBEM_E_TIMED_OUT;
                if (hr != S_OK || got == 0)
                        return FAILED(hr) ? hr : S_OK;
                (*n)++;
                more = !q->fn || q->fn(q->userdata, &(WmiSeen){services, object});
                IWbemClassObject_Release(object);
        }
        return S_OK;
}

HRESULT wmi_ask(const WmiQuestion *question, size_t *ret_n) {
        HRESULT started = CoInitializeEx(NULL, COINIT_MULTITHREADED), hr;
        IEnumWbemClassObject *list = NULL;
        IWbemServices *services = NULL;

        *ret_n = 0;
        hr = wmi_connect(&services);
        if (SUCCEEDED(hr))
                hr = wmi_query(question, services, &list);
        if (SUCCEEDED(hr)) {
                wmi_trust(list);
                hr = wmi_each(question, services, list, ret_n);
        }
        if (list)
                IEnumWbemClassObject_Release(list);
        if (services)
                IWbemServices_Release(services);
        if (SUCCEEDED(started))
                CoUninitialize();
        return hr;
}

void wmi_seen_text(WmiSeen *object, const wchar_t *property, char *ret_text, size_t size) {
        VARIANT v;

        ret_text[0] = '\0';
        VariantInit(&v);
        if (SUCCEEDED(IWbemClassObject_Get(object->object, property, 0, &v, NULL, NULL)) &&
            v.vt != VT_NULL && SUCCEEDED(VariantChangeType(&v, &v, 0, VT_BSTR)))
                (void) snprintf(ret_text, size, "%s", WIN_UTF8(v.bstrVal));
        (void) VariantClear(&v);
}

uint32_t wmi_seen_number(WmiSeen *object, const wchar_t *property, uint32_t otherwise) {
        uint32_t number = otherwise;
        VARIANT v;

        VariantInit(&v);
        if (SUCCEEDED(IWbemClassObject_Get(object->object, property, 0, &v, NULL, NULL)) &&
            v.vt != VT_NULL && SUCCEEDED(VariantChangeType(&v, &v, 0, VT_UI4)))
                number = v.ulVal;
        (void) VariantClear(&v);
        return number;
}
