/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A Windows Firewall in this process, as COM objects: a policy, its rules, and the enumeration of
 * these. Like that of Windows, it lets several rules have one name, Item() and Remove() take the
 * first of a name, and each property of a rule is in force as it is put. Everything that is put is
 * recorded.
 */

#include "windows-helper/host/firewall-rule.h"

#define FAKE_RULES_MAX 32
#define FAKE_TEXT_MAX  4096

typedef enum FakeText {
        NAME,
        ABOUT,
        PORTS,
        LOCAL,
        REMOTE,
        GROUPING,
        PROGRAM,
        SERVICE,
        _FAKE_TEXT_END
} FakeText;

typedef struct FakeRule {
        INetFwRule rule; /* the first member, because COM's pointer points here */
        wchar_t texts[_FAKE_TEXT_END][FAKE_TEXT_MAX];
        LONG protocol, profiles;
        NET_FW_RULE_DIRECTION direction;
        NET_FW_ACTION action;
        VARIANT_BOOL enabled;
        bool stored; /* it is in the firewall; otherwise it was only made, or removed */
} FakeRule;

/* What the policy answers: sums of profiles, and … */
typedef enum FakeSetting {
        CONNECTED,
        OFF,
        SHUT,
        LETS_IN,
        STATE,   /* NET_FW_MODIFY_STATE */
        PARTLY,  /* 1: STATE holds for some of the profiles, so the call returns S_FALSE */
        PRODUCT, /* 1: another product takes the category CATEGORY from Windows Firewall */
        CATEGORY,
        UNSUPPORTED, /* 1: the state cannot be asked for, as in Wine */
        HANGS,       /* 1: it does not say which networks are connected until this is 0 */
        REMOVING,    /* milliseconds that it needs to remove a rule */
        _FAKE_SETTING_END,
} FakeSetting;

#define FAKE_PRODUCT L"Some Firewall"
#define FAKE_SETTINGS_KEY                                                       \
        L"SOFTWARE\\wslbridge-test" /* values "Firewall0" and so on (REG_DWORD) \
                                     */

#define FAKE_RULES_VALUE                                                        \
        L"FirewallRules" /* there, of a firewall with .from_registry: its rules \
                          */

typedef struct FakeFirewall {
        LONG settings[_FAKE_SETTING_END];
        bool from_registry;             /* the settings are those below FAKE_SETTINGS_KEY instead */
        FakeRule rules[FAKE_RULES_MAX]; /* in the order in which they were made */
        size_t n;
        char record[1024];         /* the names of what was put and called */
        bool seen[FAKE_RULES_MAX]; /* by the collection: those that were stored when it was opened,
                                    * and its own changes (fact 5.1.14) */
        int fail_after;            /* from the call after so many on, everything fails; -1: never */
        void (*watch)(FakeRule *rule); /* called after each put on a stored rule; NULL: nobody */
} FakeFirewall;

extern FakeFirewall fake_firewall;

/* Make an empty firewall. */
void fake_firewall_reset(void);

void fake_note(const char *what); /* add to the record */
bool fake_alive(void);            /* whether the firewall still answers; counts .fail_after down */

/* Make a rule that is not stored yet, as a new one of Windows is. */
FakeRule *fake_rule_new(void);

/* Let CoCreateInstance() of this process make these objects from now on. */
HRESULT fake_firewall_register(void);

/* The factory of a class; NULL: it is none of ours. */
IClassFactory *fake_firewall_factory(REFCLSID clsid);
