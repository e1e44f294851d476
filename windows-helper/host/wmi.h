/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Questions to WMI, for what Windows tells nowhere else. The doctor and the self-test ask it; the
 * service never does. Nothing is changed here.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connect to ROOT\StandardCimv2; COM is initialized already. For what the functions below cannot
 * do. */
struct IWbemServices;
struct IWbemClassObject;
HRESULT wmi_connect(struct IWbemServices **ret_services);

/* An object of the answer, only while it is shown; and whom to ask for more about it. */
typedef struct WmiSeen {
        struct IWbemServices *services;  /* borrowed */
        struct IWbemClassObject *object; /* borrowed */
} WmiSeen;

/* Return: false to see no more objects. */
typedef bool (*WmiSeenFn)(void *userdata, WmiSeen *object);

typedef struct WmiQuestion {
        const wchar_t *class; /* of ROOT\StandardCimv2 */
        const wchar_t *store; /* PolicyStore of the firewall's classes, or NULL: the usual one */
        WmiSeenFn fn;         /* for each object; NULL: only count them */
        void *userdata;
} WmiQuestion;

/* Ask for all objects of a class. @ret_n: how many were shown. Return: the HRESULT; a class that
 * does not exist is WBEM_E_INVALID_CLASS. */
HRESULT wmi_ask(const WmiQuestion *question, size_t *ret_n);

/* A property that is a text, a number or a boolean, as text; "" when there is none. */
void wmi_seen_text(WmiSeen *object, const wchar_t *property, char *ret_text, size_t size);

/* A property that is a number. Return: @otherwise when there is none. */
uint32_t wmi_seen_number(WmiSeen *object, const wchar_t *property, uint32_t otherwise);
