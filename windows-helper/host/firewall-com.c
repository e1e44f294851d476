/* SPDX-License-Identifier: MIT */

/*
 * The collection of firewall rules: listing, adding, updating and removing.
 */

#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/firewall-rule.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

/* The ids of the interfaces in netfw.h, copied here to need no library of GUIDs (fact 5.1.2). */
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

struct FirewallCom {
        bool started; /* CoUninitialize() has to be called */
        INetFwPolicy2 *policy;
        INetFwRules *rules;
};

static int com_error(HRESULT hr, const char *what) {
        int r = hr == E_ACCESSDENIED ? -EACCES : hr == E_OUTOFMEMORY ? -ENOMEM : -EIO;

        (void) log_win_error((DWORD) hr, "Windows Firewall: %s failed", what);
        return r;
}

static void com_close(FirewallCom *c) {
        if (c->rules)
                INetFwRules_Release(c->rules);
        if (c->policy)
                INetFwPolicy2_Release(c->policy);
        c->rules = NULL;
        c->policy = NULL;
}

/* After a failure everything is opened anew, because the firewall's service may have been
 * restarted.
 */
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

/* Add @rule to @rules if it is ours. Return: 0 or -ENOMEM. */
static int com_take(INetFwRule *rule, FirewallRules *rules) {
        FirewallRule r;
        int error = firewall_rule_read(rule, &r);

        if (error < 0)
                return error == -ENOENT ? 0 : error;
        error = firewall_rules_add(rules, &r);
        free(r.remote);
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
                return 0; /* Wine 8, which does not store rules either (fact 10.1.2) */
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
                        r = com_take(rule, rules);
                        INetFwRule_Release(rule);
                }
                (void) VariantClear(&item);
        }
        IEnumVARIANT_Release(list);
        return r;
}

static HRESULT com_put_name(INetFwRule *rule, const char *name) {
        BSTR b = firewall_rule_text(name);
        HRESULT hr = b ? INetFwRule_put_Name(rule, b) : E_OUTOFMEMORY;

        SysFreeString(b);
        return hr;
}

static HRESULT com_add(FirewallCom *c, const FirewallRule *r, const char *name) {
        INetFwRule *rule = NULL;
        HRESULT hr = CoCreateInstance(&clsid_rule, NULL, CLSCTX_INPROC_SERVER, &iid_rule,
                                      (void **) &rule);

        if (FAILED(hr))
                return hr;
        hr = com_put_name(rule, name);
        if (SUCCEEDED(hr))
                hr = firewall_rule_write(rule, r);
        if (SUCCEEDED(hr))
                hr = INetFwRules_Add(c->rules, rule);
        INetFwRule_Release(rule);
        return hr;
}

/* The rule is changed in place: it keeps its identity, and connections that it admits are not cut.
 * Names are not unique (fact 5.1.5). */
static HRESULT com_update(FirewallCom *c, const FirewallRule *r, const char *name) {
        INetFwRule *rule = NULL;
        BSTR b = firewall_rule_text(name);
        HRESULT hr = b ? INetFwRules_Item(c->rules, b, &rule) : E_OUTOFMEMORY;

        SysFreeString(b);
        if (FAILED(hr) || !firewall_rule_is_ours(rule)) {
                if (SUCCEEDED(hr))
                        INetFwRule_Release(rule);
                return com_add(c, r, name);
        }
        hr = firewall_rule_write(rule, r);
        INetFwRule_Release(rule);
        return hr;
}

static HRESULT com_remove(FirewallCom *c, const char *name) {
        INetFwRule *rule = NULL;
        BSTR b = firewall_rule_text(name);
        HRESULT hr = b ? INetFwRules_Item(c->rules, b, &rule) : E_OUTOFMEMORY;

        if (SUCCEEDED(hr) && firewall_rule_is_ours(rule))
                hr = INetFwRules_Remove(c->rules, b);
        else if (hr != E_OUTOFMEMORY)
                hr = S_OK; /* it is gone, or the rule of that name is not ours */
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
