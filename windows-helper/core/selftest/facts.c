/* SPDX-License-Identifier: MIT */

/*
 * The table of unverified facts, and the table of what decides about each. A code of a line is
 * compared with a number. An observation of the self-test's own is 0 for yes and 1 for no.
 */

#include "windows-helper/core/selftest/facts.h"

#include <errno.h>
#include <string.h>

#define WSA_ACCESS_DENIED  10013
#define WSA_ADDRESS_IN_USE 10048

const UnverifiedFact unverified_facts[] = {
        {"1.3.1", "Hyper-V sockets take the option HVSOCKET_CONNECTED_SUSPEND.",
         "The helper listens without it; agents connect again after a sleep."},
        {"1.3.5", "A second listener on one Hyper-V address is refused with error 10048.",
         "The helper logs the other error and tries again just the same."},
        {"1.3.6", "An accept that waits ends with an error when its VM stops.",
         "The helper closes the listener when the list of VMs no longer has the VM."},
        {"1.3.7", "GetAcceptExSockaddrs finds the peer of a Hyper-V connection.",
         "The helper searches the buffer of AcceptEx for the address."},
        {"1.3.8", "Binding a Hyper-V socket to an id that no VM has is refused.",
         "The helper has a listener that nobody reaches, until the list of VMs corrects it."},
        {"1.3.9", "A closed listener frees its Hyper-V address at once.",
         "A restarted helper may not be reached until Windows restarts."},
        {"2.1.2", "A service that runs as SYSTEM may listen to the WSL VM of a user.",
         "No agent of WSL can connect; the helper logs LISTEN_PROBLEM and makes no rule."},
        {"2.1.5", "wsl.exe writes UTF-8 when WSL_UTF8 is 1.",
         "The helper decodes each line by its own bytes."},
        {"2.2.5", "SYSTEM gets the list of VMs without any privilege.",
         "The helper reads the list of VMs from the registry."},
        {"2.2.7", "The registry lists the VMs while one runs.",
         "The helper has no second source when the Host Compute Service does not answer."},
        {"2.2.8", "The registry notifies when a VM starts.",
         "The helper looks for VMs every 5 seconds."},
        {"2.2.10", "computecore.dll loads into this program, also where Windows emulates x64.",
         "The helper reads the list of VMs from the registry."},
        {"2.6.1", "A sleep may leave Hyper-V sockets dead.", "Nothing changes."},
        {"3.1.1", "The peer's address has the port of the guest's socket.",
         "The port counts as not known; RequirePrivilegedSourcePort refuses all agents."},
        {"3.1.2", "The peer's address has the runtime id of its VM.",
         "The id of the listener's VM counts; all guests of plain Hyper-V count as one VM."},
        {"4.1.4", "Without a listen address, 0.0.0.0 or * is what netsh stores.",
         "The helper takes the value for somebody else's that it does not understand."},
        {"4.1.6", "iphlpsvc reads the rules again when it gets PARAMCHANGE.",
         "The helper sees that nobody listens, says so, and tells iphlpsvc again every 30 "
         "seconds."},
        {"4.1.7", "Connections of unchanged rules survive a change of another rule.",
         "The helper writes changes in batches, so connections are cut seldom."},
        {"4.1.11", "A port stays open while its target changes.",
         "The port of a rule is closed for a moment when its guest gets another address."},
        {"4.3.4", "A listener on 127.0.0.1 does not keep iphlpsvc from listening on 0.0.0.0.",
         "The service is shown as in conflict with WSL's relay."},
        {"4.3.7", "iphlpsvc does not try a failed bind again by itself.",
         "The helper sends one PARAMCHANGE more than needed."},
        {"4.3.8", "A port that is forwarded belongs to the process of iphlpsvc.",
         "The service is shown as in conflict although it works."},
        {"4.3.12", "iphlpsvc on 0.0.0.0 keeps others off 127.0.0.1.", "Nothing changes."},
        {"5.1.5", "Add() with a name that exists makes a second rule of Windows Firewall.",
         "Nothing changes."},
        {"5.1.8", "A property of a firewall rule is in force as it is put.",
         "The next look finds the old rule, and the helper tries again."},
        {"5.1.14", "A list of firewall rules shows what is added later.", "Nothing changes."},
        {"5.1.15", "All firewall rules are read within two seconds.",
         "Meanwhile the helper answers nobody."},
        {"5.2.2", "In mode nat the host reaches the guest through the Hyper-V firewall.",
         "Forwarded ports accept a connection that then times out."},
        {"5.2.6", "In mode mirrored our rules are listed, and enforced, in the Hyper-V firewall.",
         "Nobody on the network may reach services in mode mirrored; the doctor says why."},
        {"8.1.3", "A VM that runs does not see a service that is registered now.",
         "Nothing changes. The self-test cannot find this out."},
        {"9.1.2", "A service gets PBT_APMRESUMEAUTOMATIC after each sleep.",
         "The helper sees a sleep by its clocks, at the latest after 30 seconds."},
        {"9.1.4", "A service runs with only the privileges that it names.",
         "The service has more privileges than it asks for, and works just the same."},
        {"9.1.16", "A restricted service can read the registry, and not write it.",
         "The relay ends, or may do more than it needs."},
        {"9.1.17", "A restricted service can make sockets.",
         "The relay names each port that it cannot open."},
        {"9.1.18", "A restricted service can report events.", "What the relay reports is lost."},
        {"9.2.6", "MOVEFILE_DELAY_UNTIL_REBOOT makes an entry in the form that is known.",
         "An update that was killed halfway is brought back by 'install', not by a restart."},
        {"9.2.7", "A program that runs can be renamed, and not deleted.",
         "An update fails while the old version still serves, and names the file."},
        {"9.3.14", "A UDP socket on all addresses answers from the one that was asked.",
         "Clients that asked another address of this host do not take the relay's answer."},
        {"9.3.17",
         "A listener on all addresses comes beside one on 127.0.0.1 if it is not exclusive.",
         "The relay is blocked where WSL's own relay has the port on 127.0.0.1."},
        {"9.3.19", "WSASendMsg may refuse an address of the host.", "Nothing changes."},
        {"9.3.20", "AcceptEx fails for a client that has left, and says why.",
         "Such a client may let the relay's port listen anew."},
        {"9.3.21", "An exclusive 0.0.0.0 keeps others off 127.0.0.1.", "Nothing changes."},
};
const size_t n_unverified_facts = sizeof(unverified_facts) / sizeof(unverified_facts[0]);

typedef enum RuleKind {
        RULE_IS,            /* holds if the code is the number, otherwise it does not */
        RULE_IS_NOT,        /* the other way round */
        RULE_SHOWS,         /* holds if the code is not the number; otherwise nothing is known */
        RULE_IS_RESTRICTED, /* as RULE_IS; nothing is known unless the token is restricted */
} RuleKind;

#define ANY_PASS _SELFTEST_PASS_END

static const struct {
        const char *id, *key;
        SelftestPass pass;
        RuleKind kind;
        uint32_t number;
} fact_rules[] = {
        {"1.3.1", "hyperv.suspend", ANY_PASS, RULE_IS, 0},
        {"1.3.5", "hyperv.bind.second", ANY_PASS, RULE_IS, WSA_ADDRESS_IN_USE},
        {"1.3.6", "life.pending", ANY_PASS, RULE_IS_NOT, 0},
        {"1.3.7", "accept.sockaddrs", ANY_PASS, RULE_IS, 0},
        {"1.3.8", "hyperv.bind.unknown", ANY_PASS, RULE_IS_NOT, 0},
        {"1.3.9", "hyperv.again.wildcard", ANY_PASS, RULE_IS, 0},
        {"1.3.9", "hyperv.again.vm", ANY_PASS, RULE_IS, 0},
        {"1.3.9", "accept.again", ANY_PASS, RULE_IS, 0},
        /* The user's pass, in another process, had the address before. */
        {"1.3.9", "hyperv.bind.wildcard", SELFTEST_SERVICE, RULE_IS_NOT, WSA_ADDRESS_IN_USE},
        {"2.1.2", "hyperv.bind.vm", SELFTEST_SERVICE, RULE_IS, 0},
        {"2.1.5", "wsl.utf8", SELFTEST_USER, RULE_IS, 0},
        {"2.2.5", "hcs.list.none", SELFTEST_SERVICE, RULE_IS, 0},
        {"2.2.7", "store.lists", ANY_PASS, RULE_IS, 0},
        {"2.2.8", "store.notify", ANY_PASS, RULE_IS, 0},
        {"2.2.10", "hcs.load", ANY_PASS, RULE_IS, 0},
        {"2.6.1", "sleep.listener", ANY_PASS, RULE_SHOWS, 0},
        {"3.1.1", "accept.port", ANY_PASS, RULE_IS, 0},
        {"3.1.2", "accept.vm", ANY_PASS, RULE_IS, 0},
        {"4.1.4", "netsh.any", ANY_PASS, RULE_IS, 0},
        {"4.1.6", "portproxy.listens", ANY_PASS, RULE_IS, 0},
        {"4.1.7", "portproxy.survives", ANY_PASS, RULE_IS, 0},
        {"4.1.11", "portproxy.retarget", ANY_PASS, RULE_IS, 0},
        {"4.3.4", "portproxy.beside", ANY_PASS, RULE_IS, 0},
        {"4.3.7", "portproxy.retry", ANY_PASS, RULE_IS_NOT, 0},
        {"4.3.8", "portproxy.process", ANY_PASS, RULE_IS, 0},
        /* SYSTEM is the account of iphlpsvc itself. */
        {"4.3.12", "portproxy.reuse", SELFTEST_USER, RULE_IS_NOT, 0},
        {"5.1.5", "firewall.twice", ANY_PASS, RULE_IS, 0},
        {"5.1.8", "firewall.in-place", ANY_PASS, RULE_IS, 0},
        {"5.1.14", "firewall.older", ANY_PASS, RULE_IS, 0},
        {"5.1.15", "firewall.quick", ANY_PASS, RULE_IS, 0},
        {"5.2.2", "guest.connect", ANY_PASS, RULE_IS, 0},
        {"5.2.6", "hvfw.carried", ANY_PASS, RULE_IS, 0},
        {"9.1.2", "sleep.event", SELFTEST_SERVICE, RULE_IS, 0},
        {"9.1.4", "token.trimmed", SELFTEST_SERVICE, RULE_IS, 0},
        {"9.1.4", "token.trimmed", SELFTEST_RELAY, RULE_IS, 0},
        {"9.1.16", "account.read", SELFTEST_RELAY, RULE_IS_RESTRICTED, 0},
        {"9.1.16", "account.watch", SELFTEST_RELAY, RULE_IS_RESTRICTED, 0},
        {"9.1.16", "account.write", SELFTEST_RELAY, RULE_IS_RESTRICTED, 0},
        {"9.1.17", "account.tcp", SELFTEST_RELAY, RULE_IS_RESTRICTED, 0},
        {"9.1.17", "account.udp", SELFTEST_RELAY, RULE_IS_RESTRICTED, 0},
        {"9.1.18", "account.event", SELFTEST_RELAY, RULE_IS_RESTRICTED, 0},
        {"9.2.6", "files.delay", ANY_PASS, RULE_IS, 0},
        {"9.2.7", "files.rename", ANY_PASS, RULE_IS, 0},
        {"9.2.7", "files.delete", ANY_PASS, RULE_IS_NOT, 0},
        {"9.3.14", "relay.source", ANY_PASS, RULE_IS, 0},
        {"9.3.17", "relay.exclusive", ANY_PASS, RULE_IS, WSA_ADDRESS_IN_USE},
        {"9.3.17", "relay.beside", ANY_PASS, RULE_IS, 0},
        {"9.3.17", "relay.both", ANY_PASS, RULE_IS, 0}, /* fact 9.3.28 */
        {"9.3.19", "relay.refused", ANY_PASS, RULE_SHOWS, 0},
        {"9.3.20", "relay.reset", ANY_PASS, RULE_IS, 0},
        {"9.3.21", "relay.later", ANY_PASS, RULE_IS, WSA_ACCESS_DENIED},
};

const UnverifiedFact *unverified_fact(const char *id) {
        for (size_t i = 0; i < n_unverified_facts; i++)
                if (strcmp(unverified_facts[i].id, id) == 0)
                        return &unverified_facts[i];
        return NULL;
}

static FactVerdict fact_rule(size_t i, const SelftestLine *line) {
        bool is = line->code == fact_rules[i].number;

        switch (fact_rules[i].kind) {
        case RULE_IS:
        case RULE_IS_RESTRICTED:
                return is ? FACT_HOLDS : FACT_FAILS;
        case RULE_IS_NOT:
                return is ? FACT_FAILS : FACT_HOLDS;
        case RULE_SHOWS:
                return is ? FACT_NOT_SEEN : FACT_HOLDS;
        }
        return FACT_NOT_SEEN;
}

/* Windows may restrict the token of a service that is new only after its next restart
 * (fact 9.1.16). Until then the service may do what one that is restricted may not. */
static bool fact_has_token(size_t i, const SelftestLines *lines, SelftestPass pass) {
        const SelftestLine *line = selftest_lines_find(lines, pass, "account.restricted");

        return fact_rules[i].kind != RULE_IS_RESTRICTED || (line && line->code == 0);
}

FactVerdict fact_judge(const UnverifiedFact *fact, const SelftestLines *lines,
                       const SelftestLine **ret_why) {
        FactVerdict verdict = FACT_NOT_SEEN;

        *ret_why = NULL;
        for (size_t i = 0; i < sizeof(fact_rules) / sizeof(fact_rules[0]); i++) {
                if (strcmp(fact_rules[i].id, fact->id) != 0)
                        continue;
                for (unsigned pass = 0; pass < _SELFTEST_PASS_END; pass++) {
                        const SelftestLine *line =
                                selftest_lines_find(lines, (SelftestPass) pass, fact_rules[i].key);
                        FactVerdict v = line ? fact_rule(i, line) : FACT_NOT_SEEN;

                        if (fact_rules[i].pass != ANY_PASS && fact_rules[i].pass != pass)
                                continue;
                        if (!fact_has_token(i, lines, (SelftestPass) pass))
                                continue;
                        if (v <= verdict) /* FACT_FAILS is the highest */
                                continue;
                        verdict = v;
                        *ret_why = line;
                }
        }
        return verdict;
}

static const char *const verdict_names[_FACT_VERDICT_END] = {"not seen", "holds", "does not hold"};

const char *fact_verdict_name(FactVerdict verdict) {
        return verdict_names[verdict];
}

int fact_verdict_parse(const char *name, FactVerdict *ret_verdict) {
        for (unsigned i = 0; i < _FACT_VERDICT_END; i++) {
                if (strcmp(name, verdict_names[i]) == 0) {
                        *ret_verdict = (FactVerdict) i;
                        return 0;
                }
        }
        return -EINVAL;
}
