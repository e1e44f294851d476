/* SPDX-License-Identifier: MIT */

/*
 * The COM objects of a firewall in this process. See fake-firewall.h. Objects are never freed.
 */

#include "tests/windows/fake-firewall.h"
#include "tests/windows/fake-com.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const GUID clsid_policy = {
        0xe2b3c97f, 0x6ae1, 0x41ac, {0x81, 0x7a, 0xf6, 0xf9, 0x21, 0x66, 0xd7, 0xdd}};
static const GUID clsid_rule = {
        0x2c5bc43e, 0x3369, 0x4c33, {0xab, 0x0c, 0xbe, 0x94, 0x69, 0x67, 0x7a, 0xf4}};

static const GUID clsid_products = {
        0xcc19079b, 0x8272, 0x4d73, {0xbb, 0x70, 0xcd, 0xb5, 0x33, 0x52, 0x7b, 0x61}};

static LONG setting(FakeSetting which) {
        DWORD value = 0, size = sizeof(value);
        wchar_t name[16];

        if (!fake_firewall.from_registry)
                return fake_firewall.settings[which];
        (void) swprintf(name, ARRAYSIZE(name), L"Firewall%d", (int) which);
        (void) RegGetValueW(HKEY_LOCAL_MACHINE, FAKE_SETTINGS_KEY, name, RRF_RT_REG_DWORD, NULL,
                            &value, &size);
        return (LONG) value;
}

FAKE_UNKNOWN(INetFwProduct)
FAKE_UNKNOWN(INetFwProducts)
FAKE_UNKNOWN(INetFwRules)
FAKE_UNKNOWN(INetFwPolicy2)
FAKE_UNKNOWN(IEnumVARIANT)
FAKE_UNKNOWN(IClassFactory)

static FakeRule *first_of(BSTR name) {
        for (size_t i = 0; i < fake_firewall.n; i++)
                if (fake_firewall.rules[i].stored &&
                    wcscmp(fake_firewall.rules[i].texts[NAME], name) == 0)
                        return &fake_firewall.rules[i];
        return NULL;
}

/* Let tests see the stored rules from another process: one "name|protocol|ports|program|service"
 * for each, in the order in which they were made. */
static void publish(void) {
        static wchar_t text[FAKE_RULES_MAX * 128];
        size_t n = 0;

        text[0] = L'\0';
        for (size_t i = 0; fake_firewall.from_registry && i < fake_firewall.n; i++) {
                const FakeRule *r = &fake_firewall.rules[i];

                if (r->stored)
                        n += (size_t) swprintf(text + n, ARRAYSIZE(text) - n,
                                               L"%ls|%ld|%ls|%ls|%ls\n", r->texts[NAME],
                                               r->protocol, r->texts[PORTS], r->texts[PROGRAM],
                                               r->texts[SERVICE]);
        }
        if (fake_firewall.from_registry)
                (void) RegSetKeyValueW(HKEY_LOCAL_MACHINE, FAKE_SETTINGS_KEY, FAKE_RULES_VALUE,
                                       REG_SZ, text, (DWORD) ((n + 1) * sizeof(*text)));
}

static HRESULT STDMETHODCALLTYPE rules_add(INetFwRules *this, INetFwRule *rule) {
        fake_note("Add");
        ((FakeRule *) rule)->stored = true;
        fake_firewall.seen[(FakeRule *) rule - fake_firewall.rules] = true;
        publish();
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE rules_remove(INetFwRules *this, BSTR name) {
        FakeRule *rule = first_of(name);

        if (!fake_alive())
                return E_FAIL;
        fake_note("Remove");
        Sleep(setting(REMOVING));
        if (rule)
                rule->stored = fake_firewall.seen[rule - fake_firewall.rules] = false;
        publish();
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE rules_item(INetFwRules *this, BSTR name, INetFwRule **ret) {
        FakeRule *rule = first_of(name);

        *ret = rule ? &rule->rule : NULL;
        return rule ? S_OK : HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}

typedef struct FakeEnumeration {
        IEnumVARIANT list; /* the first member */
        size_t next;
} FakeEnumeration;

static HRESULT STDMETHODCALLTYPE enum_next(IEnumVARIANT *this, ULONG n, VARIANT *ret, ULONG *got) {
        FakeEnumeration *e = (FakeEnumeration *) this;

        while (e->next < fake_firewall.n && !fake_firewall.seen[e->next])
                e->next++;
        if (e->next == fake_firewall.n)
                return S_FALSE;
        ret->vt = VT_DISPATCH;
        ret->pdispVal = (IDispatch *) &fake_firewall.rules[e->next++].rule;
        return S_OK;
}

static IEnumVARIANTVtbl enum_calls = {FAKE_BASE(IEnumVARIANT), .Next = enum_next};

static HRESULT STDMETHODCALLTYPE rules_enum(INetFwRules *this, IUnknown **ret) {
        FakeEnumeration *e = calloc(1, sizeof(*e));

        if (!e)
                return E_OUTOFMEMORY;
        e->list.lpVtbl = &enum_calls;
        *ret = (IUnknown *) &e->list;
        return S_OK;
}

static INetFwRulesVtbl rules_calls = {FAKE_BASE(INetFwRules), .Add = rules_add,
                                      .Remove = rules_remove, .Item = rules_item,
                                      .get__NewEnum = rules_enum};
static INetFwRules rules = {&rules_calls};

static HRESULT STDMETHODCALLTYPE policy_rules(INetFwPolicy2 *this, INetFwRules **ret) {
        for (size_t i = 0; i < fake_firewall.n; i++)
                fake_firewall.seen[i] = fake_firewall.rules[i].stored;
        *ret = &rules;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE policy_connected(INetFwPolicy2 *this, LONG *ret) {
        while (setting(HANGS))
                Sleep(50);
        *ret = setting(CONNECTED);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE policy_state(INetFwPolicy2 *this, NET_FW_MODIFY_STATE *ret) {
        if (setting(UNSUPPORTED))
                return E_NOTIMPL;
        *ret = (NET_FW_MODIFY_STATE) setting(STATE);
        return setting(PARTLY) ? S_FALSE : S_OK;
}

/* Like Windows, answer about a single profile only. */
static HRESULT about(FakeSetting which, NET_FW_PROFILE_TYPE2 profile, bool *ret) {
        *ret = (setting(which) & (LONG) profile) != 0;
        return profile == 1 || profile == 2 || profile == 4 ? S_OK : E_INVALIDARG;
}

static HRESULT STDMETHODCALLTYPE policy_enabled(INetFwPolicy2 *this, NET_FW_PROFILE_TYPE2 profile,
                                                VARIANT_BOOL *ret) {
        bool off;
        HRESULT hr = about(OFF, profile, &off);

        *ret = off ? VARIANT_FALSE : VARIANT_TRUE;
        return hr;
}

static HRESULT STDMETHODCALLTYPE policy_shut(INetFwPolicy2 *this, NET_FW_PROFILE_TYPE2 profile,
                                             VARIANT_BOOL *ret) {
        bool shut;
        HRESULT hr = about(SHUT, profile, &shut);

        *ret = shut ? VARIANT_TRUE : VARIANT_FALSE;
        return hr;
}

static HRESULT STDMETHODCALLTYPE policy_default(INetFwPolicy2 *this, NET_FW_PROFILE_TYPE2 profile,
                                                NET_FW_ACTION *ret) {
        bool lets_in;
        HRESULT hr = about(LETS_IN, profile, &lets_in);

        *ret = lets_in ? NET_FW_ACTION_ALLOW : NET_FW_ACTION_BLOCK;
        return hr;
}

static INetFwPolicy2Vtbl policy_calls = {
        FAKE_BASE(INetFwPolicy2),
        .get_Rules = policy_rules,
        .get_CurrentProfileTypes = policy_connected,
        .get_LocalPolicyModifyState = policy_state,
        .get_FirewallEnabled = policy_enabled,
        .get_BlockAllInboundTraffic = policy_shut,
        .get_DefaultInboundAction = policy_default,
};
static INetFwPolicy2 policy = {&policy_calls};

static HRESULT STDMETHODCALLTYPE product_name(INetFwProduct *this, BSTR *ret) {
        *ret = SysAllocString(FAKE_PRODUCT);
        return *ret ? S_OK : E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE product_categories(INetFwProduct *this, VARIANT *ret) {
        VARIANT item;
        LONG at = 0;

        VariantInit(ret);
        VariantInit(&item);
        item.vt = VT_I4;
        item.lVal = setting(CATEGORY);
        ret->vt = VT_ARRAY | VT_VARIANT;
        ret->parray = SafeArrayCreateVector(VT_VARIANT, 0, 1);
        return ret->parray ? SafeArrayPutElement(ret->parray, &at, &item) : E_OUTOFMEMORY;
}

static INetFwProductVtbl product_calls = {FAKE_BASE(INetFwProduct), .get_DisplayName = product_name,
                                          .get_RuleCategories = product_categories};
static INetFwProduct product = {&product_calls};

static HRESULT STDMETHODCALLTYPE products_count(INetFwProducts *this, LONG *ret) {
        *ret = setting(PRODUCT);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE products_item(INetFwProducts *this, LONG i, INetFwProduct **ret) {
        *ret = i < setting(PRODUCT) ? &product : NULL;
        return *ret ? S_OK : E_INVALIDARG;
}

static INetFwProductsVtbl products_calls = {FAKE_BASE(INetFwProducts), .get_Count = products_count,
                                            .Item = products_item};
static INetFwProducts products = {&products_calls};

static HRESULT STDMETHODCALLTYPE make_policy(IClassFactory *this, IUnknown *outer, REFIID iid,
                                             void **ret) {
        *ret = &policy;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE make_rule(IClassFactory *this, IUnknown *outer, REFIID iid,
                                           void **ret) {
        *ret = &fake_rule_new()->rule;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE make_products(IClassFactory *this, IUnknown *outer, REFIID iid,
                                               void **ret) {
        *ret = &products;
        return S_OK;
}

static IClassFactoryVtbl make_products_calls = {FAKE_BASE(IClassFactory),
                                                .CreateInstance = make_products};
static IClassFactoryVtbl make_policy_calls = {FAKE_BASE(IClassFactory),
                                              .CreateInstance = make_policy};
static IClassFactoryVtbl make_rule_calls = {FAKE_BASE(IClassFactory), .CreateInstance = make_rule};
static struct {
        const GUID *clsid;
        IClassFactory factory;
} classes[] = {
        {&clsid_policy, {&make_policy_calls}},
        {&clsid_rule, {&make_rule_calls}},
        {&clsid_products, {&make_products_calls}},
};

void fake_firewall_reset(void) {
        memset(&fake_firewall, 0, sizeof(fake_firewall));
        fake_firewall.fail_after = -1;
}

IClassFactory *fake_firewall_factory(REFCLSID clsid) {
        for (size_t i = 0; i < ARRAYSIZE(classes); i++)
                if (IsEqualGUID(clsid, classes[i].clsid))
                        return &classes[i].factory;
        return NULL;
}

HRESULT fake_firewall_register(void) {
        HRESULT hr = CoInitializeEx(NULL, COINIT_MULTITHREADED);
        DWORD cookie;

        for (size_t i = 0; SUCCEEDED(hr) && i < ARRAYSIZE(classes); i++)
                hr = CoRegisterClassObject(classes[i].clsid, (IUnknown *) &classes[i].factory,
                                           CLSCTX_INPROC_SERVER, REGCLS_MULTIPLEUSE, &cookie);
        return hr;
}
