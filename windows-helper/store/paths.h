/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where wslbridge's files and registry keys are on Windows.
 */

#include "windows-helper/win/win.h"

#define PATHS_MAX 512 /* characters */

/* Keys below HKEY_LOCAL_MACHINE. Hyper-V guests other than WSL's reach a listener only if the GUID
 * of its service is registered. The GUID is the template of vsock ports with our port as its first
 * part (fact 8.1.1). */
#define PATHS_KEY_SETTINGS L"SOFTWARE\\wslbridge"
#define PATHS_KEY_SELFTEST PATHS_KEY_SETTINGS L"\\Selftest" /* what it has to take back */
#define PATHS_KEY_PACKAGE  L"SOFTWARE\\wslbridge-package"
#define PATHS_KEY_EVENT_SOURCE \
        L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\wslbridge"
#define PATHS_KEY_HYPERV_SERVICE                                             \
        L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Virtualization\\" \
        L"GuestCommunicationServices\\57534c42-facb-11e6-bd58-64006a7986d3"

/* "C:\ProgramData\wslbridge", or file @name in it. Return: 0 or negative errno (logged). */
int paths_data(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);

/* "C:\Program Files\wslbridge", or file @name in it. Return: 0 or negative errno (logged). */
int paths_program(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);

/* File @name in the folder of the program that runs; NULL: the folder. Return: as above. */
int paths_beside(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);

/* File @name in the profile of the user: "C:\Users\me\.wslconfig". Return: as above. */
int paths_profile(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);
