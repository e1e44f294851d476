/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The steps of the self-test. Each looks at one part of Windows, with the code with which the
 * helper itself uses it where there is such code, and writes a line for each call.
 */

#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/selftest/tools/step.h"

void step_machine(Step *s);
void step_token(Step *s);
void step_hcs(Step *s);
void step_store(Step *s);
void step_hyperv(Step *s);
void step_accept(Step *s);
void step_life(Step *s);
void step_portproxy(Step *s);
void step_netsh(Step *s); /* the end of the one before */
void step_firewall(Step *s);
void step_hyperv_firewall(Step *s);
void step_wsl_text(Step *s);
void step_files(Step *s);
void step_sleep(Step *s);
void step_nat(Step *s);
void step_lan(Step *s);

/* In the handler of the one-shot service: a power event of Windows has come. */
void step_sleep_on_power(DWORD event);

/* The first VM of WSL that the Host Compute Service lists. Reports when there is none. */
bool step_find_vm(Step *s, const char *key, Vm *ret_vm);

/* Have a distro of the user connect to the self-test's vsock port, in a thread of its own; each
 * attempt may fail. @stop: ends it. Return: the thread, or NULL. */
HANDLE step_knock(HANDLE stop);
