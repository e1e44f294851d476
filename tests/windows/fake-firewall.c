/* SPDX-License-Identifier: MIT */

/*
 * The COM objects of a firewall in this process. See fake-firewall.h. Objects are never freed.
 */

#include "tests/windows/fake-firewall.h"

#include <stdio.h>
#include <string.h>

static const GUID clsid_policy = {
        0xe2b3c97f, 0x6ae1, 0x41ac, {0x81, 0x7a, 0xf6, 0xf9, 0x21, 0x66, 0xd7, 0xdd}};
static const GUID clsid_rule = {
        0x2c5bc43e, 0x3369, 0x4c33, {0xab, 0x0c, 0xbe, 0x94, 0x69, 0x67, 0x7a, 0xf4}};

FakeFirewall fake_firewall;

static FakeRule *fake(INetFwRule *rule) {
        return (FakeRule *) rule;
}

static void note(const char *what) {
        size_t n = strlen(fake_firewall.record);

        (void) snprintf(fake_firewall.record + n, sizeof(fake_firewall.record) - n, "%s ", what);
}

/* Whether the firewall still answers. */
static bool alive(void) {
        if (fake_firewall.fail_after > 0)
                fake_firewall.fail_after--;
        else if (fake_firewall.fail_after == 0)
                return false;
        return true;
}

static HRESULT done(INetFwRule *rule) {
        if (fake(rule)->stored && fake_firewall.watch)
                fake_firewall.watch(fake(rule));
        return S_OK;
}

static HRESULT put_text(INetFwRule *rule, FakeText which, const char *name, BSTR text) {
        if (fake(rule)->stored && !alive())
                return E_FAIL;
        note(name);
        (void) wcsncpy(fake(rule)->texts[which], text, FAKE_TEXT_MAX - 1);
        return done(rule);
}

static HRESULT get_text(INetFwRule *rule, FakeText which, BSTR *ret_text) {
        *ret_text = SysAllocString(fake(rule)->texts[which]);
        return *ret_text ? S_OK : E_OUTOFMEMORY;
}

#define FAKE_TEXT(which_, property_)                                                 \
        static HRESULT STDMETHODCALLTYPE put_##property_(INetFwRule *r, BSTR text) { \
                return put_text(r, which_, #property_, text);                        \
        }                                                                            \
        static HRESULT STDMETHODCALLTYPE get_##property_(INetFwRule *r, BSTR *ret) { \
                return get_text(r, which_, ret);                                     \
        }
#define FAKE_NUMBER(type_, field_, property_)                                          \
        static HRESULT STDMETHODCALLTYPE put_##property_(INetFwRule *r, type_ value) { \
                if (fake(r)->stored && !alive())                                       \
                        return E_FAIL;                                                 \
                note(#property_);                                                      \
                fake(r)->field_ = value;                                               \
                return done(r);                                                        \
        }                                                                              \
        static HRESULT STDMETHODCALLTYPE get_##property_(INetFwRule *r, type_ *ret) {  \
                *ret = fake(r)->field_;                                                \
                return S_OK;                                                           \
        }

FAKE_TEXT(NAME, Name)
FAKE_TEXT(ABOUT, Description)
FAKE_TEXT(LOCAL, LocalAddresses)
FAKE_TEXT(REMOTE, RemoteAddresses)
FAKE_TEXT(GROUPING, Grouping)
FAKE_NUMBER(LONG, protocol, Protocol)
FAKE_NUMBER(LONG, profiles, Profiles)
FAKE_NUMBER(NET_FW_RULE_DIRECTION, direction, Direction)
FAKE_NUMBER(NET_FW_ACTION, action, Action)
FAKE_NUMBER(VARIANT_BOOL, enabled, Enabled)

/* Like Windows, refuse ports for a rule without a protocol. */
static HRESULT STDMETHODCALLTYPE put_LocalPorts(INetFwRule *r, BSTR text) {
        if (fake(r)->protocol != NET_FW_IP_PROTOCOL_TCP)
                return E_INVALIDARG;
        return put_text(r, PORTS, "LocalPorts", text);
}

static HRESULT STDMETHODCALLTYPE get_LocalPorts(INetFwRule *r, BSTR *ret) {
        return get_text(r, PORTS, ret);
}

/* Every object answers to every interface that is asked for, and lives for ever. */
#define FAKE_UNKNOWN(type_)                                                                   \
        static HRESULT STDMETHODCALLTYPE query_##type_(type_ *this, REFIID iid, void **ret) { \
                *ret = this;                                                                  \
                return S_OK;                                                                  \
        }                                                                                     \
        static ULONG STDMETHODCALLTYPE count_##type_(type_ *this) {                           \
                return 1;                                                                     \
        }
#define FAKE_BASE(type_) \
        .QueryInterface = query_##type_, .AddRef = count_##type_, .Release = count_##type_

FAKE_UNKNOWN(INetFwRule)
FAKE_UNKNOWN(INetFwRules)
FAKE_UNKNOWN(INetFwPolicy2)
FAKE_UNKNOWN(IEnumVARIANT)
FAKE_UNKNOWN(IClassFactory)

#define FAKE_CALLS(property_) .put_##property_ = put_##property_, .get_##property_ = get_##property_

static INetFwRuleVtbl rule_calls = {
        FAKE_BASE(INetFwRule),       FAKE_CALLS(Name),       FAKE_CALLS(Description),
        FAKE_CALLS(Protocol),        FAKE_CALLS(LocalPorts), FAKE_CALLS(LocalAddresses),
        FAKE_CALLS(RemoteAddresses), FAKE_CALLS(Direction),  FAKE_CALLS(Action),
        FAKE_CALLS(Profiles),        FAKE_CALLS(Grouping),   FAKE_CALLS(Enabled),
};

FakeRule *fake_rule_new(void) {
        FakeRule *r = &fake_firewall.rules[fake_firewall.n++];

        *r = (FakeRule){.rule = {&rule_calls}, .protocol = 256 /* any, as in a new rule */};
        return r;
}

static FakeRule *first_of(BSTR name) {
        for (size_t i = 0; i < fake_firewall.n; i++)
                if (fake_firewall.rules[i].stored &&
                    wcscmp(fake_firewall.rules[i].texts[NAME], name) == 0)
                        return &fake_firewall.rules[i];
        return NULL;
}

static HRESULT STDMETHODCALLTYPE rules_add(INetFwRules *this, INetFwRule *rule) {
        note("Add");
        fake(rule)->stored = true;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE rules_remove(INetFwRules *this, BSTR name) {
        FakeRule *rule = first_of(name);

        if (!alive())
                return E_FAIL;
        note("Remove");
        if (rule)
                rule->stored = false;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE rules_item(INetFwRules *this, BSTR name, INetFwRule **ret) {
        FakeRule *rule = first_of(name);

        *ret = rule ? &rule->rule : NULL;
        return rule ? S_OK : HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}

static size_t next; /* of the only enumeration */

static HRESULT STDMETHODCALLTYPE enum_next(IEnumVARIANT *this, ULONG n, VARIANT *ret, ULONG *got) {
        while (next < fake_firewall.n && !fake_firewall.rules[next].stored)
                next++;
        if (next == fake_firewall.n)
                return S_FALSE;
        ret->vt = VT_DISPATCH;
        ret->pdispVal = (IDispatch *) &fake_firewall.rules[next++].rule;
        return S_OK;
}

static IEnumVARIANTVtbl enum_calls = {FAKE_BASE(IEnumVARIANT), .Next = enum_next};
static IEnumVARIANT enumeration = {&enum_calls};

static HRESULT STDMETHODCALLTYPE rules_enum(INetFwRules *this, IUnknown **ret) {
        next = 0;
        *ret = (IUnknown *) &enumeration;
        return S_OK;
}

static INetFwRulesVtbl rules_calls = {FAKE_BASE(INetFwRules), .Add = rules_add,
                                      .Remove = rules_remove, .Item = rules_item,
                                      .get__NewEnum = rules_enum};
static INetFwRules rules = {&rules_calls};

static HRESULT STDMETHODCALLTYPE policy_rules(INetFwPolicy2 *this, INetFwRules **ret) {
        *ret = &rules;
        return S_OK;
}

static INetFwPolicy2Vtbl policy_calls = {FAKE_BASE(INetFwPolicy2), .get_Rules = policy_rules};
static INetFwPolicy2 policy = {&policy_calls};

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

static IClassFactoryVtbl make_policy_calls = {FAKE_BASE(IClassFactory),
                                              .CreateInstance = make_policy};
static IClassFactoryVtbl make_rule_calls = {FAKE_BASE(IClassFactory), .CreateInstance = make_rule};
static IClassFactory policy_factory = {&make_policy_calls}, rule_factory = {&make_rule_calls};

void fake_firewall_reset(void) {
        memset(&fake_firewall, 0, sizeof(fake_firewall));
        fake_firewall.fail_after = -1;
}

HRESULT fake_firewall_register(void) {
        DWORD cookie;
        HRESULT hr = CoInitializeEx(NULL, COINIT_MULTITHREADED);

        if (SUCCEEDED(hr))
                hr = CoRegisterClassObject(&clsid_policy, (IUnknown *) &policy_factory,
                                           CLSCTX_INPROC_SERVER, REGCLS_MULTIPLEUSE, &cookie);
        if (SUCCEEDED(hr))
                hr = CoRegisterClassObject(&clsid_rule, (IUnknown *) &rule_factory,
                                           CLSCTX_INPROC_SERVER, REGCLS_MULTIPLEUSE, &cookie);
        return hr;
}
