/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows' IP Helper service, which listens and forwards for the PortProxy values.
 */

/**
 * iphlpsvc_activate() - make it read the PortProxy values again (fact 4.1)
 *
 * Sends SERVICE_CONTROL_PARAMCHANGE; restarts nothing, so connections of unchanged rules live on.
 *
 * Return: 0; -ENOENT when there is no such service; -ESRCH when it is not running; another
 * negative errno (logged).
 */
int iphlpsvc_activate(void);
