/* SPDX-License-Identifier: MIT */

/*
 * Judges one endpoint against what else decides in Windows. See reach.h.
 */

#include "windows-helper/core/firewall/reach.h"

#include "windows-helper/core/base/result.h"

#include <stdio.h>
#include <string.h>

#define RULE_NAME_SHOWN 48 /* bytes of the name of somebody's rule that fit into a text */

static const struct {
        uint8_t profile;
        const char *name;
} profile_names[] = {
        {WIRE_PROFILE_DOMAIN, "domain"},
        {WIRE_PROFILE_PRIVATE, "private"},
        {WIRE_PROFILE_PUBLIC, "public"},
};

#define PROFILES (sizeof(profile_names) / sizeof(profile_names[0]))

typedef struct Reach {
        const FirewallSight *sight;
        const IpEndpoint *listen;
        const WireState *state;
        const WireService *service;
        uint8_t open;     /* connected profiles in which the service's people get in */
        uint8_t open_all; /* … in which everybody gets in. Then .open does not count. */
        uint8_t shut;     /* connected profiles that the service opens, shut by "block all" */
        uint8_t blocked;  /* … by a rule */
        const FirewallBlock *block; /* one of these rules */
} Reach;

/* @last: what stands before the last one */
static void reach_list(uint8_t profiles, const char *last, char *ret_text) {
        size_t n = 0, left = 0;

        for (size_t i = 0; i < PROFILES; i++)
                left += (profiles & profile_names[i].profile) != 0;
        (void) strcpy(ret_text, "none"); /* the first name takes its place */
        for (size_t i = 0; i < PROFILES; i++) {
                if (!(profiles & profile_names[i].profile))
                        continue;
                left--;
                n += (size_t) snprintf(ret_text + n, FIREWALL_PROFILES_TEXT_MAX - n, "%s%s",
                                       profile_names[i].name,
                                       left > 1   ? ", "
                                       : left > 0 ? last
                                                  : "");
        }
}

void firewall_profiles_text(uint8_t profiles, char ret_text[FIREWALL_PROFILES_TEXT_MAX]) {
        reach_list(profiles, " and ", ret_text);
}

/* Rules that block win over those that let in, even where all are let in (fact 5.1.10). */
static const FirewallBlock *reach_block(const Reach *r, uint8_t profile) {
        for (size_t i = 0; i < r->sight->n_blocks; i++)
                if (r->sight->blocks[i].profiles & profile &&
                    firewall_block_whom(&r->sight->blocks[i], r->listen, r->state, r->service) ==
                            FIREWALL_EVERYBODY)
                        return &r->sight->blocks[i];
        return NULL;
}

static void reach_judge_profile(Reach *r, uint8_t profile) {
        const FirewallSight *s = r->sight;
        bool opened = r->service->profiles & profile & ~s->overridden;
        const FirewallBlock *block;

        if (s->off & profile) {
                r->open_all |= profile;
        } else if (s->shut & profile) {
                r->shut |= profile;
        } else if (opened || s->lets_in & profile) {
                block = reach_block(r, profile);
                if (block) {
                        r->blocked |= profile;
                        r->block = block;
                        return;
                }
                r->open |= profile;
                if (s->lets_in & profile)
                        r->open_all |= profile;
        }
}

/* The networks that matter to people. The adapters of virtual switches usually count as an
 * unidentified network, which is a public one (fact 5.1.9). Beside another network nothing tells
 * them from a real public one, so nobody is advised about it; it is only said that it is closed. */
static uint8_t reach_named(uint8_t profiles) {
        uint8_t others = profiles & (uint8_t) ~WIRE_PROFILE_PUBLIC;

        return others ? others : profiles;
}

/* What a user can do about networks of another kind than the service opens. "direct: …" may come
 * before it, and the whole must fit. */
static void reach_mismatch(const Reach *r, char ret_text[WIRE_TEXT_MAX + 1]) {
        char networks[FIREWALL_PROFILES_TEXT_MAX], opened[FIREWALL_PROFILES_TEXT_MAX];
        char both[FIREWALL_PROFILES_TEXT_MAX];
        uint8_t named = reach_named(r->sight->connected);
        bool private = named == WIRE_PROFILE_PUBLIC && r->service->profiles & WIRE_PROFILE_PRIVATE;

        firewall_profiles_text(named, networks);
        firewall_profiles_text(r->service->profiles, opened);
        reach_list(r->service->profiles | named, ", ", both);
        result_text(
                ret_text,
                "the host's network is %s, the service opens %s; %sset firewall = %s, if the "
                "policy allows it%s",
                networks, opened, private ? "make that network private in Windows, or " : "", both,
                named != r->sight->connected ? "; networks that Windows calls public stay closed"
                                             : "");
}

static WireReason reach_nobody(const Reach *r, char ret_text[WIRE_TEXT_MAX + 1]) {
        static const char nobody[] = "no other machine can connect now";
        char mismatch[WIRE_TEXT_MAX + 1];

        if (r->sight->connected == 0)
                result_text(ret_text, "%s: the host is on no network", nobody);
        else if (r->shut)
                result_text(ret_text,
                            "%s: Windows Firewall blocks all incoming connections and ignores "
                            "rules; turn that off in its settings for this network",
                            nobody);
        else if (r->sight->overridden & r->sight->connected & r->service->profiles)
                result_text(ret_text,
                            "%s: Group Policy makes Windows Firewall ignore local rules; ask for a "
                            "rule in Group Policy that opens this port",
                            nobody);
        else if (r->blocked)
                result_text(
                        ret_text,
                        "no other machine can connect to port %u now: the rule '%.*s' of Windows "
                        "Firewall blocks it; disable that rule, or listen on another port",
                        (unsigned) r->listen->port, RULE_NAME_SHOWN, r->block->name);
        else {
                reach_mismatch(r, mismatch);
                result_text(ret_text, "%s: %s", nobody, mismatch);
        }
        return WIRE_REASON_UNREACHABLE;
}

static WireReason reach_off(const Reach *r, char ret_text[WIRE_TEXT_MAX + 1]) {
        char networks[FIREWALL_PROFILES_TEXT_MAX];

        firewall_profiles_text(r->open_all, networks);
        if (r->sight->product[0]) {
                result_text(ret_text,
                            "Windows Firewall is off for the host's %s network; %s decides who "
                            "gets in, so open the port there",
                            networks, r->sight->product);
                return WIRE_REASON_FIREWALL;
        }
        result_text(ret_text,
                    "open to everybody on the host's %s network, whatever firewall and remote "
                    "say: Windows Firewall is off there, or allows everything that no rule blocks",
                    networks);
        return WIRE_REASON_FIREWALL_OFF;
}

/* Rules that keep out some of those who get in otherwise. Return: their number. @ret_first: one. */
static unsigned reach_partly(const Reach *r, const FirewallBlock **ret_first) {
        unsigned n = 0;

        for (size_t i = 0; i < r->sight->n_blocks; i++) {
                const FirewallBlock *b = &r->sight->blocks[i];

                if (b->profiles & r->open &&
                    firewall_block_whom(b, r->listen, r->state, r->service) == FIREWALL_SOME &&
                    n++ == 0)
                        *ret_first = b;
        }
        return n;
}

/* What else decides; "" when nothing does. Another product takes the place of these rules. */
static WireReason reach_but(const Reach *r, char *ret_text, size_t size) {
        const FirewallBlock *block = NULL;
        unsigned n;
        int used = 0;

        ret_text[0] = '\0';
        if (r->sight->product[0]) {
                (void) snprintf(ret_text, size,
                                "; %s filters, too: open the port there if nobody gets in",
                                r->sight->product);
                return WIRE_REASON_FIREWALL;
        }
        n = reach_partly(r, &block);
        if (n == 1)
                used = snprintf(ret_text, size,
                                "; the rule '%.*s' of Windows Firewall may keep out some of them",
                                RULE_NAME_SHOWN, block->name);
        else if (n > 1)
                used = snprintf(ret_text, size,
                                "; the rule '%.*s' of Windows Firewall and %u more may keep out "
                                "some of them",
                                RULE_NAME_SHOWN, block->name, n - 1);
        if (r->sight->n_unread)
                (void) snprintf(ret_text + used, size - (size_t) used,
                                "; not looked at: %u blocking rule%s of Group Policy or Intune",
                                r->sight->n_unread, r->sight->n_unread == 1 ? "" : "s");
        return WIRE_REASON_NONE;
}

static WireReason reach_open(const Reach *r, char ret_text[WIRE_TEXT_MAX + 1]) {
        static const char *const people[] = {
                [WIRE_REMOTE_LOCAL_SUBNET] = "the local subnet",
                [WIRE_REMOTE_ANY] = "everybody",
                [WIRE_REMOTE_LIST] = "the addresses in remote",
        };
        uint8_t closed = r->sight->connected & (uint8_t) ~r->open;
        uint8_t named = closed & (uint8_t) ~WIRE_PROFILE_PUBLIC;
        char networks[FIREWALL_PROFILES_TEXT_MAX], others[FIREWALL_PROFILES_TEXT_MAX];
        char but[WIRE_TEXT_MAX + 1];
        WireReason reason = reach_but(r, but, sizeof(but));

        firewall_profiles_text(r->open, networks);
        firewall_profiles_text(named, others);
        result_text(ret_text, "open to %s on the host's %s network%s%s%s%s%s",
                    people[r->service->remote], networks, named ? ", not on its " : "",
                    named ? others : "", named ? " one" : "",
                    closed & WIRE_PROFILE_PUBLIC ? ", not on public ones" : "", but);
        return reason;
}

WireReason firewall_reach(const FirewallSight *sight, const IpEndpoint *listen,
                          const WireState *state, const WireService *service,
                          char ret_text[WIRE_TEXT_MAX + 1]) {
        Reach r = {.sight = sight, .listen = listen, .state = state, .service = service};

        ret_text[0] = '\0';
        if (!sight->known || ip_is_loopback(&listen->addr)) /* no firewall is between */
                return WIRE_REASON_NONE;
        for (size_t i = 0; i < PROFILES; i++)
                if (sight->connected & profile_names[i].profile)
                        reach_judge_profile(&r, profile_names[i].profile);
        if (r.open_all)
                return reach_off(&r, ret_text);
        if (service->profiles == 0) { /* as it was asked for */
                result_text(ret_text, "opens nothing in Windows Firewall (firewall = none); rules "
                                      "of others decide who gets in");
                return WIRE_REASON_NONE;
        }
        return r.open ? reach_open(&r, ret_text) : reach_nobody(&r, ret_text);
}

unsigned firewall_reach_rank(uint16_t reason) {
        switch (reason) {
        case WIRE_REASON_UNREACHABLE:
                return 3;
        case WIRE_REASON_FIREWALL_OFF:
                return 2;
        case WIRE_REASON_FIREWALL:
                return 1;
        default:
                return 0;
        }
}

void firewall_sight_text(const FirewallSight *s, char ret_text[WIRE_TEXT_MAX + 1]) {
        char networks[FIREWALL_PROFILES_TEXT_MAX];
        uint8_t off = s->off & s->connected, shut = s->shut & s->connected;

        ret_text[0] = '\0';
        if (!s->known)
                return;
        firewall_profiles_text(s->connected, networks);
        result_text(ret_text, "network: %s; Windows Firewall: %s%s%s", networks,
                    off && off == s->connected     ? "off"
                    : off                          ? "off on a part of these"
                    : shut && shut == s->connected ? "blocks all incoming connections"
                    : shut                         ? "blocks all incoming on a part of these"
                    : s->overridden & s->connected ? "on, local rules ignored by Group Policy"
                    : s->lets_in & s->connected    ? "on, allows everything that no rule blocks"
                                                   : "on",
                    s->product[0] ? "; another firewall: " : "", s->product);
}
