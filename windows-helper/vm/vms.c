/* SPDX-License-Identifier: MIT */

/*
 * The list of VMs and the listeners that follow it.
 */

#include "windows-helper/vm/vms.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/vm/hcs.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/regwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VMS_STORE                                                                \
        L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\HostComputeService\\" \
        L"VolatileStore\\ComputeSystem"
#define VMS_TYPE_VM 2 /* ComputeSystemType in the store */

typedef struct VmListener {
        Vm vm;              /* null id: any VM */
        Listener *listener; /* owned; NULL: it has failed and is tried again */
        bool reported;      /* the failure was logged */
} VmListener;

struct Vms {
        Loop *loop; /* borrowed, as the next three */
        const Transport *transport;
        Controller *controller;
        void *userdata;
        ListenerFn accepted;
        Hcs *hcs;
        RegWatch *store, *registration;
        VmList list;
        bool guessed; /* the list is from the registry, which does not tell which VMs are WSL's */
        VmListener listeners[VM_LIST_MAX + 1];
        size_t n_listeners;
        int problem; /* of the last query, to be logged once */
        bool no_hyperv, closed;
        uint64_t due_usec, generation;
};

static void vms_fail(Vms *v, VmListener *l, DWORD error) {
        char id[VM_ID_TEXT_MAX];

        vm_id_format(&l->vm.id, id);
        if (error == WSAEAFNOSUPPORT || error == WSAEPROTONOSUPPORT ||
            error == WSAESOCKTNOSUPPORT) {
                if (!v->no_hyperv)
                        log_event(LOG_LEVEL_WARNING, EVENT_NO_HYPERV,
                                  "This Windows has no Hyper-V sockets, so no guest can reach the "
                                  "helper: install WSL2, or turn on the feature Virtual Machine "
                                  "Platform; looking again every %u s",
                                  (unsigned) (VMS_SLOW_USEC / 1000000));
                v->no_hyperv = true;
        } else if (!l->reported) {
                log_event(LOG_LEVEL_ERROR, EVENT_LISTEN_PROBLEM,
                          "Cannot listen for %s %s (Winsock error %lu), trying again",
                          vm_id_is_null(&l->vm.id) ? "any Hyper-V VM" : l->vm.name,
                          vm_id_is_null(&l->vm.id) ? "" : id, (unsigned long) error);
                l->reported = true;
        }
}

static void vms_open(Vms *v, VmListener *l) {
        Peer peer = {.vm = l->vm.id, .wsl = l->vm.wsl};
        char text[TRANSPORT_TEXT_MAX];
        TransportAddress address;
        DWORD error = ERROR_SUCCESS;

        if (v->transport->vm_address(&l->vm.id, &address) < 0)
                return; /* the transport of tests has no wildcard */
        if (listener_new(&l->listener, v->loop, v->transport, &address, &peer, v->accepted,
                         v->userdata, &error) < 0) {
                vms_fail(v, l, error);
                return;
        }
        v->no_hyperv = l->reported = false;
        v->generation++;
        listener_format(l->listener, text);
        log_event(LOG_LEVEL_NOTICE, EVENT_VM_FOUND, "listening for connections from %s (%s)",
                  l->vm.name[0] ? l->vm.name : "Hyper-V guests", text);
}

static bool vms_is_registered(void) {
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE, 0, KEY_QUERY_VALUE, &key) !=
            ERROR_SUCCESS)
                return false;
        (void) RegCloseKey(key);
        return true;
}

static VmListener *vms_find_listener(Vms *v, const VmId *id) {
        for (size_t i = 0; i < v->n_listeners; i++)
                if (vm_id_equal(&v->listeners[i].vm.id, id))
                        return &v->listeners[i];
        return NULL;
}

static void vms_want_listener(Vms *v, const Vm *vm) {
        if (!vms_find_listener(v, &vm->id) && v->n_listeners < ARRAYSIZE(v->listeners))
                v->listeners[v->n_listeners++] = (VmListener){.vm = *vm};
}

/* True when the listener's VM is still running. The listener for all other VMs is needed only while
 * our service is registered, because otherwise no guest can reach it (fact 8.1.1). */
static bool vms_needs_listener(const Vms *v, const VmListener *l, bool registered) {
        const Vm *vm = vm_list_find(&v->list, &l->vm.id);

        return vm_id_is_null(&l->vm.id) ? registered : vm && (vm->wsl || v->guessed);
}

static void vms_follow(Vms *v) {
        bool registered = vms_is_registered();
        const Vm any = {.wsl = false};
        size_t n = 0;

        for (size_t i = 0; i < v->n_listeners; i++) {
                char id[VM_ID_TEXT_MAX];

                if (vms_needs_listener(v, &v->listeners[i], registered)) {
                        v->listeners[n++] = v->listeners[i];
                        continue;
                }
                listener_close(v->listeners[i].listener);
                v->generation++;
                vm_id_format(&v->listeners[i].vm.id, id);
                log_event(LOG_LEVEL_NOTICE, EVENT_VM_GONE, "VM %s has gone", id);
        }
        v->n_listeners = n;
        for (size_t i = 0; i < v->list.n; i++)
                if (v->list.items[i].wsl || v->guessed)
                        vms_want_listener(v, &v->list.items[i]);
        if (registered)
                vms_want_listener(v, &any);
        for (size_t i = 0; i < v->n_listeners; i++)
                if (!v->listeners[i].listener)
                        vms_open(v, &v->listeners[i]);
}

static void vms_update_controller(Vms *v) {
        VmId ids[VM_LIST_MAX];

        for (size_t i = 0; i < v->list.n; i++)
                ids[i] = v->list.items[i].id;
        controller_set_vms(v->controller, ids, v->list.n, loop_now_usec());
}

/* The keys of the store are named after the VMs. They do not tell which VM is WSL's. So each VM
 * gets a listener, to which no other VM can connect, and none has to be in WSL's network. Return:
 * 0, or -ENOENT when there is no store. */
static int vms_read_store(VmList *ret_list) {
        VmList list = {.n = 0};
        HKEY store;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, VMS_STORE, 0, KEY_ENUMERATE_SUB_KEYS, &store) !=
            ERROR_SUCCESS)
                return -ENOENT;
        for (DWORD i = 0;; i++) {
                wchar_t wname[256];
                DWORD n = ARRAYSIZE(wname), type = 0, size = sizeof(type);
                Vm vm = {.wsl = false, .name = "VM"};
                char *name = NULL;

                if (RegEnumKeyExW(store, i, wname, &n, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
                        break;
                if (RegGetValueW(store, wname, L"ComputeSystemType", RRF_RT_REG_DWORD, NULL, &type,
                                 &size) == ERROR_SUCCESS &&
                    type == VMS_TYPE_VM && win_from_wide(wname, n, &name) == 0 &&
                    vm_id_parse(name, &vm.id) == 0 && !vm_list_find(&list, &vm.id))
                        vm_list_add(&list, &vm);
                free(name);
        }
        (void) RegCloseKey(store);
        *ret_list = list;
        return 0;
}

/* The answer of the Host Compute Service, or else of the registry. The store exists only while a VM
 * is running (fact 2.2.7), so on a Windows without the service no store means no VM. */
static void vms_on_list(void *userdata, int error, const VmList *list) {
        Vms *v = userdata;
        VmList found = {.n = 0};

        if (v->closed)
                return;
        if (error != v->problem && error < 0) {
                log_event(
                        error == -ENOSYS ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
                        error == -ENOSYS ? EVENT_NONE : EVENT_PROBLEM,
                        "The Host Compute Service does not list the running VMs (%s); reading the "
                        "registry instead",
                        strerror(-error));
        }
        v->problem = error;
        if (error == 0)
                found = *list;
        else if (vms_read_store(&found) < 0 && error != -ENOSYS)
                return; /* keep what is known */
        if (!vm_list_equal(&v->list, &found))
                v->generation++;
        if (found.n_left_out > 0 && found.n_left_out != v->list.n_left_out) {
                log_event(LOG_LEVEL_WARNING, EVENT_PROBLEM,
                          "More than %d virtual machines are running; %zu of them are ignored; "
                          "those of WSL have priority",
                          VM_LIST_MAX, found.n_left_out);
        }
        v->list = found;
        v->guessed = error < 0;
        vms_update_controller(v);
        vms_follow(v);
}

static void vms_on_registry(void *userdata) {
        Vms *v = userdata;

        hcs_ask(v->hcs);
}

int vms_new(Vms **ret_vms, Loop *loop, const Transport *transport, Controller *controller,
            ListenerFn accepted, void *userdata) {
        Vms *v = calloc(1, sizeof(*v));
        int r;

        if (!v)
                return -ENOMEM;
        *v = (Vms){
                .loop = loop,
                .transport = transport,
                .controller = controller,
                .accepted = accepted,
                .userdata = userdata,
        };
        r = hcs_new(&v->hcs, loop, vms_on_list, v);
        if (r == 0)
                r = regwatch_new(&v->store, loop, VMS_STORE, vms_on_registry, v);
        if (r == 0)
                r = regwatch_new(&v->registration, loop, PATHS_KEY_HYPERV_SERVICE, vms_on_registry,
                                 v);
        if (r < 0) {
                vms_free(v);
                return r;
        }
        *ret_vms = v;
        log_write(LOG_LEVEL_NOTICE, "looking for virtual machines");
        return 0; /* the first tick is due at once */
}

void vms_close(Vms *v) {
        for (size_t i = 0; v && i < v->n_listeners; i++)
                listener_close(v->listeners[i].listener);
        if (v) {
                v->n_listeners = 0;
                v->closed = true;
        }
}

Vms *vms_free(Vms *v) {
        if (!v)
                return NULL;
        regwatch_free(v->registration);
        regwatch_free(v->store);
        hcs_free(v->hcs);
        free(v);
        return NULL;
}

void vms_refresh(Vms *v) {
        v->due_usec = 0;
}

void vms_tick(Vms *v, uint64_t now_usec) {
        regwatch_tick(v->store, now_usec);
        regwatch_tick(v->registration, now_usec);
        for (size_t i = 0; i < v->n_listeners; i++)
                if (v->listeners[i].listener)
                        listener_tick(v->listeners[i].listener, now_usec);
        if (now_usec >= v->due_usec) {
                v->due_usec = now_usec + VMS_SLOW_USEC;
                hcs_ask(v->hcs);
        }
}

uint64_t vms_deadline(const Vms *v) {
        uint64_t first = v->due_usec;

        for (size_t i = 0; i < v->n_listeners; i++)
                if (v->listeners[i].listener && listener_deadline(v->listeners[i].listener) < first)
                        first = listener_deadline(v->listeners[i].listener);
        if (regwatch_deadline(v->store) < first)
                first = regwatch_deadline(v->store);
        if (regwatch_deadline(v->registration) < first)
                first = regwatch_deadline(v->registration);
        return first;
}

const VmList *vms_list(const Vms *v) {
        return &v->list;
}

bool vms_is_listening(const Vms *v, const VmId *id) {
        for (size_t i = 0; i < v->n_listeners; i++)
                if (vm_id_equal(&v->listeners[i].vm.id, id))
                        return v->listeners[i].listener != NULL;
        return false;
}

uint64_t vms_generation(const Vms *v) {
        return v->generation;
}
