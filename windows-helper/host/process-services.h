/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which services run in a process: many share one svchost.exe (fact 4.3.10).
 */

#include <stddef.h>
#include <stdint.h>

/* @ret_names: the names of the services of process @pid, separated by ", "; "" when there is none
 * or Windows does not say. What does not fit is left out. */
void process_services(uint32_t pid, char *ret_names, size_t size);
