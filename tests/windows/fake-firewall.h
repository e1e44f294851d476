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

typedef enum FakeText { NAME, ABOUT, PORTS, LOCAL, REMOTE, GROUPING, _FAKE_TEXT_END } FakeText;

typedef struct FakeRule {
        INetFwRule rule; /* the first member, because COM's pointer points here */
        wchar_t texts[_FAKE_TEXT_END][FAKE_TEXT_MAX];
        LONG protocol, profiles;
        NET_FW_RULE_DIRECTION direction;
        NET_FW_ACTION action;
        VARIANT_BOOL enabled;
        bool stored; /* it is in the firewall; otherwise it was only made, or removed */
} FakeRule;

typedef struct FakeFirewall {
        FakeRule rules[FAKE_RULES_MAX]; /* in the order in which they were made */
        size_t n;
        char record[1024]; /* the names of what was put and called */
        int fail_after;    /* from the call after so many on, everything fails; -1: never */
        void (*watch)(FakeRule *rule); /* called after each put on a stored rule; NULL: nobody */
} FakeFirewall;

extern FakeFirewall fake_firewall;

/* Make an empty firewall. */
void fake_firewall_reset(void);

/* Make a rule that is not stored yet, as a new one of Windows is. */
FakeRule *fake_rule_new(void);

/* Let CoCreateInstance() of this process make these objects from now on. */
HRESULT fake_firewall_register(void);
