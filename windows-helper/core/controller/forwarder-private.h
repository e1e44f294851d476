/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What it means for the services when iphlpsvc does not accept our settings.
 */

#include "windows-helper/core/controller/controller-private.h"
#include "windows-helper/core/rules/apply.h"

/* Remember how iphlpsvc has taken an activation, and log what has changed. Return: true when it has
 * not answered, and may still do so. */
bool forwarder_note(Controller *controller, const ApplyOutcome *outcome, uint64_t now_usec);

/* None of PortProxy's values is in force: worsen the results of @plan that are ACTIVE by them. */
void forwarder_block(Controller *controller, ReconcilePlan *plan, uint64_t now_usec);
