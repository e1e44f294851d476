/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The file through which the one-shot service answers, in our data folder.
 */

#include "windows-helper/selftest/tools/step.h"

#define ONESHOT_FILE STEP_FOLDER L"-service.json"
