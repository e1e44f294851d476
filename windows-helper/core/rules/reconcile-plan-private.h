/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The last step of reconcile().
 */

#include "windows-helper/core/rules/reconcile.h"

/* Put removals first. Removals and the rest stay sorted by endpoint. Return: 0 or -ENOMEM. */
int reconcile_plan_order(ReconcilePlan *plan);
