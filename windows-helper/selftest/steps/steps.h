/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The steps of the self-test. Each looks at one part of Windows, with the code with which the
 * helper itself uses it where there is such code, and writes a line for each call.
 */

#include "common/ip.h"
#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/selftest/tools/step.h"

void step_machine(Step *s);
void step_token(Step *s);
void step_hcs(Step *s);
void step_store(Step *s);
void step_hold(Step *s); /* not in the table: after a step behind which the VM has to run on */
void step_hyperv(Step *s);
void step_accept(Step *s);
void step_life(Step *s);
void step_portproxy(Step *s);
void step_star(Step *s); /* these two are the end of the one before */
void step_netsh(Step *s);
void step_firewall(Step *s);
void step_networks(Step *s); /* the end of the one before */
void step_hyperv_firewall(Step *s);
void step_wsl_text(Step *s);
void step_files(Step *s);
void step_sleep(Step *s);
void step_nat(Step *s);
void step_nat_mapping(Step *s); /* the end of the one before, in the user's pass */
void step_lan(Step *s);
void step_relay(Step *s);
void step_backlog(Step *s); /* the end of the one before */
void step_account(Step *s); /* in the relay's pass */

/* In the handler of the one-shot service: a power event of Windows has come. */
void step_sleep_on_power(DWORD event);

/* The guest's address in mode nat, as WSL notes it for this user (fact 6.1.2). It does not take it
 * back, so it must be in a network that is there. */
bool step_guest_address(IpAddr *ret_address);

/* The first IPv4 address of this host from which another machine could come. */
bool step_lan_address(IpAddr *ret_address);

/* Two IPv4 addresses of this host; both of loopback where it has no two others. Return: whether
 * they are others. */
bool step_two_addresses(IpAddr ret_addresses[2]);

/* An accept that waits on a listener of the self-test. .._new(): NULL with an error. .._again(),
 * when it has ended: 0, ERROR_IO_PENDING, or an error. */
typedef struct Accept Accept;
Accept *step_pending_new(const VmId *vm, DWORD *ret_error);
bool step_pending_ended(const Step *s, Accept *a, uint32_t limit_ms, DWORD *ret_error);
DWORD step_pending_again(Accept *a);
void step_pending_free(Accept *a);

/* The first VM of WSL that the Host Compute Service lists. Reports when there is none. */
bool step_find_vm(Step *s, const char *key, Vm *ret_vm);

/* Have a distro of the user connect to the self-test's vsock port, in a thread of its own; each
 * attempt may fail. @stop: ends it. Return: the thread, or NULL. */
HANDLE step_knock(HANDLE stop);
