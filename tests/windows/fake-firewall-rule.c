/* SPDX-License-Identifier: MIT */

/*
 * A rule of the firewall in this process. See fake-firewall.h.
 */

#include "tests/windows/fake-firewall.h"

#include <stdio.h>
#include <string.h>

static const GUID iid_rule3 = {
        0xb21563ff, 0xd696, 0x4222, {0xab, 0x46, 0x4e, 0x89, 0xb7, 0x3a, 0xb3, 0x4a}};

FakeFirewall fake_firewall;

static FakeRule *fake(INetFwRule *rule) {
        return (FakeRule *) rule;
}

void fake_note(const char *what) {
        size_t n = strlen(fake_firewall.record);

        (void) snprintf(fake_firewall.record + n, sizeof(fake_firewall.record) - n, "%s ", what);
}

bool fake_alive(void) {
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
        if (fake(rule)->stored && !fake_alive())
                return E_FAIL;
        fake_note(name);
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
                if (fake(r)->stored && !fake_alive())                                  \
                        return E_FAIL;                                                 \
                fake_note(#property_);                                                 \
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
FAKE_TEXT(PROGRAM, ApplicationName)
FAKE_TEXT(SERVICE, ServiceName)
FAKE_NUMBER(LONG, protocol, Protocol)
FAKE_NUMBER(LONG, profiles, Profiles)
FAKE_NUMBER(NET_FW_RULE_DIRECTION, direction, Direction)
FAKE_NUMBER(NET_FW_ACTION, action, Action)
FAKE_NUMBER(VARIANT_BOOL, enabled, Enabled)

/* Like Windows, refuse ports for a rule without a protocol that has ports. */
static HRESULT STDMETHODCALLTYPE put_LocalPorts(INetFwRule *r, BSTR text) {
        if (fake(r)->protocol != NET_FW_IP_PROTOCOL_TCP &&
            fake(r)->protocol != NET_FW_IP_PROTOCOL_UDP)
                return E_INVALIDARG;
        return put_text(r, PORTS, "LocalPorts", text);
}

static HRESULT STDMETHODCALLTYPE get_LocalPorts(INetFwRule *r, BSTR *ret) {
        return get_text(r, PORTS, ret);
}

#define FAKE_CALLS(property_) .put_##property_ = put_##property_, .get_##property_ = get_##property_

/* The rules are of an older Windows, which knows no apps. */
static HRESULT STDMETHODCALLTYPE query(INetFwRule *this, REFIID iid, void **ret) {
        *ret = IsEqualGUID(iid, &iid_rule3) ? NULL : this;
        return *ret ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE count(INetFwRule *this) {
        return 1;
}

static HRESULT STDMETHODCALLTYPE get_all(INetFwRule *r, BSTR *ret) {
        *ret = SysAllocString(L"*");
        return *ret ? S_OK : E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE get_none(INetFwRule *r, BSTR *ret) {
        *ret = NULL;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_interfaces(INetFwRule *r, VARIANT *ret) {
        VariantInit(ret);
        return S_OK;
}

static INetFwRuleVtbl rule_calls = {
        .QueryInterface = query,
        .AddRef = count,
        .Release = count,
        FAKE_CALLS(Name),
        FAKE_CALLS(Description),
        FAKE_CALLS(Protocol),
        FAKE_CALLS(LocalPorts),
        FAKE_CALLS(LocalAddresses),
        FAKE_CALLS(RemoteAddresses),
        FAKE_CALLS(Direction),
        FAKE_CALLS(Action),
        FAKE_CALLS(Profiles),
        FAKE_CALLS(Grouping),
        FAKE_CALLS(Enabled),
        FAKE_CALLS(ApplicationName),
        FAKE_CALLS(ServiceName),
        .get_RemotePorts = get_all,
        .get_InterfaceTypes = get_none,
        .get_Interfaces = get_interfaces,
};

FakeRule *fake_rule_new(void) {
        FakeRule *r = &fake_firewall.rules[fake_firewall.n++];

        *r = (FakeRule){.rule = {&rule_calls}, .protocol = 256 /* any, as in a new rule */};
        return r;
}
