/* SPDX-License-Identifier: MIT */

/*
 * The collection of firewall rules: listing, adding, updating and removing.
 */

#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/firewall-found.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

/* EPT_S_NOT_REGISTERED: MpsSvc does not run. */
#define FIREWALL_IS_DOWN ((HRESULT) 0x800706D9)

struct FirewallCom {
        bool started; /* CoUninitialize() has to be called */
        INetFwPolicy2 *policy;
        INetFwRules *rules;
        FoundRules found; /* kept from an enumeration until com_rest() */
        bool added;       /* rules of ours have been added since, which .found does not have */
        LogLimit limit;   /* of lines about what Windows refuses, rule by rule */
};

static int com_error(FirewallCom *c, HRESULT hr, const char *what) {
        int r = hr == E_ACCESSDENIED     ? -EACCES
                : hr == E_OUTOFMEMORY    ? -ENOMEM
                : hr == FIREWALL_IS_DOWN ? -ESRCH
                                         : -EIO;

        if (log_may(&c->limit))
                (void) log_win_error((DWORD) hr, "Windows Firewall: %s failed", what);
        return r;
}

static void com_close(FirewallCom *c) {
        found_rules_done(&c->found);
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
        hr = firewall_policy_open(&c->policy);
        if (SUCCEEDED(hr))
                hr = INetFwPolicy2_get_Rules(c->policy, &c->rules);
        if (FAILED(hr)) {
                com_close(c);
                return com_error(c, hr, "opening the policy");
        }
        return 0;
}

static HRESULT com_enumerate(FirewallCom *c) {
        HRESULT hr = found_rules_read(&c->found, c->rules);

        c->added = false;
        return hr;
}

/* Several rules of ours for one endpoint are reported as one that is not as it should be. So it is
 * changed or removed, and both leave none of the others. Each look has a collection of its own,
 * because an older one may not show what others have done since (fact 5.1.14). */
static int com_list(void *userdata, FirewallRules *rules) {
        FirewallCom *c = userdata;
        HRESULT hr;
        int r;

        com_close(c);
        r = com_open(c);
        if (r < 0)
                return r;
        hr = com_enumerate(c);
        if (hr == E_NOTIMPL)
                return 0; /* Wine 8, which does not store rules either (fact 10.1.2) */
        if (FAILED(hr)) {
                com_close(c);
                return com_error(c, hr, "listing the rules");
        }
        for (size_t i = 0; r == 0 && i < c->found.n; i++) {
                const FoundRule *f = &c->found.items[i];
                FirewallRule rule;

                if (!f->rule)
                        continue;
                if (rules->n > 0 &&
                    ip_endpoint_compare(&rules->items[rules->n - 1].listen, &f->listen) == 0) {
                        rules->items[rules->n - 1].service[0] = '\0';
                        continue;
                }
                r = firewall_rule_read(f->rule, &rule);
                if (r == 0) {
                        r = firewall_rules_add(rules, &rule);
                        free(rule.remote);
                }
        }
        return r;
}

static HRESULT com_add(FirewallCom *c, const FirewallRule *r) {
        INetFwRule *rule = NULL;
        HRESULT hr = firewall_rule_new(&rule);

        if (FAILED(hr))
                return hr;
        hr = firewall_rule_write(rule, r);
        if (SUCCEEDED(hr))
                hr = INetFwRules_Add(c->rules, rule);
        INetFwRule_Release(rule);
        c->added = true;
        return hr;
}

/* The rules that bear the name for @listen: ours first, then those of others. */
static HRESULT com_find(FirewallCom *c, const IpEndpoint *listen, FoundRule **ret_first,
                        size_t *ret_n) {
        FoundRule *first = found_rules_of(&c->found, listen, ret_n);
        HRESULT hr = S_OK;

        if (!c->found.known || ((!first || !first->rule) && c->added)) {
                hr = com_enumerate(c);
                first = found_rules_of(&c->found, listen, ret_n);
        }
        *ret_first = first;
        return hr == E_NOTIMPL ? S_OK : hr; /* Wine 8 */
}

/* Remove() goes by the name, and takes any rule that has it (fact 5.1.5). If others have it too,
 * the rule first gets a name of its own. After a kill in between, that name still says whose rule
 * it is. */
static HRESULT com_drop(FirewallCom *c, FoundRule *f, bool alone) {
        char name[FIREWALL_NAME_MAX];
        HRESULT hr = S_OK;
        BSTR b;

        firewall_rule_name(&f->listen, name);
        if (!alone || !firewall_rule_is_named(f->rule, name))
                hr = firewall_rule_leave(f->rule, &f->listen, name);
        if (FAILED(hr))
                return hr;
        b = firewall_rule_text(name);
        hr = b ? INetFwRules_Remove(c->rules, b) : E_OUTOFMEMORY;
        SysFreeString(b);
        if (SUCCEEDED(hr)) {
                INetFwRule_Release(f->rule);
                f->rule = NULL;
        }
        return hr;
}

/* Remove all rules of ours among @n from @first on, except @keep. */
static HRESULT com_drop_all(FirewallCom *c, FoundRule *first, size_t n, const FoundRule *keep) {
        HRESULT hr = S_OK;

        for (size_t i = 0; SUCCEEDED(hr) && i < n; i++)
                if (first[i].rule && &first[i] != keep)
                        hr = com_drop(c, &first[i], n == 1);
        return hr;
}

/* The rule is changed in place: it keeps its identity, and connections that it admits are not cut.
 */
static HRESULT com_update(FirewallCom *c, const FirewallRule *r) {
        FoundRule *first;
        size_t n;
        HRESULT hr = com_find(c, &r->listen, &first, &n);

        if (FAILED(hr))
                return hr;
        if (!first || !first->rule)
                return com_add(c, r);
        hr = com_drop_all(c, first, n, first);
        return SUCCEEDED(hr) ? firewall_rule_update(first->rule, r) : hr;
}

static HRESULT com_remove(FirewallCom *c, const IpEndpoint *listen) {
        FoundRule *first;
        size_t n;
        HRESULT hr = com_find(c, listen, &first, &n);

        return SUCCEEDED(hr) ? com_drop_all(c, first, n, NULL) : hr;
}

static int com_change(void *userdata, const FirewallChange *change) {
        FirewallCom *c = userdata;
        HRESULT hr = S_OK;

        if (com_open(c) < 0)
                return -ESRCH;
        switch (change->action) {
        case FIREWALL_ADD:
                hr = com_add(c, change->rule);
                break;
        case FIREWALL_UPDATE:
                hr = com_update(c, change->rule);
                break;
        case FIREWALL_REMOVE:
                hr = com_remove(c, &change->rule->listen);
                break;
        }
        if (SUCCEEDED(hr))
                return 0;
        com_close(c);
        return com_error(c, hr, "changing a rule");
}

/* Thousands of rules are not kept in memory while nothing happens, and an old enumeration does not
 * know what others have done since. */
static void com_rest(void *userdata) {
        com_close(userdata);
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
                .rest = com_rest,
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

int firewall_com_remove_all(size_t *ret_removed) {
        FirewallRules rules = FIREWALL_RULES_NULL;
        FirewallStore store = {0};
        FirewallCom *c = NULL;
        int r = firewall_com_new(&c, &store);

        *ret_removed = 0;
        if (r == 0)
                r = store.list(store.userdata, &rules);
        if (r == -ESRCH) /* which is logged, and must not keep wslbridge installed */
                r = 0;
        for (size_t i = 0; i < rules.n; i++) { /* a rule that stays does not keep the others */
                FirewallChange change = {FIREWALL_REMOVE, &rules.items[i]};
                int error = store.change(store.userdata, &change);

                *ret_removed += error == 0;
                if (r == 0)
                        r = error;
        }
        firewall_rules_done(&rules);
        firewall_com_free(c);
        return r;
}
