/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Questions to WMI, for what Windows tells nowhere else, and the objects that it makes on request.
 * Only the self-test asks it; the service never does. All of it is about ROOT\StandardCimv2.
 */

#include "windows-helper/host/wmi.h"
#include "windows-helper/selftest/tools/step.h"

/**
 * wmi_list() - report all objects of a class
 * @properties: which of their properties are shown; NULL-terminated
 *
 * The first line has the number of objects as its text and the HRESULT as its code; then there is a
 * line with the key and ".one" for each of the first ones.
 */
void wmi_list(Step *s, const char *key, const wchar_t *class, const wchar_t *const *properties);

/* Call @fn for each object of a class. @s: the step, with which it ends; NULL: none. Return: 0 or
 * an HRESULT. */
DWORD wmi_each(const Step *s, const wchar_t *class, WmiSeenFn fn, void *userdata);

/* A property as text, "" where it has none. */
void wmi_text(WmiSeen *object, const wchar_t *property, char *ret_text, size_t size);

/* Delete the object for which @fn was called. Return: 0 or an HRESULT. */
DWORD wmi_delete(WmiSeen *object);

typedef struct WmiValue {
        const wchar_t *name; /* NULL: the end of a list */
        const char *text;    /* NULL: it is a number */
        uint32_t number;
} WmiValue;

/* Make an object of a class; it must not exist. Return: 0 or an HRESULT. */
DWORD wmi_create(const wchar_t *class, const WmiValue *values);
