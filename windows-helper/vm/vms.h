/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finding virtual machines and listening for their connections. Each VM of WSL has a listener of
 * its own, because it is reached only by its exact id (fact 2.1.1). All other Hyper-V VMs share
 * one, while our service is registered with Hyper-V (fact 8.1.1). VMs are looked for when the
 * registry reports that one came or went (fact 2.2.8), after a sleep of the machine, and every
 * VMS_SLOW_USEC in any case.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/net/listener.h"

#define VMS_SLOW_USEC UINT64_C(60000000)

typedef struct Vms Vms;

/**
 * vms_new() - start looking for virtual machines
 * @transport: borrowed; has vm_address
 * @accepted: called with each connection and @userdata
 *
 * Return: 0 or negative errno (logged).
 */
int vms_new(Vms **ret_vms, Loop *loop, const Transport *transport, Controller *controller,
            ListenerFn accepted, void *userdata);

/* Close all listeners for good. Takes NULL. */
void vms_close(Vms *v);

/* Takes NULL, returns NULL. To be called after vms_close() and the completions that it causes. The
 * loop must not turn again. */
Vms *vms_free(Vms *v);

void vms_refresh(Vms *v); /* look at once, and retry listeners that have failed */
void vms_tick(Vms *v, uint64_t now_usec);
uint64_t vms_deadline(const Vms *v);

const VmList *vms_list(const Vms *v); /* the VMs that are running */

/* Whether there is a listener for a VM, or for all other Hyper-V VMs if @id is null. */
bool vms_is_listening(const Vms *v, const VmId *id);

uint64_t vms_generation(const Vms *v); /* grows when the result of one of these two changes */
