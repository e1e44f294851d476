/* SPDX-License-Identifier: MIT */

/*
 * The calls to Windows Firewall. First, a recorder takes the place of a rule, checks each property
 * and their order, and refuses what Windows refuses. Then the same calls go to the system's own
 * objects and must all succeed (Wine stores no rules, fact 10.1.2). Each case prints a line.
 */

#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/firewall-rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Properties of the recorder, in the order in which they may be written. */
typedef enum Text { NAME, ABOUT, PORTS, LOCAL, REMOTE, GROUPING, _TEXT_END } Text;

typedef struct FakeRule {
        INetFwRule rule; /* the first member, because COM's pointer points here */
        wchar_t texts[_TEXT_END][4096];
        LONG protocol, profiles;
        NET_FW_RULE_DIRECTION direction;
        NET_FW_ACTION action;
        VARIANT_BOOL enabled;
} FakeRule;

static char record[1024];
static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        if (!good)
                printf("    recorded: %s\n", record);
        n_failed += !good;
}

static FakeRule *fake(INetFwRule *rule) {
        return (FakeRule *) rule;
}

static void note(const char *what) {
        size_t n = strlen(record);

        (void) snprintf(record + n, sizeof(record) - n, "%s ", what);
}

static HRESULT put_text(INetFwRule *rule, Text which, const char *name, BSTR text) {
        note(name);
        (void) wcsncpy(fake(rule)->texts[which], text, ARRAYSIZE(fake(rule)->texts[which]) - 1);
        return S_OK;
}

static HRESULT get_text(INetFwRule *rule, Text which, BSTR *ret_text) {
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
                note(#property_);                                                      \
                fake(r)->field_ = value;                                               \
                return S_OK;                                                           \
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

#define FAKE_CALLS(property_) .put_##property_ = put_##property_, .get_##property_ = get_##property_

static INetFwRuleVtbl fake_calls = {
        FAKE_CALLS(Name),       FAKE_CALLS(Description),    FAKE_CALLS(Protocol),
        FAKE_CALLS(LocalPorts), FAKE_CALLS(LocalAddresses), FAKE_CALLS(RemoteAddresses),
        FAKE_CALLS(Direction),  FAKE_CALLS(Action),         FAKE_CALLS(Profiles),
        FAKE_CALLS(Grouping),   FAKE_CALLS(Enabled),
};

static FakeRule fake_rule;

static const FirewallRule wanted = {
        .listen = {{IP_FAMILY_V4, {0}}, 2222},
        .profiles = WIRE_PROFILE_PRIVATE | WIRE_PROFILE_DOMAIN,
        .remote = (char *) (uintptr_t) "10.0.0.0/8,fd00::/8",
        .service = "ssh",
};

/* Reset the recorder to a rule that was just created. */
static INetFwRule *written(const FirewallRule *r) {
        char name[FIREWALL_NAME_MAX];
        BSTR text;

        fake_rule = (FakeRule){.rule = {&fake_calls}, .protocol = 256 /* any, as in a new rule */};
        firewall_rule_name(&r->listen, name);
        text = firewall_rule_text(name);
        (void) INetFwRule_put_Name(&fake_rule.rule, text);
        SysFreeString(text);
        record[0] = '\0';
        check("all is written", SUCCEEDED(firewall_rule_write(&fake_rule.rule, r)));
        return &fake_rule.rule;
}

static void test_order(void) {
        (void) written(&wanted);
        check("the protocol before the ports, enabled last",
              strcmp(record, "Description Protocol LocalPorts LocalAddresses RemoteAddresses "
                             "Direction Action Profiles Grouping Enabled ") == 0);
        check("texts", wcscmp(fake_rule.texts[NAME], L"wslbridge 0.0.0.0:2222") == 0 &&
                               wcscmp(fake_rule.texts[PORTS], L"2222") == 0 &&
                               wcscmp(fake_rule.texts[LOCAL], L"*") == 0 &&
                               wcscmp(fake_rule.texts[REMOTE], L"10.0.0.0/8,fd00::/8") == 0 &&
                               wcscmp(fake_rule.texts[GROUPING], L"wslbridge") == 0 &&
                               wcscmp(fake_rule.texts[ABOUT],
                                      L"Opened for service 'ssh' of a guest, by wslbridge") == 0);
        check("numbers", fake_rule.protocol == 6 && fake_rule.profiles == 3 &&
                                 fake_rule.direction == NET_FW_RULE_DIR_IN &&
                                 fake_rule.action == NET_FW_ACTION_ALLOW &&
                                 fake_rule.enabled == VARIANT_TRUE);
}

/* True when the recorder is read as @r, with @service. */
static bool reads_as(const FirewallRule *r, const char *service) {
        FirewallRule seen;
        bool same;

        if (firewall_rule_read(&fake_rule.rule, &seen) < 0)
                return false;
        same = ip_endpoint_compare(&seen.listen, &r->listen) == 0 && !seen.refused &&
               seen.profiles == r->profiles && strcmp(seen.remote, r->remote) == 0 &&
               strcmp(seen.service, service) == 0;
        free(seen.remote);
        return same;
}

static void test_read_back(void) {
        FirewallRule one = wanted, seen;

        (void) written(&wanted);
        check("read as it was written", reads_as(&wanted, "ssh"));
        (void) wcscpy(fake_rule.texts[REMOTE], L"fd00::/8,10.0.0.0/255.0.0.0");
        check("the remote scope in the form that Windows returns", reads_as(&wanted, "ssh"));
        fake_rule.enabled = VARIANT_FALSE;
        check("disabled: to be written again", reads_as(&wanted, ""));
        (void) written(&wanted);
        (void) wcscpy(fake_rule.texts[PORTS], L"2223");
        check("another port: to be written again", reads_as(&wanted, ""));
        (void) written(&wanted);
        fake_rule.action = NET_FW_ACTION_BLOCK;
        check("blocking: to be written again", reads_as(&wanted, ""));
        (void) written(&wanted);
        fake_rule.profiles = 0x7fffffff; /* NET_FW_PROFILE2_ALL */
        one.profiles = WIRE_PROFILE_ALL;
        check("all profiles: to be written again", reads_as(&one, ""));

        one = wanted;
        one.listen.addr = ip_v4(192, 168, 1, 2);
        (void) written(&one);
        (void) wcscat(fake_rule.texts[LOCAL], L"/255.255.255.255");
        check("an address with its mask", reads_as(&one, "ssh"));
        (void) wcscpy(fake_rule.texts[GROUPING], L"Wslbridge");
        check("another group's is not ours", firewall_rule_read(&fake_rule.rule, &seen) == -ENOENT);
        (void) written(&one);
        (void) wcscpy(fake_rule.texts[NAME], L"wslbridge 192.168.1.2:02222");
        check("a name that we do not make", firewall_rule_read(&fake_rule.rule, &seen) == -ENOENT);
}

/* The system's own objects. */
static void test_system(void) {
        static const char *const names[] = {"add", "update", "remove"};
        FirewallRules rules = FIREWALL_RULES_NULL;
        FirewallEffect effect = FIREWALL_EFFECTIVE;
        FirewallCom *com = NULL;
        FirewallStore store;
        size_t n_removed;
        int r;

        check("open", firewall_com_new(&com, &store) == 0);
        check("list", store.list(store.userdata, &rules) == 0 && rules.n == 0);
        for (int i = FIREWALL_ADD; i <= FIREWALL_REMOVE; i++) {
                FirewallChange change = {(FirewallAction) i, &wanted};

                check(names[i], store.change(store.userdata, &change) == 0);
        }
        r = store.effect(store.userdata, &effect);
        check("effect", r == -ENOSYS || (r == 0 && effect == FIREWALL_EFFECTIVE));
        check("clock", store.now(store.userdata) > 0);
        firewall_com_free(com);
        firewall_rules_done(&rules);
        check("remove all", firewall_com_remove_all(&n_removed) == 0 && n_removed == 0);
}

int main(void) {
        test_order();
        test_read_back();
        test_system();
        printf("%d failed\n", n_failed);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
