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

/* While a guest has changes left, only the last of them is activated, and those of other guests
 * before it: iphlpsvc reads all values again each time. It is told in between when ports move from
 * it to the relay. All of a guest's go before the first of them comes back. */
ApplyActivation forwarder_activation(const Controller *controller, const ReconcilePlan *plan);

/* iphlpsvc has started or stopped, or may have lost our values: it is told again if it has some. */
void forwarder_changed(Controller *controller);

/* The relay runs while its table has values, ours or not, and a helper serves. */
void forwarder_want_relay(const Controller *controller);
