/* SPDX-License-Identifier: MIT */

/*
 * Opening, watching and replacing the listeners.
 */

#include "windows-helper/vm/vm-listeners.h"
#include "windows-helper/core/vm/vm-schedule.h"
#include "windows-helper/win/log.h"

/* A listener that has failed is believed to work when it has been open for this long. */
#define VM_LISTENERS_STEADY_USEC UINT64_C(10000000)

static void vm_listeners_report(VmListeners *l, const VmListener *item, DWORD error) {
        bool any = vm_id_is_null(&item->vm.id);
        char id[VM_ID_TEXT_MAX];

        vm_id_format(&item->vm.id, id);
        if (error == WSAEAFNOSUPPORT || error == WSAEPROTONOSUPPORT ||
            error == WSAESOCKTNOSUPPORT) {
                if (!l->no_hyperv)
                        log_event(LOG_LEVEL_WARNING, EVENT_NO_HYPERV,
                                  "This Windows has no Hyper-V sockets, so no guest can reach the "
                                  "helper: install WSL2, or turn on the feature Virtual Machine "
                                  "Platform; trying again every %u s",
                                  (unsigned) (VM_SCHEDULE_SHORT_USEC / 1000000));
                l->no_hyperv = true;
        } else if (item->n_failures == 0) {
                log_event(LOG_LEVEL_ERROR, EVENT_LISTEN_PROBLEM,
                          "Cannot listen for %s %s (Winsock error %lu%s), trying again",
                          any ? "any Hyper-V VM" : item->vm.name, any ? "" : id,
                          (unsigned long) error,
                          error == WSAEADDRINUSE
                                  ? ": taken, or kept by Windows until 'wsl --shutdown' or a "
                                    "restart"
                          : error == WSAEACCES ? ": the VM does not admit this account"
                                               : "");
        }
}

static void vm_listeners_fail(VmListeners *l, VmListener *item, DWORD error, uint64_t now_usec) {
        item->listener = listener_close(item->listener);
        vm_listeners_report(l, item, error);
        item->n_failures++;
        item->due_usec = now_usec + vm_schedule_retry(item->n_failures);
        l->generation++;
}

static void vm_listeners_log(const VmListener *item) {
        char text[TRANSPORT_TEXT_MAX];

        listener_format(item->listener, text);
        log_event(LOG_LEVEL_NOTICE, EVENT_VM_FOUND, "listening for connections from %s (%s)",
                  item->vm.name[0] ? item->vm.name : "Hyper-V guests", text);
}

static Peer vm_listener_peer(const Vm *vm) {
        return (Peer){.vm = vm->id, .any = vm_id_is_null(&vm->id), .wsl = vm->wsl};
}

static VmListener *vm_listeners_find(VmListeners *l, const VmId *id) {
        for (size_t i = 0; i < l->n; i++)
                if (vm_id_equal(&l->items[i].vm.id, id))
                        return &l->items[i];
        return NULL;
}

/* Whoever comes through a listener proves that it is not dead. */
static void vm_listeners_on_accepted(void *userdata, SOCKET socket, const Peer *peer) {
        VmListeners *l = userdata;
        VmListener *item = vm_listeners_find(l, peer->any ? &VM_ID_NULL : &peer->vm);

        if (item && item->doubted) {
                item->doubted = false;
                l->generation++;
        }
        l->accepted(l->userdata, socket, peer);
}

static void vm_listeners_open(VmListeners *l, VmListener *item, uint64_t now_usec) {
        Peer peer = vm_listener_peer(&item->vm);
        TransportAddress address;
        DWORD error = ERROR_SUCCESS;

        if (l->transport->vm_address(&item->vm.id, &address) < 0) {
                item->due_usec = LOOP_NO_DEADLINE;
                return;
        }
        if (listener_new(&item->listener, l->loop, l->transport, &address, &peer,
                         vm_listeners_on_accepted, l, &error) < 0) {
                vm_listeners_fail(l, item, error, now_usec);
                return;
        }
        l->no_hyperv = false;
        l->generation++;
        item->doubted = false;
        item->due_usec = now_usec;
        if (item->n_failures == 0)
                vm_listeners_log(item);
}

static bool vm_listener_is_unsteady(const VmListener *item) {
        return item->listener && item->n_failures > 0;
}

/* Windows may keep an address after its socket was closed (fact 1.3.9). That of a VM changes when
 * the VM starts again, but the one for any VM is the same for ever. */
static bool vm_listener_stays(const VmListener *item) {
        return vm_id_is_null(&item->vm.id) && listener_is_waiting(item->listener);
}

static bool vm_listener_is_stale(const VmListeners *l, const VmListener *item) {
        return item->listener && item->doubted && !vm_listener_stays(item) &&
               !l->connected(l->userdata, &item->vm.id);
}

/* Close a listener whose socket is or may be dead, and open one whose time has come. One that dies
 * again and again is opened after longer and longer pauses. */
static void vm_listeners_tick_one(VmListeners *l, VmListener *item, uint64_t now_usec) {
        if (vm_listener_is_stale(l, item)) {
                item->listener = listener_close(item->listener);
                item->due_usec = 0;
                l->generation++;
        }
        if (!item->listener) {
                if (now_usec >= item->due_usec)
                        vm_listeners_open(l, item, now_usec);
                return;
        }
        listener_tick(item->listener, now_usec);
        if (listener_error(item->listener) != ERROR_SUCCESS) {
                vm_listeners_fail(l, item, listener_error(item->listener), now_usec);
        } else if (vm_listener_is_unsteady(item) &&
                   now_usec >= item->due_usec + VM_LISTENERS_STEADY_USEC) {
                item->n_failures = 0;
                vm_listeners_log(item);
        }
}

/* A VM that was first seen in the registry is known better once the service has answered. */
static void vm_listeners_want(VmListeners *l, const Vm *vm) {
        VmListener *item = vm_listeners_find(l, &vm->id);
        Peer peer = vm_listener_peer(vm);

        if (item) {
                item->vm = *vm;
                if (item->listener)
                        listener_set_peer(item->listener, &peer);
        } else if (l->n < ARRAYSIZE(l->items)) {
                l->items[l->n++] = (VmListener){.vm = *vm};
        }
}

void vm_listeners_init(VmListeners *l, Loop *loop, const Transport *transport, ListenerFn accepted,
                       VmConnectedFn connected, void *userdata) {
        *l = (VmListeners){
                .loop = loop,
                .transport = transport,
                .accepted = accepted,
                .connected = connected,
                .userdata = userdata,
        };
}

void vm_listeners_follow(VmListeners *l, const VmList *wanted, bool any, uint64_t now_usec) {
        size_t n = 0;

        for (size_t i = 0; i < l->n; i++) {
                char id[VM_ID_TEXT_MAX];

                if (vm_id_is_null(&l->items[i].vm.id)
                            ? any
                            : vm_list_find(wanted, &l->items[i].vm.id) != NULL) {
                        l->items[n++] = l->items[i];
                        continue;
                }
                listener_close(l->items[i].listener);
                l->generation++;
                vm_id_format(&l->items[i].vm.id, id);
                log_event(LOG_LEVEL_NOTICE, EVENT_VM_GONE, "VM %s has gone", id);
        }
        l->n = n;
        for (size_t i = 0; i < wanted->n; i++)
                vm_listeners_want(l, &wanted->items[i]);
        if (any)
                vm_listeners_want(l, &(Vm){.wsl = false});
        vm_listeners_tick(l, now_usec);
}

void vm_listeners_close(VmListeners *l) {
        for (size_t i = 0; i < l->n; i++)
                listener_close(l->items[i].listener);
        l->n = 0;
}

void vm_listeners_refresh(VmListeners *l) {
        for (size_t i = 0; i < l->n; i++)
                if (!l->items[i].listener && l->items[i].due_usec != LOOP_NO_DEADLINE)
                        l->items[i].due_usec = 0;
}

void vm_listeners_slept(VmListeners *l) {
        for (size_t i = 0; i < l->n; i++)
                l->items[i].doubted = true;
        l->generation++;
}

void vm_listeners_tick(VmListeners *l, uint64_t now_usec) {
        for (size_t i = 0; i < l->n; i++)
                vm_listeners_tick_one(l, &l->items[i], now_usec);
}

static uint64_t vm_listener_deadline(const VmListeners *l, const VmListener *item) {
        uint64_t first;

        if (!item->listener)
                return item->due_usec;
        if (vm_listener_is_stale(l, item))
                return 0;
        first = vm_listener_is_unsteady(item) ? item->due_usec + VM_LISTENERS_STEADY_USEC
                                              : LOOP_NO_DEADLINE;
        return listener_deadline(item->listener) < first ? listener_deadline(item->listener)
                                                         : first;
}

uint64_t vm_listeners_deadline(const VmListeners *l) {
        uint64_t first = LOOP_NO_DEADLINE;

        for (size_t i = 0; i < l->n; i++)
                if (vm_listener_deadline(l, &l->items[i]) < first)
                        first = vm_listener_deadline(l, &l->items[i]);
        return first;
}

VmListening vm_listeners_state(const VmListeners *l, const VmId *id) {
        for (size_t i = 0; i < l->n; i++)
                if (vm_id_equal(&l->items[i].vm.id, id))
                        return !l->items[i].listener ? VM_LISTENING_NO
                               : l->items[i].doubted ? VM_LISTENING_UNKNOWN
                                                     : VM_LISTENING_YES;
        return VM_LISTENING_NO;
}

bool vm_listeners_all_open(const VmListeners *l) {
        for (size_t i = 0; i < l->n; i++)
                if (!l->items[i].listener && l->items[i].due_usec != LOOP_NO_DEADLINE)
                        return false;
        return l->n > 0;
}
