/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The listeners for virtual machines: one for each VM that is wanted. A listener that cannot be
 * opened, or whose socket dies later, is opened again with growing pauses.
 */

#include "windows-helper/core/vm/vm-list.h"
#include "windows-helper/net/listener.h"

typedef struct VmListener {
        Vm vm;              /* null id: any VM */
        Listener *listener; /* owned; NULL: it has failed, or is not open yet */
        uint64_t due_usec;  /* when it is opened, if it is not open; otherwise when it was opened */
        unsigned n_failures; /* in a row; the first is logged, and that they have ended */
        bool doubted; /* the machine has slept, and nobody has come through the listener since */
} VmListener;

/* Whether an agent is connected now through the listener of this VM; through the one for any VM, if
 * @id is null. */
typedef bool (*VmConnectedFn)(void *userdata, const VmId *id);

typedef struct VmListeners {
        Loop *loop; /* borrowed, as what follows */
        const Transport *transport;
        ListenerFn accepted;
        VmConnectedFn connected;
        void *userdata;
        VmListener items[VM_LIST_MAX + 1];
        size_t n;
        bool no_hyperv;      /* this Windows was seen to have no Hyper-V sockets; logged */
        uint64_t generation; /* grows when a listener comes or goes */
} VmListeners;

/* @transport: has vm_address; @accepted: called with each connection and @userdata. */
void vm_listeners_init(VmListeners *l, Loop *loop, const Transport *transport, ListenerFn accepted,
                       VmConnectedFn connected, void *userdata);

/* Close those whose VM is not in @wanted, and open one for each that is new. @any: one for all
 * other VMs is wanted as well. */
void vm_listeners_follow(VmListeners *l, const VmList *wanted, bool any, uint64_t now_usec);

void vm_listeners_close(VmListeners *l); /* all */

void vm_listeners_refresh(VmListeners *l); /* the next tick opens those that have failed */

/* The machine has slept, so each socket may be dead without a sign (fact 2.6.1). The next tick
 * replaces each listener without a connected agent; one with an agent is replaced when its last
 * connection has ended, unless somebody has come through it until then. The one for any VM stays
 * while it waits (fact 1.3.9). */
void vm_listeners_slept(VmListeners *l);

void vm_listeners_tick(VmListeners *l, uint64_t now_usec);
uint64_t vm_listeners_deadline(const VmListeners *l);

/* VM_LISTENING_UNKNOWN: the listener is open, but its socket may have died in a sleep. */
typedef enum VmListening { VM_LISTENING_NO, VM_LISTENING_YES, VM_LISTENING_UNKNOWN } VmListening;

VmListening vm_listeners_state(const VmListeners *l, const VmId *id);
bool vm_listeners_all_open(const VmListeners *l); /* at least one is wanted, none failed */
