/* SPDX-License-Identifier: MIT */

/*
 * The properties of one firewall rule.
 */

#include "windows-helper/host/firewall-rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIREWALL_TEXT_MAX 4096 /* 64 prefixes of IPv6 fit */
#define PORT_TEXT_MAX     8

HRESULT firewall_policy_open(INetFwPolicy2 **ret_policy) {
        /* The ids in netfw.h, copied here to need no library of GUIDs (fact 5.1.2). */
        static const GUID class = {
                0xe2b3c97f, 0x6ae1, 0x41ac, {0x81, 0x7a, 0xf6, 0xf9, 0x21, 0x66, 0xd7, 0xdd}};
        static const GUID iid = {
                0x98325047, 0xc671, 0x4174, {0x8d, 0x81, 0xde, 0xfc, 0xd3, 0xf0, 0x31, 0x86}};

        return CoCreateInstance(&class, NULL, CLSCTX_INPROC_SERVER, &iid, (void **) ret_policy);
}

HRESULT firewall_rule_new(INetFwRule **ret_rule) {
        static const GUID class = {
                0x2c5bc43e, 0x3369, 0x4c33, {0xab, 0x0c, 0xbe, 0x94, 0x69, 0x67, 0x7a, 0xf4}};
        static const GUID iid = {
                0xaf230d27, 0xbaba, 0x4e42, {0xac, 0xed, 0xf5, 0x24, 0xf2, 0x2c, 0xfc, 0xe2}};

        return CoCreateInstance(&class, NULL, CLSCTX_INPROC_SERVER, &iid, (void **) ret_rule);
}

BSTR firewall_rule_text(const char *text) {
        wchar_t wide[FIREWALL_TEXT_MAX];

        return win_to_wide(text, wide, ARRAYSIZE(wide)) == 0 ? SysAllocString(wide) : NULL;
}

/* The texts for LocalPorts and LocalAddresses. */
static void rule_local_texts(const IpEndpoint *listen, char ret_port[PORT_TEXT_MAX],
                             char ret_address[IP_TEXT_MAX]) {
        (void) snprintf(ret_port, PORT_TEXT_MAX, "%u", (unsigned) listen->port);
        if (ip_is_any(&listen->addr))
                (void) strcpy(ret_address, "*");
        else
                ip_format(&listen->addr, ret_address);
}

typedef HRESULT(STDMETHODCALLTYPE *RulePutText)(INetFwRule *rule, BSTR text);

static HRESULT rule_put(INetFwRule *rule, RulePutText put, const char *text) {
        BSTR b = firewall_rule_text(text);
        HRESULT hr = b ? put(rule, b) : E_OUTOFMEMORY;

        SysFreeString(b);
        return hr;
}

static LONG rule_protocol(const IpEndpoint *listen) {
        return listen->udp ? NET_FW_IP_PROTOCOL_UDP : NET_FW_IP_PROTOCOL_TCP;
}

/* The protocol must be set before the ports, or Windows rejects the ports (fact 5.1.3). */
HRESULT firewall_rule_write(INetFwRule *rule, const FirewallRule *r) {
        const INetFwRuleVtbl *v = rule->lpVtbl;
        char port[PORT_TEXT_MAX], address[IP_TEXT_MAX], about[FIREWALL_ABOUT_MAX];
        char name[FIREWALL_NAME_MAX];
        HRESULT hr;

        firewall_rule_name(&r->listen, name);
        firewall_rule_about(r, about);
        rule_local_texts(&r->listen, port, address);
        hr = rule_put(rule, v->put_Name, name);
        if (SUCCEEDED(hr))
                hr = rule_put(rule, v->put_Description, about);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Protocol(rule, rule_protocol(&r->listen));
        if (SUCCEEDED(hr))
                hr = rule_put(rule, v->put_LocalPorts, port);
        if (SUCCEEDED(hr))
                hr = rule_put(rule, v->put_LocalAddresses, address);
        if (SUCCEEDED(hr))
                hr = rule_put(rule, v->put_RemoteAddresses, r->remote);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Direction(rule, NET_FW_RULE_DIR_IN);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Action(rule, NET_FW_ACTION_ALLOW);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Profiles(rule, r->profiles);
        if (SUCCEEDED(hr))
                hr = rule_put(rule, v->put_Grouping, FIREWALL_GROUPING);
        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Enabled(rule, VARIANT_TRUE);
        return hr;
}

static bool rule_is_ours(INetFwRule *rule) {
        BSTR grouping = NULL;
        bool ours = SUCCEEDED(INetFwRule_get_Grouping(rule, &grouping)) && grouping &&
                    wcscmp(grouping, L"" FIREWALL_GROUPING) == 0;

        SysFreeString(grouping);
        return ours;
}

typedef HRESULT(STDMETHODCALLTYPE *RuleGetText)(INetFwRule *rule, BSTR *ret_text);

/* @ret_text: newly allocated UTF-8, "" if the property cannot be read, or NULL if out of memory. */
static void rule_get(INetFwRule *rule, RuleGetText get, char **ret_text) {
        BSTR b = NULL;

        *ret_text = NULL;
        if (FAILED(get(rule, &b)) || !b || win_from_wide(b, wcslen(b), ret_text) < 0)
                *ret_text = calloc(1, 1);
        SysFreeString(b);
}

static bool rule_text_is(INetFwRule *rule, RuleGetText get, const char *wanted) {
        char *text;
        bool same;

        rule_get(rule, get, &text);
        same = text && strcmp(text, wanted) == 0;
        free(text);
        return same;
}

bool firewall_rule_is_named(INetFwRule *rule, const char *name) {
        return rule_text_is(rule, rule->lpVtbl->get_Name, name);
}

/* Windows may return an address with a mask that covers all of it, or as a range (fact 5.1.18). */
static bool rule_address_is(INetFwRule *rule, const char *wanted) {
        char *text;
        WirePrefix p;
        IpAddr addr;
        bool same;

        rule_get(rule, rule->lpVtbl->get_LocalAddresses, &text);
        same = text &&
               (strcmp(text, wanted) == 0 ||
                (firewall_prefix_read(text, &p) == 0 && ip_parse(wanted, &addr) == 0 &&
                 p.length == ip_family_bits(addr.family) && ip_compare(&p.addr, &addr) == 0));
        free(text);
        return same;
}

/* True when all properties that a FirewallRule has no field for are as we write them. */
static bool rule_is_as_written(INetFwRule *rule, const IpEndpoint *listen) {
        char port[PORT_TEXT_MAX], address[IP_TEXT_MAX];
        NET_FW_RULE_DIRECTION direction;
        VARIANT_BOOL enabled;
        NET_FW_ACTION action;
        LONG protocol;

        rule_local_texts(listen, port, address);
        return SUCCEEDED(INetFwRule_get_Enabled(rule, &enabled)) && enabled != VARIANT_FALSE &&
               SUCCEEDED(INetFwRule_get_Protocol(rule, &protocol)) &&
               protocol == rule_protocol(listen) &&
               SUCCEEDED(INetFwRule_get_Direction(rule, &direction)) &&
               direction == NET_FW_RULE_DIR_IN && SUCCEEDED(INetFwRule_get_Action(rule, &action)) &&
               action == NET_FW_ACTION_ALLOW &&
               rule_text_is(rule, rule->lpVtbl->get_LocalPorts, port) &&
               rule_address_is(rule, address);
}

/* All profiles may come back as all bits (fact 5.1.4). */
static HRESULT rule_profiles(INetFwRule *rule, LONG *ret_profiles) {
        HRESULT hr = INetFwRule_get_Profiles(rule, ret_profiles);

        if (*ret_profiles == NET_FW_PROFILE2_ALL)
                *ret_profiles = WIRE_PROFILE_ALL;
        return hr;
}

HRESULT firewall_rule_update(INetFwRule *rule, const FirewallRule *r) {
        char name[FIREWALL_NAME_MAX], about[FIREWALL_ABOUT_MAX];
        LONG profiles = 0, both;
        HRESULT hr = rule_profiles(rule, &profiles);

        firewall_rule_name(&r->listen, name);
        both = SUCCEEDED(hr) ? profiles & r->profiles : 0;
        if (both == 0 || !rule_is_as_written(rule, &r->listen) ||
            !firewall_rule_is_named(rule, name)) {
                hr = INetFwRule_put_Enabled(rule, VARIANT_FALSE);
                return SUCCEEDED(hr) ? firewall_rule_write(rule, r) : hr;
        }
        /* It stays in force, so that connections which it admits are not cut. */
        firewall_rule_about(r, about);
        if (both != profiles)
                hr = INetFwRule_put_Profiles(rule, both);
        if (SUCCEEDED(hr))
                hr = rule_put(rule, rule->lpVtbl->put_RemoteAddresses, r->remote);
        if (SUCCEEDED(hr))
                hr = rule_put(rule, rule->lpVtbl->put_Description, about);
        if (SUCCEEDED(hr) && both != r->profiles)
                hr = INetFwRule_put_Profiles(rule, r->profiles);
        return hr;
}

HRESULT firewall_rule_leave(INetFwRule *rule, const IpEndpoint *listen,
                            char ret_name[FIREWALL_NAME_MAX]) {
        uint64_t tag;
        GUID guid;
        HRESULT hr = CoCreateGuid(&guid);

        if (SUCCEEDED(hr))
                hr = INetFwRule_put_Enabled(rule, VARIANT_FALSE);
        if (FAILED(hr))
                return hr;
        memcpy(&tag, guid.Data4, sizeof(tag));
        firewall_rule_leaving_name(listen, tag, ret_name);
        return rule_put(rule, rule->lpVtbl->put_Name, ret_name);
}

int firewall_rule_identify(INetFwRule *rule, IpEndpoint *ret_listen, bool *ret_ours) {
        char *name;
        int r = -ENOMEM;

        rule_get(rule, rule->lpVtbl->get_Name, &name);
        if (name) {
                bool ours = rule_is_ours(rule);

                r = firewall_rule_parse_name(name, ret_listen);
                if (r < 0 && ours)
                        r = firewall_rule_parse_leaving_name(name, ret_listen);
                *ret_ours = ours;
                r = r < 0 ? -ENOENT : 0;
        }
        free(name);
        return r;
}

/* Read a rule of ours for @listen. Return: 0 or -ENOMEM. */
static int rule_read(INetFwRule *rule, const IpEndpoint *listen, FirewallRule *ret_rule) {
        FirewallRule r = {.listen = *listen};
        char *about, *remote, name[FIREWALL_NAME_MAX];
        LONG profiles = 0;
        int error;

        rule_get(rule, rule->lpVtbl->get_Description, &about);
        rule_get(rule, rule->lpVtbl->get_RemoteAddresses, &remote);
        error = about && remote ? firewall_remote_read(remote, &r.remote) : -ENOMEM;
        if (error == 0) {
                firewall_rule_name(listen, name);
                (void) rule_profiles(rule, &profiles);
                r.profiles = (uint8_t) (profiles & WIRE_PROFILE_ALL);
                if (r.profiles != profiles || r.profiles == 0 ||
                    !firewall_rule_is_named(rule, name) || !rule_is_as_written(rule, listen) ||
                    firewall_rule_parse_about(about, r.service) < 0)
                        r.service[0] = '\0'; /* it is not as it should be: to be written again */
                if (r.profiles == 0)
                        r.profiles = WIRE_PROFILE_ALL; /* 0 has another meaning in a FirewallRule */
                *ret_rule = r;
        }
        free(remote);
        free(about);
        return error;
}

int firewall_rule_read(INetFwRule *rule, FirewallRule *ret_rule) {
        IpEndpoint listen;
        bool ours = false;
        int r = firewall_rule_identify(rule, &listen, &ours);

        if (r == 0 && !ours)
                r = -ENOENT;
        return r == 0 ? rule_read(rule, &listen, ret_rule) : r;
}
