/* SPDX-License-Identifier: MIT */

/*
 * What is read of the Hyper-V firewall, from objects of WMI: fake-wbem.c takes the place of the
 * system's, in this process only. Each case prints a line.
 */

#define COBJMACROS
#include "windows-helper/host/hyperv-firewall.h"
#include "windows-helper/win/win.h"

#include <stdio.h>
#include <wbemcli.h>

#define WMI        L"SOFTWARE\\wslbridge-test\\Wmi"
#define IN_FORCE   WMI L"\\ActiveStore\\MSFT_NetFirewallHyperV"
#define CREATOR    WMI L"\\PersistentStore\\MSFT_NetFirewallHyperVVMCreator"
#define SETTING(n) IN_FORCE L"VMSetting\\" n
#define PROFILE(n) IN_FORCE L"Profile\\" n
#define RULE(n)    IN_FORCE L"Rule\\" n
#define WSL        L"{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
#define OTHER      L"{9E288F02-CE00-4D9E-BE2B-14CE463B0298}"

static HypervSight sight;
static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        if (!good)
                printf("    seen %d, enabled %d, host rules %d, inbound %d, profiles %zu, rules "
                       "%zu, "
                       "not enforced %zu, status %u\n",
                       sight.seen, sight.enabled, sight.host_rules, sight.inbound, sight.n_profiles,
                       sight.n_rules, sight.n_no_force, (unsigned) sight.status);
        n_failed += !good;
}

static void put(const wchar_t *key, const wchar_t *name, DWORD type, const void *data, DWORD size) {
        if (RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, name, type, data, size) != ERROR_SUCCESS)
                check("the registry", false);
}

static void text(const wchar_t *key, const wchar_t *name, const wchar_t *value) {
        put(key, name, REG_SZ, value, (DWORD) ((wcslen(value) + 1) * sizeof(*value)));
}

static void number(const wchar_t *key, const wchar_t *name, DWORD value) {
        put(key, name, REG_DWORD, &value, sizeof(value));
}

static void null(const wchar_t *key, const wchar_t *name) {
        put(key, name, REG_NONE, NULL, 0);
}

static void look(void) {
        memset(&sight, 0xa5, sizeof(sight));
        hyperv_firewall_read(&sight);
}

/* A Windows with the firewall, of which nobody has set anything. */
static void start(void) {
        (void) RegDeleteTreeW(HKEY_LOCAL_MACHINE, WMI);
        text(CREATOR, NULL, L"");
        text(IN_FORCE L"VMSetting", NULL, L"");
        text(IN_FORCE L"Profile", NULL, L"");
        text(IN_FORCE L"Rule", NULL, L"");
}

static bool nothing_is_set(void) {
        return sight.seen == HYPERV_PRESENT && sight.enabled == HYPERV_NOT_SET &&
               sight.host_rules == HYPERV_NOT_SET && sight.inbound == HYPERV_ACTION_NOT_SET &&
               sight.n_profiles == 0 && sight.n_rules == 0 && sight.n_no_force == 0;
}

static void test_what_windows_has(void) {
        static const wchar_t *const classes[] = {CREATOR, IN_FORCE L"VMSetting",
                                                 IN_FORCE L"Profile", IN_FORCE L"Rule"};

        start();
        look();
        check("all classes, without objects", nothing_is_set());
        (void) RegDeleteTreeW(HKEY_LOCAL_MACHINE, CREATOR);
        look();
        check("no such class, as in Windows 10", sight.seen == HYPERV_ABSENT);
        number(WMI, L"Error", (DWORD) WBEM_E_INVALID_NAMESPACE);
        look();
        check("no such namespace", sight.seen == HYPERV_ABSENT);
        start();
        number(WMI, L"Error", (DWORD) WBEM_E_ACCESS_DENIED);
        look();
        check("the namespace is not for us", sight.seen == HYPERV_UNSEEN);
        for (size_t i = 0; i < ARRAYSIZE(classes); i++) {
                start();
                number(classes[i], L"Error", (DWORD) WBEM_E_ACCESS_DENIED);
                look();
                check("a class is not for us", sight.seen == HYPERV_UNSEEN);
        }
}

static void test_settings(void) {
        start();
        text(SETTING(L"1"), L"Name", OTHER);
        number(SETTING(L"1"), L"Enabled", 0);
        number(SETTING(L"1"), L"AllowHostPolicyMerge", 1);
        number(SETTING(L"1"), L"DefaultInboundAction", 2);
        null(SETTING(L"2"), L"Name");
        number(SETTING(L"2"), L"Enabled", 0);
        look();
        check("settings of other creators", nothing_is_set());
        text(SETTING(L"3"), L"Name", L"{40e0ac32-46a5-438a-a0b2-2b479e8f2e90}");
        number(SETTING(L"3"), L"Enabled", 1);
        number(SETTING(L"3"), L"AllowHostPolicyMerge", 0);
        number(SETTING(L"3"), L"DefaultInboundAction", 4);
        text(SETTING(L"4"), L"Name", OTHER);
        number(SETTING(L"4"), L"AllowHostPolicyMerge", 1);
        look();
        check("the setting for WSL among others", sight.enabled == HYPERV_ON &&
                                                          sight.host_rules == HYPERV_OFF &&
                                                          sight.inbound == HYPERV_BLOCK);
        null(SETTING(L"3"), L"Enabled");
        null(SETTING(L"3"), L"DefaultInboundAction");
        (void) RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, SETTING(L"3"), L"AllowHostPolicyMerge");
        look();
        check("properties that are NULL or not there", nothing_is_set());
        start();
        text(WMI L"\\PersistentStore\\MSFT_NetFirewallHyperVVMSetting\\1", L"Name", WSL);
        number(WMI L"\\PersistentStore\\MSFT_NetFirewallHyperVVMSetting\\1", L"Enabled", 0);
        look();
        check("what is set, and not in force", nothing_is_set());
}

static void test_profiles(void) {
        static const wchar_t *const keys[] = {PROFILE(L"2"), PROFILE(L"3"), PROFILE(L"4"),
                                              PROFILE(L"5")};
        bool good = true;

        start();
        text(PROFILE(L"1"), L"Name", OTHER L"_1");
        number(PROFILE(L"1"), L"AllowLocalFirewallRules", 0);
        for (DWORD i = 0; i < ARRAYSIZE(keys); i++) { /* one more than there are */
                text(keys[i], L"Name", WSL L"_x");
                number(keys[i], L"Profile", 1u << i);
                number(keys[i], L"Enabled", 1);
                number(keys[i], L"AllowLocalFirewallRules", i % 2);
                number(keys[i], L"DefaultInboundAction", i % 2 ? HYPERV_ALLOW : HYPERV_BLOCK);
        }
        look();
        for (size_t i = 0; i < sight.n_profiles && i < HYPERV_PROFILES_MAX; i++)
                good &= sight.profiles[i].profile == 1u << i &&
                        sight.profiles[i].enabled == HYPERV_ON &&
                        sight.profiles[i].local_rules == (HypervSwitch) (i % 2) &&
                        sight.profiles[i].inbound == (i % 2 ? HYPERV_ALLOW : HYPERV_BLOCK);
        check("the profiles of WSL", good && sight.n_profiles == HYPERV_PROFILES_MAX);
        start();
        text(PROFILE(L"1"), L"Name", WSL);
        null(PROFILE(L"1"), L"Profile");
        null(PROFILE(L"1"), L"AllowLocalFirewallRules");
        look();
        check("a profile of which nothing is said",
              sight.n_profiles == 1 && sight.profiles[0].profile == 0 &&
                      sight.profiles[0].enabled == HYPERV_NOT_SET &&
                      sight.profiles[0].local_rules == HYPERV_NOT_SET &&
                      sight.profiles[0].inbound == HYPERV_ACTION_NOT_SET);
}

static void rule(const wchar_t *key, const wchar_t *name, DWORD status) {
        text(key, L"ElementName", name);
        number(key, L"EnforcementStatus", status);
}

static void test_rules(void) {
        start();
        rule(RULE(L"1"), L"Core Networking", 5);
        rule(RULE(L"2"), L"wslbridge 0.0.0.0:80", HYPERV_STATUS_FULLY);
        rule(RULE(L"3"), L"wslbridge 0.0.0.0:53/udp", HYPERV_STATUS_PARTLY);
        text(RULE(L"4"), L"ElementName", L"wslbridge [::]:80");
        null(RULE(L"4"), L"EnforcementStatus");
        null(RULE(L"5"), L"ElementName");
        look();
        check("rules of ours, enforced", sight.n_rules == 3 && sight.n_no_force == 0);
        rule(RULE(L"6"), L"wslbridge 0.0.0.0:81", HYPERV_STATUS_NO_PORTS);
        look();
        check("one that fits no interface", sight.n_rules == 4 && sight.n_no_force == 1 &&
                                                    sight.status == HYPERV_STATUS_NO_PORTS);
        rule(RULE(L"7"), L"wslbridge 0.0.0.0:82", 5);
        rule(RULE(L"8"), L"wslbridge 0.0.0.0:83", 4);
        look();
        check("the worst counts", sight.n_no_force == 3 && sight.status == 5);
}

int main(void) {
        IUnknown *factory;
        DWORD cookie;

        if (FAILED(CoInitializeEx(NULL, COINIT_MULTITHREADED)) ||
            FAILED(DllGetClassObject(&CLSID_WbemLocator, &IID_IClassFactory, (void **) &factory)) ||
            FAILED(CoRegisterClassObject(&CLSID_WbemLocator, factory, CLSCTX_INPROC_SERVER,
                                         REGCLS_MULTIPLEUSE, &cookie)))
                check("the tests' own WMI", false);
        test_what_windows_has();
        test_settings();
        test_profiles();
        test_rules();
        (void) RegDeleteTreeW(HKEY_LOCAL_MACHINE, WMI);
        printf("%d failed\n", n_failed);
        return n_failed != 0;
}
