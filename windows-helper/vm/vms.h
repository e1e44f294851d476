/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finding and hearing virtual machines: a listener for each VM of WSL, which is reached only by its
 * exact id (fact 0.1), and one for any other Hyper-V VM while our service is registered there (fact
 * 8). Looked for when the registry says that something came or went, after a sleep, and slowly in
 * any case.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/net/listener.h"

#define VMS_SLOW_USEC UINT64_C(60000000)

typedef struct Vms Vms;

/**
 * vms_new() - start to look
 * @transport: borrowed; has vm_address
 * @accepted: gets each connection, with @userdata
 *
 * Return: 0 or negative errno (logged).
 */
int vms_new(Vms **ret_vms, Loop *loop, const Transport *transport, Controller *controller,
            ListenerFn accepted, void *userdata);

/* Close all listeners, and open none any more. Takes NULL. */
void vms_close(Vms *v);

/* Takes NULL, returns NULL. After vms_close() and its completions; the loop must not turn
 * afterwards. */
Vms *vms_free(Vms *v);

void vms_refresh(Vms *v); /* look now, and listen anew where it failed */
void vms_tick(Vms *v, uint64_t now_usec);
uint64_t vms_deadline(const Vms *v);

const VmList *vms_list(const Vms *v);
bool vms_hears(const Vms *v, const VmId *id); /* is it listened to? Null id: any other guest */
uint64_t vms_generation(const Vms *v);        /* grows when one of these two changes */
