/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The relay under Windows' service manager.
 */

#include "windows-helper/relay/relay.h"

/**
 * relay_service_run() - be the service until the service manager ends it
 * @options: borrowed; .stop is not used
 *
 * Return: 0; -ENOTCONN when the service manager did not start us; or negative errno (logged).
 */
int relay_service_run(const RelayOptions *options);
