/* SPDX-License-Identifier: MIT */

/*
 * The calls to Windows Firewall. First, all calls go to the system's own objects and must succeed
 * (Wine stores no rules, fact 10.1.2). Then fake-firewall.c takes the place of the firewall; which
 * of several rules of one name is meant, and what a rule admits meanwhile, is checked there. Each
 * case prints a line.
 */

#include "tests/windows/firewall-cases.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/firewall-sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The system's own objects. */
static void test_system(void) {
        static const char *const names[] = {"add", "update", "remove"};
        FirewallRules rules = FIREWALL_RULES_NULL;
        FirewallSight sight = FIREWALL_SIGHT_NULL;
        FirewallCom *com = NULL;
        FirewallStore store;
        size_t n_removed;

        check("open", firewall_com_new(&com, &store) == 0);
        check("list", store.list(store.userdata, &rules) == 0 && rules.n == 0);
        for (int i = FIREWALL_ADD; i <= FIREWALL_REMOVE; i++) {
                FirewallChange change = {(FirewallAction) i, &wanted};

                check(names[i], store.change(store.userdata, &change) == 0);
        }
        check("nothing is known of the firewall", firewall_sight_read(&sight) == 0 && !sight.known);
        check("clock", store.now(store.userdata) > 0);
        firewall_com_free(com);
        firewall_rules_done(&rules);
        check("remove all", firewall_com_remove_all(&n_removed) == 0 && n_removed == 0);
}

/* A rule that is in the firewall. @name, @grouping: NULL: as @r has them. */
static FakeRule *stored(const FirewallRule *r, const wchar_t *name, const wchar_t *grouping) {
        FakeRule *rule = fake_rule_new();

        (void) firewall_rule_write(&rule->rule, r);
        if (name)
                (void) wcscpy(rule->texts[NAME], name);
        if (grouping)
                (void) wcscpy(rule->texts[GROUPING], grouping);
        rule->stored = true;
        fake_firewall.record[0] = '\0';
        return rule;
}

static size_t n_stored(void) {
        size_t n = 0;

        for (size_t i = 0; i < fake_firewall.n; i++)
                n += fake_firewall.rules[i].stored;
        return n;
}

/* Whom a rule lets in, as bits: each of three profiles × a client of the local subnet, one of 10/8,
 * any other × our port, any other port. */
static unsigned admits(const FakeRule *r) {
        const wchar_t *remote = r->texts[REMOTE], *ports = r->texts[PORTS];
        bool any = wcscmp(remote, L"*") == 0;
        unsigned mask = 0, clients = any ? 7 : 0;

        if (r->enabled == VARIANT_FALSE || r->action != NET_FW_ACTION_ALLOW ||
            r->direction != NET_FW_RULE_DIR_IN)
                return 0;
        clients |= wcsstr(remote, L"LocalSubnet") ? 1 : 0;
        clients |= wcsstr(remote, L"10.0.0.0/") ? 2 : 0;
        for (unsigned profile = 0; profile < 3; profile++)
                if (r->profiles & 1 << profile)
                        mask |= clients << 3 * profile;
        return wcscmp(ports, L"2222") == 0 ? mask : mask << 9;
}

static unsigned before, after;
static bool too_wide;

static void watch(FakeRule *r) {
        unsigned now = admits(r);

        too_wide |= (now & ~before) != 0 && (now & ~after) != 0;
}

/* Every change from one rule to another is made without a moment in which the rule lets in anybody
 * whom neither of the two does. */
static void test_never_wider_in_between(FirewallStore *store) {
        static const char *const remotes[] = {"LocalSubnet", "*", "10.0.0.0/8"};
        static const wchar_t *const ports[] = {L"2222", L"2223"};
        bool arrived = true;

        too_wide = false;
        for (unsigned i = 0; i < 2 * 7 * 3 * 7 * 3; i++) {
                FirewallRule old = wanted, new = wanted;
                FirewallChange change = {FIREWALL_UPDATE, &new};
                FakeRule *r, *target;

                fake_firewall_reset();
                old.profiles = (uint8_t) (i / 2 % 7 + 1);
                old.remote = (char *) (uintptr_t) remotes[i / 14 % 3];
                new.profiles = (uint8_t) (i / 42 % 7 + 1);
                new.remote = (char *) (uintptr_t) remotes[i / 294];
                target = stored(&new, L"target", L"");
                r = stored(&old, NULL, NULL);
                (void) wcscpy(r->texts[PORTS], ports[i % 2]); /* 2223: somebody has changed it */
                before = admits(r);
                after = admits(target);
                fake_firewall.watch = watch;
                arrived &= store->change(store->userdata, &change) == 0 && admits(r) == after;
                store->rest(store->userdata);
        }
        check("every rule becomes what is wanted", arrived);
        check("no rule is ever wider than before and after", !too_wide);
}

/* A rule that stays as it is in everything but its scope is not disabled, because that would cut
 * connections. */
static void test_update_in_place(FirewallStore *store) {
        FirewallRule new = wanted;
        FirewallChange change = {FIREWALL_UPDATE, &new};

        fake_firewall_reset();
        (void) stored(&wanted, NULL, NULL);
        new.profiles = WIRE_PROFILE_PRIVATE | WIRE_PROFILE_PUBLIC;
        check("updated", store->change(store->userdata, &change) == 0 && n_stored() == 1);
        check("narrowed first, widened last",
              strcmp(fake_firewall.record, "Profiles RemoteAddresses Description Profiles ") == 0);
        store->rest(store->userdata);
}

static void test_namesakes(FirewallStore *store) {
        FirewallRule new = wanted;
        FirewallChange update = {FIREWALL_UPDATE, &new}, removal = {FIREWALL_REMOVE, &wanted};
        FakeRule *foreign, *ours, copy;

        fake_firewall_reset();
        foreign = stored(&wanted, NULL, L""); /* a copy whose group was cleared; it comes first */
        ours = stored(&wanted, NULL, NULL);
        copy = *foreign;
        new.profiles = WIRE_PROFILE_DOMAIN;
        for (int i = 0; i < 3; i++)
                check("update with a namesake", store->change(store->userdata, &update) == 0);
        store->rest(store->userdata);
        check("no rule piles up", n_stored() == 2 && ours->profiles == WIRE_PROFILE_DOMAIN);
        check("removal with a namesake", store->change(store->userdata, &removal) == 0);
        check("ours has gone", !ours->stored && n_stored() == 1);
        check("the other one was not touched", memcmp(foreign, &copy, sizeof(copy)) == 0);
        store->rest(store->userdata);
}

/* Several of ours, also made meanwhile: one stays when it is wanted, none when it is not. */
static void test_duplicates(FirewallStore *store) {
        FirewallChange update = {FIREWALL_UPDATE, &wanted}, removal = {FIREWALL_REMOVE, &wanted};
        FirewallRules rules = FIREWALL_RULES_NULL;

        fake_firewall_reset();
        for (int i = 0; i < 3; i++)
                (void) stored(&wanted, NULL, NULL);
        check("listed once, as wrong", store->list(store->userdata, &rules) == 0 && rules.n == 1 &&
                                               rules.items[0].service[0] == '\0');
        check("one is left", store->change(store->userdata, &update) == 0 && n_stored() == 1);
        store->rest(store->userdata);
        (void) stored(&wanted, NULL, NULL);
        check("none is left", store->change(store->userdata, &removal) == 0 && n_stored() == 0);
        store->rest(store->userdata);
        firewall_rules_done(&rules);
}

/* The helper is killed after each call of a removal in turn. What is left of the rule lets nobody
 * in that it did not, is known as ours, and the next removal finds it. */
static void test_killed_while_removing(void) {
        bool found = true, gone = true, untouched = true;

        for (int calls = 0; calls < 4; calls++) {
                FirewallRules rules = FIREWALL_RULES_NULL;
                FirewallChange removal = {FIREWALL_REMOVE, &wanted};
                FirewallCom *com = NULL;
                FirewallStore store;
                FakeRule *foreign;
                size_t n = 0;

                fake_firewall_reset();
                foreign = stored(&wanted, NULL, L"");
                (void) stored(&wanted, NULL, NULL);
                fake_firewall.fail_after = calls;
                (void) firewall_com_new(&com, &store);
                (void) store.change(store.userdata, &removal);
                firewall_com_free(com);
                fake_firewall.fail_after = -1;
                (void) firewall_com_new(&com, &store);
                found &= store.list(store.userdata, &rules) == 0 && rules.n == (calls < 3);
                firewall_com_free(com);
                gone &= firewall_com_remove_all(&n) == 0 && n == rules.n && n_stored() == 1;
                untouched &= foreign->stored;
                firewall_rules_done(&rules);
        }
        check("what a kill has left is listed", found);
        check("and removed", gone);
        check("and nobody else's rule with it", untouched);
}

/* A rule that is left half removed is wanted again: it gets its name back. It comes after a look,
 * and the next one sees it, because each has a collection of its own (fact 5.1.14). */
static void test_wanted_again(FirewallStore *store) {
        FirewallChange update = {FIREWALL_UPDATE, &wanted};
        FirewallRules rules = FIREWALL_RULES_NULL;
        FakeRule *r;

        fake_firewall_reset();
        check("nothing is there", store->list(store->userdata, &rules) == 0 && rules.n == 0);
        r = stored(&wanted, L"wslbridge 0.0.0.0:2222 (removed 0123456789abcdef)", NULL);
        r->enabled = VARIANT_FALSE;
        check("it is listed as wrong", store->list(store->userdata, &rules) == 0 && rules.n == 1 &&
                                               rules.items[0].service[0] == '\0');
        check("it is written", store->change(store->userdata, &update) == 0 && n_stored() == 1);
        check("under its name",
              wcscmp(r->texts[NAME], L"wslbridge 0.0.0.0:2222") == 0 && r->enabled == VARIANT_TRUE);
        store->rest(store->userdata);
        firewall_rules_done(&rules);
}

/* What was added since the last enumeration is found, too. */
static void test_added_then_changed(FirewallStore *store) {
        FirewallRule new = wanted;
        FirewallChange add = {FIREWALL_ADD, &wanted}, update = {FIREWALL_UPDATE, &new},
                       removal = {FIREWALL_REMOVE, &wanted};

        fake_firewall_reset();
        check("remove what is not there", store->change(store->userdata, &removal) == 0);
        check("add", store->change(store->userdata, &add) == 0);
        new.profiles = WIRE_PROFILE_DOMAIN;
        check("change what was added", store->change(store->userdata, &update) == 0);
        check("it is one rule", n_stored() == 1);
        check("remove it", store->change(store->userdata, &removal) == 0 && n_stored() == 0);
        store->rest(store->userdata);
}

#define POLICIES L"SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"

static void set_policy(const wchar_t *profile, const wchar_t *name, DWORD value) {
        wchar_t path[128];

        (void) swprintf(path, ARRAYSIZE(path), POLICIES L"\\%ls", profile);
        (void) RegSetKeyValueW(HKEY_LOCAL_MACHINE, path, name, REG_DWORD, &value, sizeof(value));
}

/* Of the settings of the firewall and its rules, what decides about reachability is read. */
static void test_sight(void) {
        FirewallSight s = FIREWALL_SIGHT_NULL, first;
        FakeRule *block;

        fake_firewall_reset();
        fake_firewall.settings[CONNECTED] = WIRE_PROFILE_PUBLIC | WIRE_PROFILE_DOMAIN;
        fake_firewall.settings[OFF] = WIRE_PROFILE_DOMAIN;
        fake_firewall.settings[SHUT] = WIRE_PROFILE_PRIVATE;
        fake_firewall.settings[LETS_IN] = WIRE_PROFILE_PUBLIC;
        block = stored(&wanted, L"Not here", L"");
        block->action = NET_FW_ACTION_BLOCK;
        block->profiles = 0x7fffffff;
        (void) wcscpy(block->texts[PROGRAM], L"C:\\Windows\\System32\\svchost.exe");
        (void) wcscpy(block->texts[SERVICE], L"iphlpsvc");
        check("sight", firewall_sight_read(&s) == 0 && s.known && s.connected == 5 && s.off == 1 &&
                               s.shut == 2 && s.lets_in == 4 && !s.overridden && !s.product[0]);
        check("the rule that blocks", s.n_blocks == 1 && s.blocks[0].profiles == 7 &&
                                              strcmp(s.blocks[0].ports, "2222") == 0);
        first = s;
        (void) wcscpy(block->texts[PROGRAM], L"C:\\game.exe");
        check("another program's does not", firewall_sight_read(&s) == 0 && s.n_blocks == 0);
        fake_firewall.settings[OFF] = 4;
        check("settings alone",
              firewall_sight_read_settings(&first, &s) == 0 && s.off == 4 && s.n_blocks == 1);
        firewall_sight_done(&s);
        firewall_sight_done(&first);
        fake_firewall.settings[STATE] = NET_FW_MODIFY_STATE_GP_OVERRIDE;
        check("Group Policy", firewall_sight_read(&s) == 0 && s.overridden);
        fake_firewall.settings[PARTLY] = 1;
        check("not of all profiles", firewall_sight_read(&s) == 0 && !s.overridden);
        fake_firewall.settings[PRODUCT] = 1;
        fake_firewall.settings[CATEGORY] = 2;
        check("another firewall",
              firewall_sight_read(&s) == 0 && strcmp(s.product, "Some Firewall") == 0);
        fake_firewall.settings[CATEGORY] = 1; /* it only wants to be stealthy */
        check("a product that is none", firewall_sight_read(&s) == 0 && !s.product[0]);
        fake_firewall.settings[UNSUPPORTED] = 1;
        check("nothing is known", firewall_sight_read(&s) == 0 && !s.known);
}

/* What it sets for a profile counts more than what is set locally. */
static void test_group_policy(void) {
        FirewallSight s = FIREWALL_SIGHT_NULL;

        fake_firewall_reset();
        fake_firewall.settings[CONNECTED] = WIRE_PROFILE_DOMAIN;
        fake_firewall.settings[OFF] = WIRE_PROFILE_PUBLIC;
        fake_firewall.settings[SHUT] = WIRE_PROFILE_PRIVATE;
        fake_firewall.settings[LETS_IN] = WIRE_PROFILE_PUBLIC;
        set_policy(L"DomainProfile", L"EnableFirewall", 0);
        set_policy(L"DomainProfile", L"DefaultInboundAction", 0);
        set_policy(L"PublicProfile", L"EnableFirewall", 1);
        set_policy(L"PublicProfile", L"DefaultInboundAction", 1);
        set_policy(L"PrivateProfile", L"AllowLocalPolicyMerge", 0);
        set_policy(L"PrivateProfile", L"DoNotAllowExceptions", 0);
        set_policy(L"PublicProfile", L"DoNotAllowExceptions", 1);
        check("settings of Group Policy", firewall_sight_read(&s) == 0 &&
                                                  s.off == WIRE_PROFILE_DOMAIN &&
                                                  s.lets_in == WIRE_PROFILE_DOMAIN);
        check("and which rules they leave",
              s.overridden == WIRE_PROFILE_PRIVATE &&
                      s.shut == (WIRE_PROFILE_PRIVATE | WIRE_PROFILE_PUBLIC));
        firewall_sight_done(&s);
        set_policy(L"DomainProfile", L"AllowLocalPolicyMerge", 1);
        fake_firewall.settings[STATE] = NET_FW_MODIFY_STATE_GP_OVERRIDE;
        check("what Windows says of all counts most",
              firewall_sight_read(&s) == 0 &&
                      s.overridden == (WIRE_PROFILE_DOMAIN | WIRE_PROFILE_PRIVATE));
        (void) RegDeleteTreeW(HKEY_LOCAL_MACHINE, POLICIES);
        firewall_sight_done(&s);
}

static void test_fake_firewall(void) {
        FirewallCom *com = NULL;
        FirewallStore store;

        check("the fake firewall is used", SUCCEEDED(fake_firewall_register()));
        check("open", firewall_com_new(&com, &store) == 0);
        test_update_in_place(&store);
        test_never_wider_in_between(&store);
        test_namesakes(&store);
        test_duplicates(&store);
        test_wanted_again(&store);
        test_added_then_changed(&store);
        firewall_com_free(com);
        test_killed_while_removing();
        test_sight();
        test_group_policy();
}

int main(void) {
        test_system();
        test_fake_firewall();
        printf("%d failed\n", n_failed);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
