/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which port forwardings of others may be adopted, and how their endpoints are typed. The text of a
 * conflict, the doctor and the command 'adopt' all ask here.
 */

#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"

/* The offer in the text of a conflict, with the endpoint as ip_endpoint_format() writes it. The
 * doctors find it there (common/adoption-text.h). */
#define ADOPTION_TEXT "take it over ('wslbridge-helper adopt %s')"

#define ADOPTION_ENDPOINTS_MAX 2 /* '*' means all addresses of both IP versions */

/**
 * adoption_possible() - can an administrator have this value taken over?
 * @entry: what the ledger has for the same endpoint, or NULL
 *
 * Not what is ours already, not a value whose name is no endpoint, and not one that is no plain
 * string: a copy of its text is the proof that nobody has changed it since. A value of the relay's
 * table can be: an older helper, or one that has lost its ledger, may have left it.
 */
bool adoption_possible(const RuleValue *value, const LedgerEntry *entry);

/* True when an administrator asked to take over exactly this value. @adoptions: the requests,
 * sorted. @value: its name is an endpoint */
bool adoption_is_asked(const RuleTable *adoptions, const RuleValue *value);

/* The same for a value that can become ours as it is, because its text, and its name up to a "*",
 * are those that we would write. *ret_entry then proves it, for an owner who is still to be named.
 */
bool adoption_proof(const RuleTable *adoptions, const RuleValue *value, LedgerEntry *ret_entry);

/**
 * adoption_parse() - the endpoint that an administrator has typed
 * @text: ADDRESS:PORT or ADDRESS/PORT, where ADDRESS may be '*' and may have brackets, which an
 *        IPv6 address needs before a colon; or PORT, which stands for 0.0.0.0:PORT; and behind it
 *        "/udp" for an endpoint of UDP
 *
 * Return: the number of endpoints, or -EINVAL.
 */
int adoption_parse(const char *text, IpEndpoint ret[ADOPTION_ENDPOINTS_MAX]);
