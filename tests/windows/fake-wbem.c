/* SPDX-License-Identifier: MIT */

/*
 * WMI as a COM server in a DLL, in place of Wine's, which knows no class of ROOT\StandardCimv2. It
 * has one MSFT_NetNat, from 'NatName' and 'NatPrefix' in HKLM\SOFTWARE\wslbridge-test, and the
 * objects of MSFT_NetNatStaticMapping that were made, as values of the key Mappings below it:
 * "PROTOCOL EXTERNALPORT" = "NATNAME INTERNALADDRESS INTERNALPORT". 'NatRefuse' is the HRESULT with
 * which it refuses to make one.
 *
 * The objects of other classes are keys Wmi\STORE\CLASS\NUMBER there, their properties the
 * values: a text, a number, or REG_NONE for NULL. STORE is the PolicyStore of the context,
 * PersistentStore without one. 'Error' of a class is the HRESULT for its objects, that of Wmi
 * itself the one for the whole namespace. A class without a key does not exist; without the key
 * Wmi, each does.
 */

#define COBJMACROS
#include <windows.h>

#include <initguid.h>
#include <oleauto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <wbemcli.h>
#include <wchar.h>

#include "tests/windows/fake-com.h"

#define SETTINGS_KEY L"SOFTWARE\\wslbridge-test"
#define MAPPINGS_KEY SETTINGS_KEY L"\\Mappings"
#define NAT_CLASS    L"MSFT_NetNat"
#define MAPPING      L"MSFT_NetNatStaticMapping"
#define WMI_KEY      SETTINGS_KEY L"\\Wmi"
#define STORE        L"PersistentStore"
#define TEXT_MAX     128
#define PROPERTIES   8
#define OBJECTS_MAX  16

FAKE_UNKNOWN(IClassFactory)
FAKE_UNKNOWN(IWbemLocator)
FAKE_UNKNOWN(IWbemClassObject)

/* An object: what it is called and has. It lives for ever, as its test does not. */
typedef struct Object {
        IWbemClassObject com;
        wchar_t names[PROPERTIES][TEXT_MAX], values[PROPERTIES][TEXT_MAX];
        VARTYPE types[PROPERTIES]; /* VT_EMPTY: a text */
        size_t n;
} Object;

static size_t object_find(const Object *o, const wchar_t *name) {
        size_t i = 0;

        while (i < o->n && wcscmp(o->names[i], name) != 0)
                i++;
        return i;
}

static const wchar_t *object_get(const Object *o, const wchar_t *name) {
        size_t i = object_find(o, name);

        return i < o->n ? o->values[i] : NULL;
}

static void object_set(Object *o, const wchar_t *name, const wchar_t *value) {
        size_t i = object_find(o, name);

        if (i == PROPERTIES)
                abort();
        o->n = i == o->n ? o->n + 1 : o->n;
        (void) _snwprintf(o->names[i], TEXT_MAX - 1, L"%ls", name);
        (void) _snwprintf(o->values[i], TEXT_MAX - 1, L"%ls", value);
}

static HRESULT STDMETHODCALLTYPE object_on_get(IWbemClassObject *this, LPCWSTR name, LONG flags,
                                               VARIANT *ret, CIMTYPE *type, LONG *flavor) {
        const Object *o = (Object *) this;
        size_t i = object_find(o, name);

        if (i == o->n)
                return (HRESULT) WBEM_E_NOT_FOUND;
        ret->vt = o->types[i] == VT_EMPTY ? VT_BSTR : o->types[i];
        if (ret->vt == VT_I4)
                ret->lVal = _wtol(o->values[i]);
        else if (ret->vt == VT_BSTR)
                ret->bstrVal = SysAllocString(o->values[i]);
        return S_OK;
}

/* As WMI wants them: a number for what is one. */
static HRESULT STDMETHODCALLTYPE object_on_put(IWbemClassObject *this, LPCWSTR name, LONG flags,
                                               VARIANT *value, CIMTYPE type) {
        bool number = wcsstr(name, L"Port") || wcscmp(name, L"Protocol") == 0;
        wchar_t text[TEXT_MAX];

        if (value->vt != (number ? VT_I4 : VT_BSTR))
                return (HRESULT) WBEM_E_TYPE_MISMATCH;
        if (number)
                (void) _snwprintf(text, TEXT_MAX, L"%ld", value->lVal);
        object_set((Object *) this, name, number ? text : value->bstrVal);
        return S_OK;
}

static Object *object_new(void);

static HRESULT STDMETHODCALLTYPE object_on_spawn(IWbemClassObject *this, LONG flags,
                                                 IWbemClassObject **ret) {
        *ret = &object_new()->com;
        return S_OK;
}

static IWbemClassObjectVtbl object_calls = {FAKE_BASE(IWbemClassObject), .Get = object_on_get,
                                            .Put = object_on_put, .SpawnInstance = object_on_spawn};

static Object *object_new(void) {
        Object *o = calloc(1, sizeof(*o));

        if (!o)
                abort();
        o->com.lpVtbl = &object_calls;
        return o;
}

typedef struct List {
        IEnumWbemClassObject com;
        Object *objects[OBJECTS_MAX];
        size_t n, at;
        HRESULT error; /* instead of objects */
        bool trusted;  /* the caller has set the security of its calls */
} List;

/* For that, COM asks for an interface of its own. */
static HRESULT STDMETHODCALLTYPE list_on_interface(IEnumWbemClassObject *this, REFIID iid,
                                                   void **ret) {
        *ret = IsEqualIID(iid, &IID_IEnumWbemClassObject) ? this : NULL;
        ((List *) this)->trusted |= !*ret;
        return *ret ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE list_on_count(IEnumWbemClassObject *this) {
        return 1;
}

static HRESULT STDMETHODCALLTYPE list_on_next(IEnumWbemClassObject *this, LONG timeout, ULONG count,
                                              IWbemClassObject **ret, ULONG *ret_n) {
        List *list = (List *) this;

        *ret_n = list->at < list->n && list->error == 0;
        if (list->error != 0) /* or WBEM_S_TIMEDOUT */
                return list->error;
        if (!list->trusted) /* as a provider that acts for its caller (fact 5.2.8) */
                return (HRESULT) WBEM_E_ACCESS_DENIED;
        if (list->at == list->n)
                return WBEM_S_FALSE;
        *ret = &list->objects[list->at++]->com;
        return S_OK;
}

static IEnumWbemClassObjectVtbl list_calls = {.QueryInterface = list_on_interface,
                                              .AddRef = list_on_count,
                                              .Release = list_on_count,
                                              .Next = list_on_next};

static void list_nats(List *list) {
        wchar_t name[TEXT_MAX], prefix[TEXT_MAX];
        DWORD n = sizeof(name), m = sizeof(prefix);

        if (RegGetValueW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, L"NatName", RRF_RT_REG_SZ, NULL, name,
                         &n) != ERROR_SUCCESS ||
            RegGetValueW(HKEY_LOCAL_MACHINE, SETTINGS_KEY, L"NatPrefix", RRF_RT_REG_SZ, NULL,
                         prefix, &m) != ERROR_SUCCESS)
                return;
        list->objects[list->n] = object_new();
        object_set(list->objects[list->n], L"Name", name);
        object_set(list->objects[list->n++], L"InternalIPInterfaceAddressPrefix", prefix);
}

static void list_mappings(List *list) {
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, MAPPINGS_KEY, 0, KEY_READ, &key) != ERROR_SUCCESS)
                return;
        for (DWORD i = 0; list->n < OBJECTS_MAX; i++) {
                wchar_t name[TEXT_MAX], data[TEXT_MAX], nat[TEXT_MAX], address[TEXT_MAX],
                        port[TEXT_MAX], external[TEXT_MAX], protocol[TEXT_MAX], path[TEXT_MAX];
                DWORD n = TEXT_MAX, m = sizeof(data);
                Object *o;

                if (RegEnumValueW(key, i, name, &n, NULL, NULL, (BYTE *) data, &m) != ERROR_SUCCESS)
                        break;
                if (swscanf(name, L"%127ls %127ls", protocol, external) != 2 ||
                    swscanf(data, L"%127ls %127ls %127ls", nat, address, port) != 3)
                        continue;
                o = list->objects[list->n++] = object_new();
                (void) _snwprintf(path, TEXT_MAX, L"" MAPPING L"=%ls", name);
                object_set(o, L"__PATH", path);
                object_set(o, L"NatName", nat);
                object_set(o, L"Protocol", protocol);
                object_set(o, L"ExternalPort", external);
                object_set(o, L"InternalIPAddress", address);
                object_set(o, L"InternalPort", port);
        }
        (void) RegCloseKey(key);
}

static DWORD stored_number(const wchar_t *key, const wchar_t *name) {
        DWORD value = 0, size = sizeof(value);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_DWORD, NULL, &value, &size);
        return value;
}

static Object *object_stored(HKEY key, const wchar_t *number) {
        Object *o = object_new();
        HKEY sub;

        if (RegOpenKeyExW(key, number, 0, KEY_READ, &sub) != ERROR_SUCCESS)
                abort();
        for (DWORD i = 0;; i++) {
                wchar_t name[TEXT_MAX], data[TEXT_MAX] = L"", text[TEXT_MAX];
                DWORD n = TEXT_MAX, m = sizeof(data), type, value;

                if (RegEnumValueW(sub, i, name, &n, NULL, &type, (BYTE *) data, &m) !=
                    ERROR_SUCCESS)
                        break;
                memcpy(&value, data, sizeof(value));
                (void) _snwprintf(text, TEXT_MAX, L"%lu", value);
                object_set(o, name, type == REG_DWORD ? text : data);
                o->types[o->n - 1] = type == REG_DWORD ? VT_I4 : type == REG_NONE ? VT_NULL : 0;
        }
        (void) RegCloseKey(sub);
        return o;
}

static void list_stored(List *list, const wchar_t *store, const wchar_t *class) {
        wchar_t path[2 * TEXT_MAX], number[TEXT_MAX];
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, WMI_KEY, 0, KEY_READ, &key) != ERROR_SUCCESS)
                return;
        (void) RegCloseKey(key);
        (void) _snwprintf(path, ARRAYSIZE(path), L"" WMI_KEY L"\\%ls\\%ls", store, class);
        list->error = (HRESULT) stored_number(path, L"Error");
        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key) != ERROR_SUCCESS) {
                list->error = (HRESULT) WBEM_E_INVALID_CLASS;
                return;
        }
        for (DWORD i = 0; list->n < OBJECTS_MAX; i++) {
                DWORD n = TEXT_MAX;

                if (RegEnumKeyExW(key, i, number, &n, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
                        break;
                list->objects[list->n++] = object_stored(key, number);
        }
        (void) RegCloseKey(key);
}

static HRESULT STDMETHODCALLTYPE services_on_query(IWbemServices *this, const BSTR language,
                                                   const BSTR query, LONG flags,
                                                   IWbemContext *context,
                                                   IEnumWbemClassObject **ret) {
        const wchar_t *class = wcsstr(query, L"FROM ");
        List *list = calloc(1, sizeof(*list));
        VARIANT store;

        if (!list || !class || wcscmp(language, L"WQL") != 0)
                return (HRESULT) WBEM_E_INVALID_QUERY;
        VariantInit(&store);
        if (context && FAILED(IWbemContext_GetValue(context, L"PolicyStore", 0, &store)))
                return (HRESULT) WBEM_E_INVALID_CONTEXT;
        list->com.lpVtbl = &list_calls;
        if (stored_number(SETTINGS_KEY, L"NatSlow") != 0)
                list->error = WBEM_S_TIMEDOUT;
        class += wcslen(L"FROM ");
        if (wcscmp(class, NAT_CLASS) == 0)
                list_nats(list);
        else if (wcscmp(class, MAPPING) == 0)
                list_mappings(list);
        else
                list_stored(list, store.vt == VT_BSTR ? store.bstrVal : STORE, class);
        (void) VariantClear(&store);
        *ret = &list->com;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE services_on_object(IWbemServices *this, const BSTR path,
                                                    LONG flags, IWbemContext *context,
                                                    IWbemClassObject **ret,
                                                    IWbemCallResult **result) {
        if (wcscmp(path, MAPPING) != 0)
                return (HRESULT) WBEM_E_NOT_FOUND;
        *ret = &object_new()->com;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE services_on_put(IWbemServices *this, IWbemClassObject *object,
                                                 LONG flags, IWbemContext *context,
                                                 IWbemCallResult **result) {
        static const wchar_t *const needed[] = {L"NatName",           L"Protocol",
                                                L"ExternalPort",      L"ExternalIPAddress",
                                                L"InternalIPAddress", L"InternalPort"};
        const Object *o = (Object *) object;
        wchar_t name[TEXT_MAX], data[3 * TEXT_MAX];

        if (FAILED((HRESULT) stored_number(SETTINGS_KEY, L"NatRefuse")))
                return (HRESULT) stored_number(SETTINGS_KEY, L"NatRefuse");
        for (size_t i = 0; i < ARRAYSIZE(needed); i++)
                if (!object_get(o, needed[i]))
                        return (HRESULT) WBEM_E_INVALID_PARAMETER;
        if (flags != WBEM_FLAG_CREATE_ONLY)
                return (HRESULT) WBEM_E_INVALID_PARAMETER;
        (void) _snwprintf(name, TEXT_MAX, L"%ls %ls", object_get(o, L"Protocol"),
                          object_get(o, L"ExternalPort"));
        (void) _snwprintf(data, ARRAYSIZE(data), L"%ls %ls %ls", object_get(o, L"NatName"),
                          object_get(o, L"InternalIPAddress"), object_get(o, L"InternalPort"));
        return RegSetKeyValueW(HKEY_LOCAL_MACHINE, MAPPINGS_KEY, name, REG_SZ, data,
                               (DWORD) ((wcslen(data) + 1) * sizeof(*data))) == ERROR_SUCCESS
                       ? S_OK
                       : (HRESULT) WBEM_E_FAILED;
}

static HRESULT STDMETHODCALLTYPE services_on_delete(IWbemServices *this, const BSTR path,
                                                    LONG flags, IWbemContext *context,
                                                    IWbemCallResult **result) {
        const wchar_t *name = wcschr(path, L'=');

        return name && RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, MAPPINGS_KEY, name + 1) ==
                                       ERROR_SUCCESS
                       ? S_OK
                       : (HRESULT) WBEM_E_NOT_FOUND;
}

/* COM asks for an interface of its own, too, when the caller sets the security of the calls. */
static HRESULT STDMETHODCALLTYPE services_on_interface(IWbemServices *this, REFIID iid,
                                                       void **ret) {
        *ret = IsEqualIID(iid, &IID_IWbemServices) ? this : NULL;
        return *ret ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE services_on_count(IWbemServices *this) {
        return 1;
}

static IWbemServicesVtbl services_calls = {.QueryInterface = services_on_interface,
                                           .AddRef = services_on_count,
                                           .Release = services_on_count,
                                           .ExecQuery = services_on_query,
                                           .GetObject = services_on_object,
                                           .PutInstance = services_on_put,
                                           .DeleteInstance = services_on_delete};
static IWbemServices services = {&services_calls};

static HRESULT STDMETHODCALLTYPE locator_on_connect(IWbemLocator *this, const BSTR space,
                                                    const BSTR user, const BSTR password,
                                                    const BSTR locale, LONG flags,
                                                    const BSTR authority, IWbemContext *context,
                                                    IWbemServices **ret) {
        if (wcscmp(space, L"ROOT\\StandardCimv2") != 0)
                return (HRESULT) WBEM_E_INVALID_NAMESPACE;
        while (stored_number(SETTINGS_KEY, L"WmiHang") != 0)
                Sleep(50);
        *ret = &services;
        return (HRESULT) stored_number(WMI_KEY, L"Error");
}

static IWbemLocatorVtbl locator_calls = {FAKE_BASE(IWbemLocator),
                                         .ConnectServer = locator_on_connect};
static IWbemLocator locator = {&locator_calls};

static HRESULT STDMETHODCALLTYPE factory_on_create(IClassFactory *this, IUnknown *outer, REFIID iid,
                                                   void **ret) {
        *ret = IsEqualIID(iid, &IID_IWbemLocator) ? &locator : NULL;
        return *ret ? S_OK : E_NOINTERFACE;
}

static IClassFactoryVtbl factory_calls = {FAKE_BASE(IClassFactory),
                                          .CreateInstance = factory_on_create};
static IClassFactory factory = {&factory_calls};

HRESULT WINAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void **ret) {
        *ret = &factory;
        return S_OK;
}

HRESULT WINAPI DllCanUnloadNow(void) {
        return S_FALSE;
}
