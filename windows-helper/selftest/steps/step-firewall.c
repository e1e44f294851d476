/* SPDX-License-Identifier: MIT */

/*
 * Step 9: Windows Firewall. The rule of the self-test is never enabled, so it lets nobody in.
 */

#include "windows-helper/host/firewall-found.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/selftest/tools/undo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With a prefix inside another, and one address of IPv6 (fact 5.1.18). */
#define FIREWALL_REMOTE \
        "LocalSubnet,10.77.0.0/16,10.77.1.0/24,10.78.0.1-10.78.0.9,fd00:77::/48,fd00:78::5"
#define FIREWALL_REMOTE_2 "127.0.0.9"
#define FIREWALL_PORTS    "49151,49140-49142"
/* A look at all rules holds up the helper for as long (fact 5.1.15). */
#define FIREWALL_QUICK_USEC 2000000

typedef struct Firewall {
        INetFwPolicy2 *policy;
        INetFwRules *rules;
} Firewall;

static void firewall_state(Step *s, INetFwPolicy2 *policy) {
        NET_FW_MODIFY_STATE state = NET_FW_MODIFY_STATE_OK;
        uint64_t began = step_clock();
        long profiles = 0;
        HRESULT hr = INetFwPolicy2_get_CurrentProfileTypes(policy, &profiles);

        step_line(s, "firewall.profiles", "get_CurrentProfileTypes", (DWORD) hr, began,
                  "profiles in use (domain 1, private 2, public 4): %ld", profiles);
        began = step_clock();
        hr = INetFwPolicy2_get_LocalPolicyModifyState(policy, &state);
        step_line(s, "firewall.modify-state", "get_LocalPolicyModifyState", (DWORD) hr, began,
                  "state %d", (int) state);
}

typedef HRESULT(STDMETHODCALLTYPE *PutText)(INetFwRule *rule, BSTR text);

static HRESULT firewall_put(INetFwRule *rule, PutText put, const char *text) {
        BSTR b = firewall_rule_text(text);
        HRESULT hr = b ? put(rule, b) : E_OUTOFMEMORY;

        SysFreeString(b);
        return hr;
}

/* The protocol before the ports (fact 5.1.3). */
static HRESULT firewall_make(INetFwRule **ret_rule) {
        HRESULT hr = firewall_rule_new(ret_rule);
        const INetFwRuleVtbl *v;

        if (FAILED(hr))
                return hr;
        v = (*ret_rule)->lpVtbl;
        hr = firewall_put(*ret_rule, v->put_Name, STEP_FIREWALL_NAME);
        if (SUCCEEDED(hr))
                hr = firewall_put(*ret_rule, v->put_Grouping, STEP_FIREWALL_NAME);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Protocol(*ret_rule, NET_FW_IP_PROTOCOL_TCP);
        if (SUCCEEDED(hr))
                hr = firewall_put(*ret_rule, v->put_LocalPorts, FIREWALL_PORTS);
        if (SUCCEEDED(hr))
                hr = firewall_put(*ret_rule, v->put_RemoteAddresses, FIREWALL_REMOTE);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Profiles(*ret_rule, WIRE_PROFILE_ALL);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Enabled(*ret_rule, VARIANT_FALSE);
        return hr;
}

/* Return: whether it was added. */
static bool firewall_add(Step *s, const Firewall *f, const char *key) {
        INetFwRule *rule = NULL;
        uint64_t began;
        HRESULT hr = firewall_make(&rule);

        if (SUCCEEDED(hr) && !journal_begin(s, CHANGE_FIREWALL, "%s", STEP_FIREWALL_NAME))
                hr = E_ABORT;
        began = step_clock();
        if (SUCCEEDED(hr)) {
                hr = INetFwRules_Add(f->rules, rule);
                journal_end();
        }
        step_line(s, key, "INetFwRules::Add", (DWORD) hr, began, "a rule that is not enabled");
        if (rule)
                INetFwRule_Release(rule);
        return SUCCEEDED(hr);
}

static HRESULT firewall_item(const Firewall *f, INetFwRule **ret_rule) {
        BSTR name = firewall_rule_text(STEP_FIREWALL_NAME);
        HRESULT hr = name ? INetFwRules_Item(f->rules, name, ret_rule) : E_OUTOFMEMORY;

        SysFreeString(name);
        return hr;
}

/* How a text comes back that was put in another form. */
static void firewall_texts(Step *s, INetFwRule *rule, const char *key) {
        uint64_t began = step_clock();
        BSTR remote = NULL, ports = NULL;
        LONG profiles = 0;
        HRESULT hr = INetFwRule_get_RemoteAddresses(rule, &remote);

        if (SUCCEEDED(hr))
                hr = INetFwRule_get_LocalPorts(rule, &ports);
        if (SUCCEEDED(hr))
                hr = INetFwRule_get_Profiles(rule, &profiles);
        step_line(s, key, "get_RemoteAddresses", (DWORD) hr, began,
                  "ports %s, from %s, profiles 7 as %ld", ports ? WIN_UTF8(ports) : "",
                  remote ? WIN_UTF8(remote) : "", (long) profiles);
        SysFreeString(remote);
        SysFreeString(ports);
}

/* Whether another look at the rules finds what was put. */
static void firewall_in_place(Step *s, const Firewall *f, INetFwRule *rule) {
        uint64_t began = step_clock();
        HRESULT hr = firewall_put(rule, rule->lpVtbl->put_RemoteAddresses, FIREWALL_REMOTE_2);
        INetFwRule *again = NULL;
        BSTR remote = NULL;
        bool is = false;

        step_line(s, "firewall.put", "put_RemoteAddresses", (DWORD) hr, began, "changed in place");
        if (FAILED(hr) || FAILED(firewall_item(f, &again)))
                return;
        if (SUCCEEDED(INetFwRule_get_RemoteAddresses(again, &remote)) && remote)
                is = wcsncmp(remote, L"" FIREWALL_REMOTE_2, wcslen(L"" FIREWALL_REMOTE_2)) == 0;
        step_line(s, "firewall.in-place", "INetFwRules::Item", !is, began,
                  "the rule has the new value: %s (%s)", is ? "yes" : "no",
                  remote ? WIN_UTF8(remote) : "");
        SysFreeString(remote);
        INetFwRule_Release(again);
}

static int firewall_on_rule(void *userdata, INetFwRule *rule) {
        *(unsigned *) userdata += firewall_rule_is_named(rule, STEP_FIREWALL_NAME);
        return 0;
}

static void firewall_count(Step *s, const Firewall *f) {
        uint64_t began = step_clock(), took;
        unsigned n = 0;
        HRESULT hr = found_rules_each(f->rules, firewall_on_rule, &n);

        took = step_clock() - began;
        if (FAILED(hr)) {
                step_line(s, "firewall.list", "get__NewEnum", (DWORD) hr, began, "-");
                return;
        }
        step_line(s, "firewall.twice", "get__NewEnum", n < 2, began,
                  "rules of that name after the second Add: %u", n);
        step_line(s, "firewall.quick", "get__NewEnum", took >= FIREWALL_QUICK_USEC, began,
                  "all rules are looked at within two seconds: %s (%lu ms)",
                  took < FIREWALL_QUICK_USEC ? "yes" : "no", (unsigned long) (took / 1000));
}

/* A collection of rules that has been used once. The caller releases it; NULL: there is none. */
static INetFwRules *firewall_older(void) {
        INetFwPolicy2 *policy = NULL;
        INetFwRules *rules = NULL;
        unsigned n = 0;

        if (FAILED(firewall_policy_open(&policy)))
                return NULL;
        if (FAILED(INetFwPolicy2_get_Rules(policy, &rules)))
                rules = NULL;
        INetFwPolicy2_Release(policy);
        if (rules && FAILED(found_rules_each(rules, firewall_on_rule, &n))) {
                INetFwRules_Release(rules);
                rules = NULL;
        }
        return rules;
}

/* Whether it shows what was added through another one (fact 5.1.14). */
static void firewall_look_older(Step *s, INetFwRules *older) {
        uint64_t began = step_clock();
        unsigned n = 0;
        HRESULT hr = found_rules_each(older, firewall_on_rule, &n);

        if (SUCCEEDED(hr))
                step_line(s, "firewall.older", "get__NewEnum", n == 0, began,
                          "a collection that was opened before shows the new rule: %s",
                          n > 0 ? "yes" : "no");
}

static void firewall_rules(Step *s, const Firewall *f) {
        INetFwRules *older = firewall_older();
        INetFwRule *rule = NULL;
        uint64_t began;
        HRESULT hr;
        bool added = firewall_add(s, f, "firewall.add");

        if (older && added)
                firewall_look_older(s, older);
        if (older)
                INetFwRules_Release(older);
        if (!added)
                return;
        began = step_clock();
        hr = firewall_item(f, &rule);
        step_line(s, "firewall.item", "INetFwRules::Item", (DWORD) hr, began, "the same rule");
        if (SUCCEEDED(hr) && rule) {
                firewall_texts(s, rule, "firewall.texts");
                firewall_in_place(s, f, rule);
                INetFwRule_Release(rule);
        }
        if (firewall_add(s, f, "firewall.add-again"))
                firewall_count(s, f);
        began = step_clock();
        step_line(s, "firewall.remove", "INetFwRules::Remove", undo_firewall(), began,
                  "the rules are gone");
}

void step_firewall(Step *s) {
        HRESULT started = CoInitializeEx(NULL, COINIT_MULTITHREADED), hr;
        uint64_t began = step_clock();
        Firewall f = {NULL, NULL};

        hr = firewall_policy_open(&f.policy);
        step_line(s, "firewall.policy", "CoCreateInstance", (DWORD) hr, began, "INetFwPolicy2");
        if (SUCCEEDED(hr)) {
                firewall_state(s, f.policy);
                began = step_clock();
                hr = INetFwPolicy2_get_Rules(f.policy, &f.rules);
                if (SUCCEEDED(hr))
                        firewall_rules(s, &f);
                else
                        step_line(s, "firewall.rules", "get_Rules", (DWORD) hr, began, "-");
        }
        if (f.rules)
                INetFwRules_Release(f.rules);
        if (f.policy)
                INetFwPolicy2_Release(f.policy);
        step_networks(s);
        if (SUCCEEDED(started))
                CoUninitialize();
}
