/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finding virtual machines and listening for their connections. Each VM of WSL has a listener of
 * its own, because it is reached only by its exact id (fact 2.1.1). All other Hyper-V VMs share
 * one, while our service is registered with Hyper-V (fact 8.1.1). VMs are looked for when the
 * registry reports that one came or went (fact 2.2.8), after a sleep of the machine, and every few
 * seconds in any case (see core/vm/vm-schedule.h). A listener that fails, now or later, is opened
 * again with growing pauses.
 */

#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/vm/vm-listeners.h"

/* Where the registry lists what runs (fact 2.2.7), below HKEY_LOCAL_MACHINE. */
#define VMS_STORE_PARENT L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\HostComputeService"
#define VMS_STORE_KEY    VMS_STORE_PARENT L"\\VolatileStore\\ComputeSystem"

typedef struct Vms Vms;

/* What the owner is told and asked; each is called in the loop's thread with the owner's userdata.
 */
typedef struct VmsEvents {
        ListenerFn accepted;
        /* The Host Compute Service has answered; these VMs are running, or were a moment ago. Never
         * called with a list that was read from the registry. */
        void (*listed)(void *userdata, const VmList *list);
        VmConnectedFn connected;
} VmsEvents;

/**
 * vms_new() - start looking for virtual machines
 * @transport: borrowed; has vm_address
 * @events: borrowed; called with @userdata
 *
 * Return: 0 or negative errno (logged).
 */
int vms_new(Vms **ret_vms, Loop *loop, const Transport *transport, const VmsEvents *events,
            void *userdata);

/* Close all listeners for good. Takes NULL. */
void vms_close(Vms *v);

/* Takes NULL, returns NULL. To be called after vms_close() and the completions that it causes. The
 * loop must not turn again. */
Vms *vms_free(Vms *v);

void vms_refresh(Vms *v); /* look at once, and retry listeners that have failed */

/* Somebody has connected who says to be in this VM. If it is not in the list, look soon. */
void vms_look_for(Vms *v, const VmId *id);

void vms_slept(Vms *v); /* see vm_listeners_slept(); and look at once */
void vms_tick(Vms *v, uint64_t now_usec);
uint64_t vms_deadline(const Vms *v);

const VmList *vms_list(const Vms *v); /* the VMs that are running */

/* Whether there is a listener for a VM, or for all other Hyper-V VMs if @id is null. */
VmListening vms_listening(const Vms *v, const VmId *id);

uint64_t vms_generation(const Vms *v); /* grows when the result of one of these two changes */
