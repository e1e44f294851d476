/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: says what the present networking mode means for what is configured.
 */

#include "agent/config/config.h"
#include "agent/ctl/client/agent-state.h"

/**
 * ctl_mode_note() - print what the mode means, unless ports are forwarded in it as usual
 * @report: of the running agent, which knows the mode
 * @config: also name the files that ask for what cannot work in this mode; NULL: do not
 */
void ctl_mode_note(const Report *report, const Config *config);
