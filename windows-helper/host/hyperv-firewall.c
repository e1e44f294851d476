/* SPDX-License-Identifier: MIT */

/*
 * Three classes of WMI, as they are in force: what Group Policy, Intune and administrators have set
 * together is in the store "ActiveStore" (fact 5.2.4).
 */

#include "windows-helper/host/hyperv-firewall.h"
#include "windows-helper/core/firewall/firewall.h"
#include "windows-helper/host/wmi.h"

#include <string.h>

#define HYPERV_INVALID_NAMESPACE ((HRESULT) 0x8004100e) /* WBEM_E_INVALID_NAMESPACE */
#define HYPERV_INVALID_CLASS     ((HRESULT) 0x80041010) /* WBEM_E_INVALID_CLASS */
#define HYPERV_TEXT_MAX          64

static bool hyperv_is_wsl(WmiSeen *object, const wchar_t *property) {
        char text[HYPERV_TEXT_MAX];

        wmi_seen_text(object, property, text, sizeof(text));
        return _stricmp(text, HYPERV_WSL_CREATOR) == 0;
}

static bool hyperv_on_setting(void *userdata, WmiSeen *object) {
        HypervSight *s = userdata;

        if (!hyperv_is_wsl(object, L"Name"))
                return true;
        s->enabled = (HypervSwitch) wmi_seen_number(object, L"Enabled", HYPERV_NOT_SET);
        s->host_rules =
                (HypervSwitch) wmi_seen_number(object, L"AllowHostPolicyMerge", HYPERV_NOT_SET);
        s->inbound = (HypervAction) wmi_seen_number(object, L"DefaultInboundAction",
                                                    HYPERV_ACTION_NOT_SET);
        return false;
}

/* A profile's name begins with the creator whose it is. */
static bool hyperv_on_profile(void *userdata, WmiSeen *object) {
        HypervSight *s = userdata;
        char name[HYPERV_TEXT_MAX];

        wmi_seen_text(object, L"Name", name, sizeof(name));
        if (_strnicmp(name, HYPERV_WSL_CREATOR, sizeof(HYPERV_WSL_CREATOR) - 1) != 0)
                return true;
        s->profiles[s->n_profiles++] = (HypervProfile){
                .profile = (uint8_t) wmi_seen_number(object, L"Profile", 0),
                .enabled = (HypervSwitch) wmi_seen_number(object, L"Enabled", HYPERV_NOT_SET),
                .local_rules = (HypervSwitch) wmi_seen_number(object, L"AllowLocalFirewallRules",
                                                              HYPERV_NOT_SET),
                .inbound = (HypervAction) wmi_seen_number(object, L"DefaultInboundAction",
                                                          HYPERV_ACTION_NOT_SET),
        };
        return s->n_profiles < HYPERV_PROFILES_MAX;
}

/* Whether Windows lists the rules that it has taken over is not known (fact 5.2.6). */
static bool hyperv_on_rule(void *userdata, WmiSeen *object) {
        HypervSight *s = userdata;
        char name[FIREWALL_NAME_MAX];
        IpEndpoint listen;
        uint32_t status;

        wmi_seen_text(object, L"ElementName", name, sizeof(name));
        if (firewall_rule_parse_name(name, &listen) < 0)
                return true;
        s->n_rules++;
        status = wmi_seen_number(object, L"EnforcementStatus", HYPERV_STATUS_FULLY);
        if (status == HYPERV_STATUS_FULLY || status == HYPERV_STATUS_PARTLY)
                return true;
        s->n_no_force++;
        if (status > s->status)
                s->status = (uint16_t) status;
        return true;
}

void hyperv_firewall_read(HypervSight *ret_sight) {
        HypervSight *s = ret_sight;
        const WmiQuestion creators = {L"MSFT_NetFirewallHyperVVMCreator", NULL, NULL, NULL};
        const WmiQuestion questions[] = {
                {L"MSFT_NetFirewallHyperVVMSetting", HYPERV_STORE, hyperv_on_setting, s},
                {L"MSFT_NetFirewallHyperVProfile", HYPERV_STORE, hyperv_on_profile, s},
                {L"MSFT_NetFirewallHyperVRule", HYPERV_STORE, hyperv_on_rule, s},
        };
        HRESULT hr;
        size_t n;

        *s = (HypervSight){.enabled = HYPERV_NOT_SET, .host_rules = HYPERV_NOT_SET};
        hr = wmi_ask(&creators, &n); /* there is the class wherever there is the firewall */
        if (hr == HYPERV_INVALID_CLASS || hr == HYPERV_INVALID_NAMESPACE)
                s->seen = HYPERV_ABSENT;
        if (FAILED(hr))
                return;
        s->seen = HYPERV_PRESENT;
        for (size_t i = 0; i < ARRAYSIZE(questions); i++)
                if (FAILED(wmi_ask(&questions[i], &n)))
                        s->seen = HYPERV_UNSEEN;
}
