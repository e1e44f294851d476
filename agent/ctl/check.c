/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl check: reads the configuration as the agent would, and reports what is wrong in it.
 */

#include "agent/config/check.h"
#include "agent/ctl/ctl.h"

int ctl_check(const CtlOptions *o, int n, char **names) {
        return config_check(o->root);
}
