/* SPDX-License-Identifier: MIT */

/* COM needs what win.h leaves out, and COM's headers define 'interface', a field name of ours: so
 * the protocol's headers come first, and objbase after them. */
#include "windows-helper/firewall-com.h"
#include "windows-helper/log.h"
#include "windows-helper/win.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COBJMACROS
#include <netfw.h>

/* The ids of netfw.h's declarations, here so that no library of GUIDs is needed. */
static const GUID clsid_policy = {
        0xe2b3c97f, 0x6ae1, 0x41ac, {0x81, 0x7a, 0xf6, 0xf9, 0x21, 0x66, 0xd7, 0xdd}};
static const GUID iid_policy = {
        0x98325047, 0xc671, 0x4174, {0x8d, 0x81, 0xde, 0xfc, 0xd3, 0xf0, 0x31, 0x86}};
static const GUID clsid_rule = {
        0x2c5bc43e, 0x3369, 0x4c33, {0xab, 0x0c, 0xbe, 0x94, 0x69, 0x67, 0x7a, 0xf4}};
static const GUID iid_rule = {
        0xaf230d27, 0xbaba, 0x4e42, {0xac, 0xed, 0xf5, 0x24, 0xf2, 0x2c, 0xfc, 0xe2}};
static const GUID iid_enum_variant = {
        0x00020404, 0x0000, 0x0000, {0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46}};

#define FIREWALL_TEXT_MAX 4096 /* 64 prefixes of IPv6 fit */

struct FirewallCom {
        bool started; /* CoInitializeEx() is to be undone */
        INetFwPolicy2 *policy;
        INetFwRules *rules;
};

static int com_error(HRESULT hr, const char *what) {
        int r = hr == E_ACCESSDENIED ? -EACCES : hr == E_OUTOFMEMORY ? -ENOMEM : -EIO;

        (void) log_win_error((DWORD) hr, "Windows Firewall: %s failed", what);
        return r;
}

static BSTR com_text(const char *text) {
        wchar_t wide[FIREWALL_TEXT_MAX];

        return win_to_wide(text, wide, ARRAYSIZE(wide)) == 0 ? SysAllocString(wide) : NULL;
}

static void com_close(FirewallCom *c) {
        if (c->rules)
                INetFwRules_Release(c->rules);
        if (c->policy)
                INetFwPolicy2_Release(c->policy);
        c->rules = NULL;
        c->policy = NULL;
}

/* The firewall's service may have been restarted: after a failure all is opened anew. */
static int com_open(FirewallCom *c) {
        HRESULT hr;

        if (c->rules)
                return 0;
        com_close(c);
        hr = CoCreateInstance(&clsid_policy, NULL, CLSCTX_INPROC_SERVER, &iid_policy,
                              (void **) &c->policy);
        if (SUCCEEDED(hr))
                hr = INetFwPolicy2_get_Rules(c->policy, &c->rules);
        if (FAILED(hr)) {
                com_close(c);
                return com_error(hr, "opening the policy");
        }
        return 0;
}

/* Take over @rule if it is one of ours. Return: 0 or -ENOMEM. */
static int com_take_rule(INetFwRule *rule, FirewallRules *rules) {
        FirewallRule r = {.remote = NULL};
        BSTR grouping = NULL, name = NULL, remote = NULL;
        char *text = NULL;
        LONG profiles = 0;
        int error = 0;

        if (SUCCEEDED(INetFwRule_get_Grouping(rule, &grouping)) && grouping &&
            wcscmp(grouping, L"" FIREWALL_GROUPING) == 0 &&
            SUCCEEDED(INetFwRule_get_Name(rule, &name)) && name &&
            win_from_wide(name, wcslen(name), &text) == 0 &&
            firewall_rule_parse_name(text, &r.listen) == 0) {
                (void) INetFwRule_get_Profiles(rule, &profiles);
                (void) INetFwRule_get_RemoteAddresses(rule, &remote);
                r.profiles = (uint8_t) (profiles & WIRE_PROFILE_ALL);
                if (r.profiles == 0)
                        r.profiles = WIRE_PROFILE_ALL; /* somebody's doing: to be updated */
                error = win_from_wide(remote ? remote : L"", remote ? wcslen(remote) : 0,
                                      &r.remote);
                if (error == 0)
                        error = firewall_rules_add(rules, &r);
                free(r.remote);
        }
        free(text);
        SysFreeString(remote);
        SysFreeString(name);
        SysFreeString(grouping);
        return error;
}

static int com_list(void *userdata, FirewallRules *rules) {
        FirewallCom *c = userdata;
        IUnknown *unknown = NULL;
        IEnumVARIANT *list = NULL;
        VARIANT item;
        HRESULT hr;
        int r = com_open(c);

        if (r < 0)
                return r;
        hr = INetFwRules_get__NewEnum(c->rules, &unknown);
        if (hr == E_NOTIMPL)
                return 0; /* Wine 8, which stores no rules either (fact 10) */
        if (SUCCEEDED(hr)) {
                hr = IUnknown_QueryInterface(unknown, &iid_enum_variant, (void **) &list);
                IUnknown_Release(unknown);
        }
        if (FAILED(hr)) {
                com_close(c);
                return com_error(hr, "listing the rules");
        }
        VariantInit(&item);
        while (r == 0 && IEnumVARIANT_Next(list, 1, &item, NULL) == S_OK) {
                INetFwRule *rule = NULL;

                if (item.vt == VT_DISPATCH && item.pdispVal &&
                    SUCCEEDED(
                            IDispatch_QueryInterface(item.pdispVal, &iid_rule, (void **) &rule))) {
                        r = com_take_rule(rule, rules);
                        INetFwRule_Release(rule);
                }
                (void) VariantClear(&item);
        }
        IEnumVARIANT_Release(list);
        return r;
}

typedef HRESULT(STDMETHODCALLTYPE *ComPutText)(INetFwRule *rule, BSTR text);

static HRESULT com_put(INetFwRule *rule, ComPutText put, const char *text) {
        BSTR b = com_text(text);
        HRESULT hr = b ? put(rule, b) : E_OUTOFMEMORY;

        SysFreeString(b);
        return hr;
}

/* Protocol before ports, or Windows refuses the ports. */
static HRESULT com_fill(INetFwRule *rule, const FirewallRule *r) {
        const INetFwRuleVtbl *v = rule->lpVtbl;
        char port[8], address[IP_TEXT_MAX], about[WIRE_SERVICE_NAME_MAX + 64];
        HRESULT hr;

        (void) snprintf(port, sizeof(port), "%u", (unsigned) r->listen.port);
        (void) snprintf(about, sizeof(about), "Opened for service '%s' of a guest, by wslbridge",
                        r->service);
        ip_format(&r->listen.addr, address);
        hr = com_put(rule, v->put_Description, about);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Protocol(rule, NET_FW_IP_PROTOCOL_TCP);
        if (SUCCEEDED(hr))
                hr = com_put(rule, v->put_LocalPorts, port);
        if (SUCCEEDED(hr))
                hr = com_put(rule, v->put_LocalAddresses,
                             ip_is_any(&r->listen.addr) ? "*" : address);
        if (SUCCEEDED(hr))
                hr = com_put(rule, v->put_RemoteAddresses, r->remote);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Direction(rule, NET_FW_RULE_DIR_IN);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Action(rule, NET_FW_ACTION_ALLOW);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Profiles(rule, r->profiles);
        if (SUCCEEDED(hr))
                hr = com_put(rule, v->put_Grouping, FIREWALL_GROUPING);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Enabled(rule, VARIANT_TRUE);
        return hr;
}

static HRESULT com_add(FirewallCom *c, const FirewallRule *r, const char *name) {
        INetFwRule *rule = NULL;
        HRESULT hr = CoCreateInstance(&clsid_rule, NULL, CLSCTX_INPROC_SERVER, &iid_rule,
                                      (void **) &rule);

        if (FAILED(hr))
                return hr;
        hr = com_put(rule, rule->lpVtbl->put_Name, name);
        if (SUCCEEDED(hr))
                hr = com_fill(rule, r);
        if (SUCCEEDED(hr))
                hr = INetFwRules_Add(c->rules, rule);
        INetFwRule_Release(rule);
        return hr;
}

static bool com_is_ours(INetFwRule *rule) {
        BSTR grouping = NULL;
        bool ours = SUCCEEDED(INetFwRule_get_Grouping(rule, &grouping)) && grouping &&
                    wcscmp(grouping, L"" FIREWALL_GROUPING) == 0;

        SysFreeString(grouping);
        return ours;
}

/* In place: the rule's identity stays, and connections that it lets in are not cut. */
static HRESULT com_update(FirewallCom *c, const FirewallRule *r, const char *name) {
        INetFwRule *rule = NULL;
        BSTR b = com_text(name);
        HRESULT hr = b ? INetFwRules_Item(c->rules, b, &rule) : E_OUTOFMEMORY;

        SysFreeString(b);
        if (FAILED(hr) || !com_is_ours(rule)) {
                if (SUCCEEDED(hr))
                        INetFwRule_Release(rule);
                return com_add(c, r, name);
        }
        hr = com_fill(rule, r);
        INetFwRule_Release(rule);
        return hr;
}

static HRESULT com_remove(FirewallCom *c, const char *name) {
        INetFwRule *rule = NULL;
        BSTR b = com_text(name);
        HRESULT hr = b ? INetFwRules_Item(c->rules, b, &rule) : E_OUTOFMEMORY;

        if (SUCCEEDED(hr) && com_is_ours(rule))
                hr = INetFwRules_Remove(c->rules, b);
        else if (hr != E_OUTOFMEMORY)
                hr = S_OK; /* it is gone, or another one of that name is in its place */
        if (rule)
                INetFwRule_Release(rule);
        SysFreeString(b);
        return hr;
}

static int com_change(void *userdata, const FirewallChange *change) {
        FirewallCom *c = userdata;
        char name[FIREWALL_NAME_MAX];
        HRESULT hr = S_OK;
        int r = com_open(c);

        if (r < 0)
                return r;
        firewall_rule_name(&change->rule->listen, name);
        switch (change->action) {
        case FIREWALL_ADD:
                hr = com_add(c, change->rule, name);
                break;
        case FIREWALL_UPDATE:
                hr = com_update(c, change->rule, name);
                break;
        case FIREWALL_REMOVE:
                hr = com_remove(c, name);
                break;
        }
        if (SUCCEEDED(hr))
                return 0;
        com_close(c);
        return com_error(hr, "changing a rule");
}

static int com_effect(void *userdata, FirewallEffect *ret_effect) {
        FirewallCom *c = userdata;
        NET_FW_MODIFY_STATE state;
        int r = com_open(c);

        if (r < 0)
                return r;
        if (FAILED(INetFwPolicy2_get_LocalPolicyModifyState(c->policy, &state)))
                return -ENOSYS; /* Wine 8 */
        *ret_effect = state == NET_FW_MODIFY_STATE_GP_OVERRIDE       ? FIREWALL_OVERRIDDEN
                      : state == NET_FW_MODIFY_STATE_INBOUND_BLOCKED ? FIREWALL_BLOCKS_ALL
                                                                     : FIREWALL_EFFECTIVE;
        return 0;
}

static uint64_t com_now(void *userdata) {
        return GetTickCount64() * 1000;
}

int firewall_com_new(FirewallCom **ret_com, FirewallStore *ret_store) {
        FirewallCom *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->started = SUCCEEDED(CoInitializeEx(NULL, COINIT_MULTITHREADED));
        *ret_store = (FirewallStore){
                .userdata = c,
                .list = com_list,
                .change = com_change,
                .effect = com_effect,
                .now = com_now,
        };
        *ret_com = c;
        return 0;
}

FirewallCom *firewall_com_free(FirewallCom *c) {
        if (!c)
                return NULL;
        com_close(c);
        if (c->started)
                CoUninitialize();
        free(c);
        return NULL;
}

int firewall_com_effect(FirewallEffect *ret_effect) {
        FirewallStore store;
        FirewallCom *c = NULL;
        int r = firewall_com_new(&c, &store);

        if (r == 0)
                r = store.effect(store.userdata, ret_effect);
        firewall_com_free(c);
        return r;
}

int firewall_com_remove_all(size_t *ret_removed) {
        FirewallRules rules = FIREWALL_RULES_NULL;
        FirewallStore store;
        FirewallCom *c = NULL;
        int r = firewall_com_new(&c, &store);

        *ret_removed = 0;
        if (r == 0)
                r = store.list(store.userdata, &rules);
        for (size_t i = 0; r == 0 && i < rules.n; i++) {
                FirewallChange change = {FIREWALL_REMOVE, &rules.items[i]};

                r = store.change(store.userdata, &change);
                *ret_removed += r == 0;
        }
        firewall_rules_done(&rules);
        firewall_com_free(c);
        return r;
}
