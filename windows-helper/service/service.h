/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The helper under Windows' service manager: its states and its controls.
 */

#include "common/names.h"
#include "windows-helper/service/helper.h"

/* How long the service manager is asked to wait for the end: withdrawing 10,000 rules and their
 * firewall rules may take a while. */
#define SERVICE_STOP_HINT_MS 60000

#define SERVICE_EVENT_SOURCE L"" NAMES_EVENT_SOURCE /* in the Event Log */

#define SERVICE_NAME  L"" NAMES_HELPER_SERVICE
#define SERVICE_TITLE L"wslbridge helper"
#define SERVICE_ABOUT \
        L"Keeps port forwarding to WSL2 and Hyper-V guests pointing at the guests' addresses."

/* Our own control code (128 to 255 belong to the service): end, but leave all rules in force for
 * the successor that starts at once. It keeps them for agents that come back in time. */
#define SERVICE_CONTROL_HAND_OVER 128

/**
 * service_run() - be the service until the service manager ends it
 * @options: borrowed; .stop is not used
 *
 * Only for a process that the service manager has started. In any other process this fails after a
 * while (10 s under Wine 8), so the command line says which of the two it is.
 *
 * Return: 0; -ENOTCONN when the service manager did not start us; or negative errno (logged).
 */
int service_run(const HelperOptions *options);
