/* SPDX-License-Identifier: MIT */

/*
 * Enumerating the rules of Windows Firewall. See firewall-found.h.
 */

#include "windows-helper/host/firewall-found.h"

#include <errno.h>
#include <stdlib.h>

static const GUID iid_rule = {
        0xaf230d27, 0xbaba, 0x4e42, {0xac, 0xed, 0xf5, 0x24, 0xf2, 0x2c, 0xfc, 0xe2}};
static const GUID iid_enum_variant = {
        0x00020404, 0x0000, 0x0000, {0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46}};

static int found_compare(const void *pa, const void *pb) {
        const FoundRule *a = pa, *b = pb;
        int r = ip_endpoint_compare(&a->listen, &b->listen);

        return r ? r : (a->rule == NULL) - (b->rule == NULL);
}

/* Keep @rule if it bears a name of ours. Return: 0 or -ENOMEM. */
static int found_take(void *userdata, INetFwRule *rule) {
        FoundRules *found = userdata;
        FoundRule f = {.rule = rule};
        bool ours = false;
        int r = firewall_rule_identify(rule, &f.listen, &ours);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (found->n == found->size) {
                size_t size = found->size > 0 ? 2 * found->size : 16;
                FoundRule *items = realloc(found->items, size * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                found->items = items;
                found->size = size;
        }
        if (ours)
                INetFwRule_AddRef(rule);
        else
                f.rule = NULL;
        found->items[found->n++] = f;
        return 0;
}

static HRESULT found_open(INetFwRules *rules, IEnumVARIANT **ret_list) {
        IUnknown *unknown = NULL;
        HRESULT hr = INetFwRules_get__NewEnum(rules, &unknown);

        if (FAILED(hr))
                return hr;
        hr = IUnknown_QueryInterface(unknown, &iid_enum_variant, (void **) ret_list);
        IUnknown_Release(unknown);
        return hr;
}

HRESULT found_rules_each(INetFwRules *rules, FoundFn fn, void *userdata) {
        IEnumVARIANT *list = NULL;
        VARIANT item;
        int r = 0;
        HRESULT hr = found_open(rules, &list);

        if (FAILED(hr))
                return hr;
        VariantInit(&item);
        while (r == 0 && (hr = IEnumVARIANT_Next(list, 1, &item, NULL)) == S_OK) {
                INetFwRule *rule = NULL;

                if (item.vt == VT_DISPATCH && item.pdispVal &&
                    SUCCEEDED(
                            IDispatch_QueryInterface(item.pdispVal, &iid_rule, (void **) &rule))) {
                        r = fn(userdata, rule);
                        INetFwRule_Release(rule);
                }
                (void) VariantClear(&item);
        }
        IEnumVARIANT_Release(list);
        if (r < 0)
                return E_OUTOFMEMORY;
        return FAILED(hr) ? hr : S_OK;
}

HRESULT found_rules_read(FoundRules *found, INetFwRules *rules) {
        HRESULT hr;

        found_rules_done(found);
        hr = found_rules_each(rules, found_take, found);
        if (FAILED(hr)) { /* half a list would make us add rules that exist */
                found_rules_done(found);
                return hr;
        }
        if (found->n > 1)
                qsort(found->items, found->n, sizeof(*found->items), found_compare);
        found->known = true;
        return S_OK;
}

void found_rules_done(FoundRules *found) {
        for (size_t i = 0; i < found->n; i++)
                if (found->items[i].rule)
                        INetFwRule_Release(found->items[i].rule);
        free(found->items);
        *found = (FoundRules){.items = NULL};
}

FoundRule *found_rules_of(const FoundRules *found, const IpEndpoint *listen, size_t *ret_n) {
        size_t from = 0, to = found->n, n = 0;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (ip_endpoint_compare(&found->items[middle].listen, listen) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        while (from + n < found->n &&
               ip_endpoint_compare(&found->items[from + n].listen, listen) == 0)
                n++;
        *ret_n = n;
        return n > 0 ? &found->items[from] : NULL;
}
