/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Port forwardings of others that listen on a name (localhost/3493, 0.0.0.0/http). Only Windows
 * knows which address or port that is, so nobody can tell here whether such a value takes one of
 * our endpoints; it is named where its port fits. Of ports with a name, the usual ones are known.
 */

#include "windows-helper/core/rules/reconcile.h"

/* Return: whether @value listens on a name and a port, which is then in @ret_port. */
bool named_rule_port(const RuleValue *value, uint16_t *ret_port);

/* Add a remark to each active service of the plan whose port fits. */
void named_rules_note(const ReconcilePlan *plan);
