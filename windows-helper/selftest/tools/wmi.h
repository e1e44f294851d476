/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Questions to WMI, for what Windows tells nowhere else. Only the self-test asks it; the service
 * never does.
 */

#include "windows-helper/selftest/tools/step.h"

/**
 * wmi_list() - report all objects of a class of ROOT\StandardCimv2
 * @properties: which of their properties are shown; NULL-terminated
 *
 * The first line has the number of objects as its text and the HRESULT as its code; then there is a
 * line with the key and ".one" for each of the first ones.
 */
void wmi_list(Step *s, const char *key, const wchar_t *class, const wchar_t *const *properties);
