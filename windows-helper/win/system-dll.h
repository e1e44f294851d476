/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * DLLs that are not in the import table. Windows looks for a DLL of the import table in the
 * program's own folder first, and 'install' is often run in the folder of downloads, with
 * administrator rights. Only the KnownDLLs are always taken from System32 (fact 9.2.4). All others
 * are loaded with this.
 */

#include "windows-helper/win/win.h"

typedef struct SystemFunction {
        const char *name;
        void *pointer; /* to a pointer to a function, which is set */
} SystemFunction;

/**
 * system_dll_load() - load a DLL from System32, for good, and find @n functions in it
 *
 * Return: 0; or negative errno when the DLL or one of the functions is missing, which is logged
 * with its name.
 */
int system_dll_load(const wchar_t *dll, const SystemFunction *functions, size_t n);
