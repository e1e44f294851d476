/* SPDX-License-Identifier: MIT */

/*
 * The state of Windows Firewall, its blocking rules, and other products. See firewall-sight.h.
 */

#include "windows-helper/host/firewall-sight.h"
#include "windows-helper/host/firewall-found.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ids of the interfaces in netfw.h, copied here to need no library of GUIDs (fact 5.1.2). */
static const GUID clsid_products = {
        0xcc19079b, 0x8272, 0x4d73, {0xbb, 0x70, 0xcd, 0xb5, 0x33, 0x52, 0x7b, 0x61}};
static const GUID iid_products = {
        0x39eb36e0, 0x2097, 0x40bd, {0x8a, 0xf2, 0x63, 0xa1, 0x3b, 0x52, 0x53, 0x62}};
static const GUID iid_rule3 = {
        0xb21563ff, 0xd696, 0x4222, {0xab, 0x46, 0x4e, 0x89, 0xb7, 0x3a, 0xb3, 0x4a}};

#define SIGHT_POLICY L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\"

#define CATEGORY_FIREWALL 2 /* NET_FW_RULE_CATEGORY_FIREWALL, which mingw-w64 10 does not have */

static const struct {
        uint8_t profile;
        const wchar_t *policy; /* what Group Policy sets for it, below HKEY_LOCAL_MACHINE */
} profiles[] = {
        {WIRE_PROFILE_DOMAIN, SIGHT_POLICY L"DomainProfile"},
        {WIRE_PROFILE_PRIVATE, SIGHT_POLICY L"PrivateProfile"},
        {WIRE_PROFILE_PUBLIC, SIGHT_POLICY L"PublicProfile"},
};

/* @ret_text: newly allocated UTF-8, "" where there is none. Frees @text. Return: 0 or -ENOMEM. */
static int sight_text(BSTR text, char **ret_text) {
        if (!text || win_from_wide(text, wcslen(text), ret_text) < 0)
                *ret_text = calloc(1, 1);
        SysFreeString(text);
        return *ret_text ? 0 : -ENOMEM;
}

typedef HRESULT(STDMETHODCALLTYPE *GetText)(INetFwRule *rule, BSTR *ret_text);

static int sight_get(INetFwRule *rule, GetText get, char **ret_text) {
        BSTR text = NULL;

        return sight_text(SUCCEEDED(get(rule, &text)) ? text : NULL, ret_text);
}

/* The app that a rule is for; only newer interfaces have it. */
static int sight_package(INetFwRule *rule, char **ret_text) {
        INetFwRule3 *rule3 = NULL;
        LPWSTR text = NULL;

        if (SUCCEEDED(INetFwRule_QueryInterface(rule, &iid_rule3, (void **) &rule3)) && rule3) {
                if (FAILED(INetFwRule3_get_LocalAppPackageId(rule3, &text)))
                        text = NULL;
                INetFwRule3_Release(rule3);
        }
        return sight_text(text, ret_text);
}

/* Most rules let in or are for outgoing connections; only the few others are read as a whole. */
static bool sight_is_block(INetFwRule *rule) {
        NET_FW_RULE_DIRECTION direction;
        VARIANT_BOOL enabled;
        NET_FW_ACTION action;

        return SUCCEEDED(INetFwRule_get_Action(rule, &action)) && action == NET_FW_ACTION_BLOCK &&
               SUCCEEDED(INetFwRule_get_Direction(rule, &direction)) &&
               direction == NET_FW_RULE_DIR_IN &&
               SUCCEEDED(INetFwRule_get_Enabled(rule, &enabled)) && enabled != VARIANT_FALSE;
}

static int sight_take(void *userdata, INetFwRule *rule) {
        const INetFwRuleVtbl *v = rule->lpVtbl;
        const GetText gets[] = {
                v->get_Name,           v->get_LocalPorts,      v->get_RemotePorts,
                v->get_LocalAddresses, v->get_RemoteAddresses, v->get_ApplicationName,
                v->get_ServiceName,    v->get_InterfaceTypes};
        char *texts[ARRAYSIZE(gets) + 1] = {NULL};
        LONG protocol = 0, in = 0;
        VARIANT interfaces;
        int r = 0;

        if (!sight_is_block(rule))
                return 0;
        VariantInit(&interfaces);
        (void) INetFwRule_get_Protocol(rule, &protocol);
        (void) INetFwRule_get_Profiles(rule, &in);
        (void) INetFwRule_get_Interfaces(rule, &interfaces);
        for (size_t i = 0; r == 0 && i < ARRAYSIZE(gets); i++)
                r = sight_get(rule, gets[i], &texts[i]);
        if (r == 0)
                r = sight_package(rule, &texts[ARRAYSIZE(gets)]);
        if (r == 0) {
                const FirewallSeenRule seen = {
                        .name = texts[0],
                        .enabled = true,
                        .inbound = true,
                        .blocks = true,
                        .protocol = protocol,
                        .profiles = in,
                        .local_ports = texts[1],
                        .remote_ports = texts[2],
                        .local = texts[3],
                        .remote = texts[4],
                        .application = texts[5],
                        .service = texts[6],
                        .interface_types = texts[7],
                        .package = texts[8],
                        .interfaces = interfaces.vt & VT_ARRAY,
                };

                r = firewall_sight_add(userdata, &seen);
        }
        (void) VariantClear(&interfaces);
        for (size_t i = 0; i < ARRAYSIZE(texts); i++)
                free(texts[i]);
        return r;
}

/* Set or clear @profile in @set: where Group Policy has a value, as that says. @when: the value
 * with which it is set. */
static void sight_policy(size_t i, const wchar_t *name, DWORD when, uint8_t *set) {
        DWORD value, size = sizeof(value);

        if (RegGetValueW(HKEY_LOCAL_MACHINE, profiles[i].policy, name, RRF_RT_REG_DWORD, NULL,
                         &value, &size) != ERROR_SUCCESS)
                return;
        *set &= (uint8_t) ~profiles[i].profile;
        if (value == when)
                *set |= profiles[i].profile;
}

/* Each profile is asked about on its own (fact 5.1.9). INetFwPolicy2 tells what is set locally, and
 * what Group Policy sets counts more (fact 5.1.20). */
static void sight_profiles(INetFwPolicy2 *policy, FirewallSight *s) {
        for (size_t i = 0; i < ARRAYSIZE(profiles); i++) {
                NET_FW_PROFILE_TYPE2 p = (NET_FW_PROFILE_TYPE2) profiles[i].profile;
                VARIANT_BOOL on = VARIANT_TRUE, shut = VARIANT_FALSE;
                NET_FW_ACTION action = NET_FW_ACTION_BLOCK;
                uint8_t more = 0;

                if (SUCCEEDED(INetFwPolicy2_get_FirewallEnabled(policy, p, &on)) && !on)
                        s->off |= profiles[i].profile;
                if (SUCCEEDED(INetFwPolicy2_get_BlockAllInboundTraffic(policy, p, &shut)) && shut)
                        s->shut |= profiles[i].profile;
                if (SUCCEEDED(INetFwPolicy2_get_DefaultInboundAction(policy, p, &action)) &&
                    action == NET_FW_ACTION_ALLOW)
                        s->lets_in |= profiles[i].profile;
                sight_policy(i, L"EnableFirewall", 0, &s->off);
                sight_policy(i, L"DoNotAllowExceptions", 1, &more);
                s->shut |= more; /* or it is set locally */
                sight_policy(i, L"DefaultInboundAction", 0, &s->lets_in);
                sight_policy(i, L"AllowLocalPolicyMerge", 0, &s->overridden);
        }
}

/* Whether a product takes the place of Windows Firewall, and not only of a part of it. */
static bool sight_is_firewall(INetFwProduct *product) {
        LONG first = 0, last = -1;
        bool found = false;
        VARIANT list;

        VariantInit(&list);
        if (FAILED(INetFwProduct_get_RuleCategories(product, &list)) ||
            list.vt != (VT_ARRAY | VT_VARIANT)) {
                (void) VariantClear(&list);
                return true; /* rather name one too many */
        }
        (void) SafeArrayGetLBound(list.parray, 1, &first);
        (void) SafeArrayGetUBound(list.parray, 1, &last);
        for (; first <= last; first++) {
                VARIANT item;

                VariantInit(&item);
                if (SUCCEEDED(SafeArrayGetElement(list.parray, &first, &item)) &&
                    SUCCEEDED(VariantChangeType(&item, &item, 0, VT_I4)))
                        found |= item.lVal == CATEGORY_FIREWALL;
                (void) VariantClear(&item);
        }
        (void) VariantClear(&list);
        return found;
}

/* The first product that is registered as a firewall (fact 5.1.11). */
static void sight_products(FirewallSight *s) {
        INetFwProducts *products = NULL;
        LONG n = 0;

        if (FAILED(CoCreateInstance(&clsid_products, NULL, CLSCTX_INPROC_SERVER, &iid_products,
                                    (void **) &products)))
                return;
        if (FAILED(INetFwProducts_get_Count(products, &n)))
                n = 0;
        for (LONG i = 0; i < n && !s->product[0]; i++) {
                INetFwProduct *product = NULL;
                char *name = NULL;
                BSTR text = NULL;

                if (FAILED(INetFwProducts_Item(products, i, &product)) || !product)
                        continue;
                if (sight_is_firewall(product) &&
                    SUCCEEDED(INetFwProduct_get_DisplayName(product, &text)) &&
                    sight_text(text, &name) == 0) {
                        wire_text_clean(name, FIREWALL_PRODUCT_MAX);
                        (void) strcpy(s->product, name);
                }
                free(name);
                INetFwProduct_Release(product);
        }
        INetFwProducts_Release(products);
}

/* The rules of Group Policy and of Intune are in force, but not in the list of INetFwPolicy2 (fact
 * 5.1.16). A text that is too long counts. */
static unsigned sight_count_unread(void) {
        static const wchar_t *const keys[] = {
                L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\FirewallRules",
                L"SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"
                L"\\Mdm\\FirewallRules",
        };
        wchar_t name[256], text[2048];
        unsigned n = 0;

        for (size_t i = 0; i < ARRAYSIZE(keys); i++) {
                LSTATUS error;
                HKEY key;

                if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, keys[i], 0, KEY_QUERY_VALUE, &key) !=
                    ERROR_SUCCESS)
                        continue;
                for (DWORD k = 0;; k++) {
                        DWORD length = ARRAYSIZE(name), size = sizeof(text) - sizeof(*text);

                        memset(text, 0, sizeof(text));
                        error = RegEnumValueW(key, k, name, &length, NULL, NULL, (BYTE *) text,
                                              &size);
                        if (error == ERROR_MORE_DATA ||
                            (error == ERROR_SUCCESS && wcsstr(text, L"|Action=Block|") &&
                             wcsstr(text, L"|Dir=In|") && wcsstr(text, L"|Active=TRUE|")))
                                n++;
                        else if (error != ERROR_SUCCESS)
                                break;
                }
                (void) RegCloseKey(key);
        }
        return n;
}

/* Return: false where Windows does not say. */
static bool sight_settings(INetFwPolicy2 *policy, FirewallSight *s) {
        NET_FW_MODIFY_STATE state;
        LONG connected = 0;
        HRESULT hr = INetFwPolicy2_get_LocalPolicyModifyState(policy, &state);

        /* Wine 8 has no such state (fact 10.1.2). S_FALSE: not of all profiles
         * (facts 5.1.7, 5.1.9). */
        if (FAILED(hr) || FAILED(INetFwPolicy2_get_CurrentProfileTypes(policy, &connected)))
                return false;
        s->known = true;
        s->connected = (uint8_t) (connected & WIRE_PROFILE_ALL);
        s->n_unread = sight_count_unread();
        sight_profiles(policy, s);
        if (hr == S_OK && state == NET_FW_MODIFY_STATE_GP_OVERRIDE)
                s->overridden |= s->connected ? s->connected : WIRE_PROFILE_ALL;
        if (hr == S_OK && state == NET_FW_MODIFY_STATE_INBOUND_BLOCKED)
                s->shut |= s->connected;
        return true;
}

/* Return: 0 or -ENOMEM. */
static int sight_rules(INetFwPolicy2 *policy, FirewallSight *s) {
        INetFwRules *rules = NULL;
        HRESULT hr = INetFwPolicy2_get_Rules(policy, &rules);

        if (SUCCEEDED(hr)) {
                hr = found_rules_each(rules, sight_take, s);
                INetFwRules_Release(rules);
        }
        return hr == E_OUTOFMEMORY ? -ENOMEM : 0;
}

int firewall_sight_read_settings(const FirewallSight *before, FirewallSight *ret_sight) {
        HRESULT started = CoInitializeEx(NULL, COINIT_MULTITHREADED);
        FirewallSight s = FIREWALL_SIGHT_NULL, old = FIREWALL_SIGHT_NULL;
        INetFwPolicy2 *policy = NULL;
        int r = 0;

        if (SUCCEEDED(firewall_policy_open(&policy))) {
                if (sight_settings(policy, &s) && before) {
                        r = firewall_sight_copy(&old, before);
                        s.blocks = old.blocks;
                        s.n_blocks = old.n_blocks;
                        memcpy(s.product, old.product, sizeof(s.product));
                } else if (s.known) {
                        r = sight_rules(policy, &s);
                        sight_products(&s);
                }
                INetFwPolicy2_Release(policy);
        }
        if (SUCCEEDED(started))
                CoUninitialize();
        if (r < 0)
                firewall_sight_done(&s);
        else
                *ret_sight = s;
        return r;
}

int firewall_sight_read(FirewallSight *ret_sight) {
        return firewall_sight_read_settings(NULL, ret_sight);
}
