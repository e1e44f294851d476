/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl check.
 */

#include "agent/config/check.h"
#include "agent/ctl/ctl.h"

int ctl_check(const CtlOptions *o, int n, char **names) {
        return config_check(o->root);
}
