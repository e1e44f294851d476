/* SPDX-License-Identifier: MIT */
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

typedef struct VmEar {
        Vm vm;              /* null id: any VM */
        Listener *listener; /* owned; NULL: it failed, and is tried again */
        bool told;          /* that it failed */
} VmEar;

struct Vms {
        Loop *loop; /* borrowed, as the next three */
        const Transport *transport;
        Controller *controller;
        void *userdata;
        ListenerFn accepted;
        Hcs *hcs;
        RegWatch *store, *registration;
        VmList list;
        bool guessed; /* the list is the registry's, which does not tell which VMs are WSL's */
        VmEar ears[VM_LIST_MAX + 1];
        size_t n_ears;
        int problem; /* of the last look, to be told once */
        bool no_hyperv, closed;
        uint64_t due_usec, generation;
};

static void vms_fail(Vms *v, VmEar *ear, DWORD error) {
        char id[VM_ID_TEXT_MAX];

        vm_id_format(&ear->vm.id, id);
        if (error == WSAEAFNOSUPPORT || error == WSAEPROTONOSUPPORT ||
            error == WSAESOCKTNOSUPPORT) {
                if (!v->no_hyperv)
                        log_event(LOG_LEVEL_WARNING, EVENT_NO_HYPERV,
                                  "This Windows has no Hyper-V sockets, so no guest can reach the "
                                  "helper: install WSL2, or turn on the feature Virtual Machine "
                                  "Platform; looking again every %u s",
                                  (unsigned) (VMS_SLOW_USEC / 1000000));
                v->no_hyperv = true;
        } else if (!ear->told) {
                log_event(LOG_LEVEL_ERROR, EVENT_LISTEN_PROBLEM,
                          "Cannot listen to %s %s (Winsock error %lu), trying again",
                          vm_id_is_null(&ear->vm.id) ? "any Hyper-V VM" : ear->vm.name,
                          vm_id_is_null(&ear->vm.id) ? "" : id, (unsigned long) error);
                ear->told = true;
        }
}

static void vms_open(Vms *v, VmEar *ear) {
        Peer peer = {.vm = ear->vm.id, .wsl = ear->vm.wsl};
        char text[TRANSPORT_TEXT_MAX];
        TransportAddress address;
        DWORD error = ERROR_SUCCESS;

        if (v->transport->vm_address(&ear->vm.id, &address) < 0)
                return; /* the stand-in of tests has no wildcard */
        if (listener_new(&ear->listener, v->loop, v->transport, &address, &peer, v->accepted,
                         v->userdata, &error) < 0) {
                vms_fail(v, ear, error);
                return;
        }
        v->no_hyperv = ear->told = false;
        v->generation++;
        listener_format(ear->listener, text);
        log_event(LOG_LEVEL_NOTICE, EVENT_VM_FOUND, "listening to %s (%s)",
                  ear->vm.name[0] ? ear->vm.name : "Hyper-V guests", text);
}

static bool vms_is_registered(void) {
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE, 0, KEY_QUERY_VALUE, &key) !=
            ERROR_SUCCESS)
                return false;
        (void) RegCloseKey(key);
        return true;
}

static VmEar *vms_find_ear(Vms *v, const VmId *id) {
        for (size_t i = 0; i < v->n_ears; i++)
                if (vm_id_equal(&v->ears[i].vm.id, id))
                        return &v->ears[i];
        return NULL;
}

static void vms_want_ear(Vms *v, const Vm *vm) {
        if (!vms_find_ear(v, &vm->id) && v->n_ears < ARRAYSIZE(v->ears))
                v->ears[v->n_ears++] = (VmEar){.vm = *vm};
}

/* True when the ear's VM still runs, or it is the one for any and still registered: without that
 * nobody could reach it (fact 8). */
static bool vms_needs_ear(const Vms *v, const VmEar *ear, bool registered) {
        const Vm *vm = vm_list_find(&v->list, &ear->vm.id);

        return vm_id_is_null(&ear->vm.id) ? registered : vm && (vm->wsl || v->guessed);
}

static void vms_follow(Vms *v) {
        bool registered = vms_is_registered();
        const Vm any = {.wsl = false};
        size_t n = 0;

        for (size_t i = 0; i < v->n_ears; i++) {
                char id[VM_ID_TEXT_MAX];

                if (vms_needs_ear(v, &v->ears[i], registered)) {
                        v->ears[n++] = v->ears[i];
                        continue;
                }
                listener_close(v->ears[i].listener);
                v->generation++;
                vm_id_format(&v->ears[i].vm.id, id);
                log_event(LOG_LEVEL_NOTICE, EVENT_VM_GONE, "VM %s has gone", id);
        }
        v->n_ears = n;
        for (size_t i = 0; i < v->list.n; i++)
                if (v->list.items[i].wsl || v->guessed)
                        vms_want_ear(v, &v->list.items[i]);
        if (registered)
                vms_want_ear(v, &any);
        for (size_t i = 0; i < v->n_ears; i++)
                if (!v->ears[i].listener)
                        vms_open(v, &v->ears[i]);
}

static void vms_tell_controller(Vms *v) {
        VmId ids[VM_LIST_MAX];

        for (size_t i = 0; i < v->list.n; i++)
                ids[i] = v->list.items[i].id;
        controller_set_vms(v->controller, ids, v->list.n, loop_now_usec());
}

/* The store's keys are called as the systems; which is WSL's they don't tell, so each is listened
 * to (no other one connects to our port), and none has to be in WSL's network. Return: 0, or
 * -ENOENT when there is no store. */
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

/* Nobody could be asked, and the store is not there either: it exists only while a VM runs (fact
 * 2.2), so without the Host Compute Service its absence is the answer. */
static void vms_on_list(void *userdata, int error, const VmList *list) {
        Vms *v = userdata;
        VmList found = {.n = 0};

        if (v->closed)
                return;
        if (error != v->problem && error < 0) {
                log_event(error == -ENOSYS ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
                          error == -ENOSYS ? EVENT_NONE : EVENT_PROBLEM,
                          "The Host Compute Service does not tell which VMs run (%s); reading the "
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
                          "More than %d virtual machines run, %zu of them are not looked at; those "
                          "of WSL come first",
                          VM_LIST_MAX, found.n_left_out);
        }
        v->list = found;
        v->guessed = error < 0;
        vms_tell_controller(v);
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
        for (size_t i = 0; v && i < v->n_ears; i++)
                listener_close(v->ears[i].listener);
        if (v) {
                v->n_ears = 0;
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
        for (size_t i = 0; i < v->n_ears; i++)
                if (v->ears[i].listener)
                        listener_tick(v->ears[i].listener, now_usec);
        if (now_usec >= v->due_usec) {
                v->due_usec = now_usec + VMS_SLOW_USEC;
                hcs_ask(v->hcs);
        }
}

uint64_t vms_deadline(const Vms *v) {
        uint64_t first = v->due_usec;

        for (size_t i = 0; i < v->n_ears; i++)
                if (v->ears[i].listener && listener_deadline(v->ears[i].listener) < first)
                        first = listener_deadline(v->ears[i].listener);
        if (regwatch_deadline(v->store) < first)
                first = regwatch_deadline(v->store);
        if (regwatch_deadline(v->registration) < first)
                first = regwatch_deadline(v->registration);
        return first;
}

const VmList *vms_list(const Vms *v) {
        return &v->list;
}

bool vms_hears(const Vms *v, const VmId *id) {
        for (size_t i = 0; i < v->n_ears; i++)
                if (vm_id_equal(&v->ears[i].vm.id, id))
                        return v->ears[i].listener != NULL;
        return false;
}

uint64_t vms_generation(const Vms *v) {
        return v->generation;
}
