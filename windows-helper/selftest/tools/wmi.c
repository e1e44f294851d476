/* SPDX-License-Identifier: MIT */

/*
 * The COM calls of reading such an object, of making and of deleting one. Asking for all objects of
 * a class is that of windows-helper/host/wmi.c.
 */

#include "windows-helper/selftest/tools/wmi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COBJMACROS
#include <wbemcli.h>

#define WMI_SHOWN_MAX   8  /* objects */
#define WMI_NUMBERS_MAX 64 /* characters of an array of numbers, which a list shows whole */
#define WMI_TEXTS_MAX   (SELFTEST_TEXT_MAX - 64) /* the same of texts, with words beside them */

typedef struct WmiEach {
        const Step *step; /* or NULL */
        WmiSeenFn fn;
        void *userdata;
} WmiEach;

/* "1,2" for an array of numbers, of which WMI makes a VT_I4 each, or of texts. What does not fit as
 * a whole is "…": a part of an address or an id would not be recognized and masked. */
static BSTR wmi_array(SAFEARRAY *array, bool texts) {
        wchar_t text[WMI_TEXTS_MAX] = L"", number[12];
        size_t n = 0, size = texts ? WMI_TEXTS_MAX : WMI_NUMBERS_MAX;
        LONG first = 0, last = -1;

        if (FAILED(SafeArrayGetLBound(array, 1, &first)) ||
            FAILED(SafeArrayGetUBound(array, 1, &last)))
                return NULL;
        for (LONG i = first; i <= last; i++) {
                const wchar_t *shown = texts ? L"" : number;
                LONG value = 0;
                BSTR one = NULL;
                bool fits;

                if (FAILED(SafeArrayGetElement(array, &i, texts ? (void *) &one : &value)))
                        return NULL;
                (void) win_format(number, ARRAYSIZE(number), L"%ld", value);
                if (one) /* an empty text may be NULL */
                        shown = one;
                fits = n + wcslen(shown) + 4 < size;
                (void) win_format(text + n, ARRAYSIZE(text) - n, L"%ls%ls", n > 0 ? L"," : L"",
                                  fits ? shown : L"\x2026");
                SysFreeString(one);
                n = wcslen(text);
                if (!fits)
                        break;
        }
        return SysAllocString(text);
}

/* The property as a BSTR, which the caller frees. @arrays: also one that is an array of texts.
 * NULL: it has none, or is something else. */
static BSTR wmi_get(IWbemClassObject *object, const wchar_t *property, bool arrays) {
        BSTR text = NULL;
        VARIANT v;

        VariantInit(&v);
        if (FAILED(IWbemClassObject_Get(object, property, 0, &v, NULL, NULL)))
                return NULL;
        if (v.vt == (VT_ARRAY | VT_I4) || (arrays && v.vt == (VT_ARRAY | VT_BSTR))) {
                text = wmi_array(v.parray, v.vt == (VT_ARRAY | VT_BSTR));
        } else if (v.vt != VT_NULL && !(v.vt & VT_ARRAY) &&
                   SUCCEEDED(VariantChangeType(&v, &v, 0, VT_BSTR))) {
                text = v.bstrVal;
                v.vt = VT_EMPTY;
        }
        (void) VariantClear(&v);
        return text;
}

void wmi_text(WmiSeen *object, const wchar_t *property, char *ret_text, size_t size) {
        BSTR text = wmi_get(object->object, property, true);

        (void) snprintf(ret_text, size, "%s", text ? WIN_UTF8(text) : "");
        SysFreeString(text);
}

DWORD wmi_delete(WmiSeen *object) {
        BSTR path = wmi_get(object->object, L"__PATH", false);
        HRESULT hr = path ? IWbemServices_DeleteInstance(object->services, path, 0, NULL, NULL)
                          : WBEM_E_NOT_FOUND;

        SysFreeString(path);
        return FAILED(hr) ? (DWORD) hr : 0;
}

static bool wmi_while_open(void *userdata, WmiSeen *object) {
        const WmiEach *each = userdata;

        return (!each->step || step_is_open(each->step)) && each->fn(each->userdata, object);
}

DWORD wmi_each(const Step *s, const wchar_t *class, WmiSeenFn fn, void *userdata) {
        WmiEach each = {s, fn, userdata};
        WmiQuestion question = {.class = class, .fn = wmi_while_open, .userdata = &each};
        size_t n;
        HRESULT hr = wmi_ask(&question, &n);

        return FAILED(hr) ? (DWORD) hr : 0;
}

typedef struct WmiList {
        Step *step;
        const char *key;
        const wchar_t *const *properties;
        unsigned n;
} WmiList;

/* " NAME=VALUE" for each property that is a text, a number, a boolean or an array of numbers. */
static bool wmi_show(void *userdata, WmiSeen *object) {
        char text[SELFTEST_TEXT_MAX + 1] = "", one[SELFTEST_WORD_MAX + 1];
        WmiList *list = userdata;
        size_t n = 0;

        if (list->n++ >= WMI_SHOWN_MAX)
                return true;
        for (const wchar_t *const *p = list->properties; *p && n + 96 < sizeof(text); p++) {
                BSTR value = wmi_get(object->object, *p, false);

                if (value)
                        n += (size_t) snprintf(text + n, 96, " %s=%.70s", WIN_UTF8(*p),
                                               WIN_UTF8(value));
                SysFreeString(value);
        }
        (void) snprintf(one, sizeof(one), "%s.one", list->key);
        step_line(list->step, one, "IWbemClassObject::Get", 0, step_clock(), "%s", text);
        return true;
}

void wmi_list(Step *s, const char *key, const wchar_t *class, const wchar_t *const *properties) {
        WmiList list = {s, key, properties, 0};
        uint64_t began = step_clock();
        DWORD error = wmi_each(s, class, wmi_show, &list);

        step_line(s, key, "IWbemServices::ExecQuery", error, began, "%s: %u objects",
                  WIN_UTF8(class), list.n);
}

static HRESULT wmi_put(IWbemClassObject *object, const WmiValue *value) {
        wchar_t wide[128];
        VARIANT v;
        HRESULT hr;

        VariantInit(&v);
        if (!value->text) { /* WMI has a uint16 and a uint32 as a VT_I4 */
                v.vt = VT_I4;
                v.lVal = (LONG) value->number;
        } else if (win_to_wide(value->text, wide, ARRAYSIZE(wide)) == 0) {
                v.vt = VT_BSTR;
                v.bstrVal = SysAllocString(wide);
        }
        hr = IWbemClassObject_Put(object, value->name, 0, &v, 0);
        (void) VariantClear(&v);
        return hr;
}

static HRESULT wmi_spawn(IWbemServices *services, const wchar_t *class,
                         IWbemClassObject **ret_object) {
        IWbemClassObject *definition = NULL;
        BSTR name = SysAllocString(class);
        HRESULT hr = IWbemServices_GetObject(services, name, 0, NULL, &definition, NULL);

        SysFreeString(name);
        if (FAILED(hr))
                return hr;
        hr = IWbemClassObject_SpawnInstance(definition, 0, ret_object);
        IWbemClassObject_Release(definition);
        return hr;
}

DWORD wmi_create(const wchar_t *class, const WmiValue *values) {
        HRESULT started = CoInitializeEx(NULL, COINIT_MULTITHREADED), hr;
        IWbemServices *services = NULL;
        IWbemClassObject *object = NULL;

        hr = wmi_connect(&services);
        if (SUCCEEDED(hr))
                hr = wmi_spawn(services, class, &object);
        for (const WmiValue *v = values; SUCCEEDED(hr) && v->name; v++)
                hr = wmi_put(object, v);
        if (SUCCEEDED(hr))
                hr = IWbemServices_PutInstance(services, object, WBEM_FLAG_CREATE_ONLY, NULL, NULL);
        if (object)
                IWbemClassObject_Release(object);
        if (services)
                IWbemServices_Release(services);
        if (SUCCEEDED(started))
                CoUninitialize();
        return FAILED(hr) ? (DWORD) hr : 0;
}
