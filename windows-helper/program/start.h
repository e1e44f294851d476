/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What each of our programs does before anything else.
 */

#include <wchar.h>

/**
 * start_arguments() - make the process safe, and read its command line
 * @wide: the @argc arguments of wmain()
 *
 * From here on DLLs come from System32, and those that are loaded by name are there.
 *
 * Return: the arguments in UTF-8 with a NULL behind them, which stay until the process ends; or
 * NULL (logged).
 */
char **start_arguments(int argc, wchar_t **wide);
