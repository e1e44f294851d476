/* SPDX-License-Identifier: MIT */
#pragma once

/* Log lines about peers that are turned away. */

#include "agent/loopback/shared.h"

/* @peer has sent something to this port and is not the host. Others cannot fill the log with it. */
void strangers_log(Shared *shared, const LoopbackPort *port, const IpAddr *peer);
