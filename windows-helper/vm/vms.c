/* SPDX-License-Identifier: MIT */

/*
 * The list of VMs and the listeners that follow it.
 */

#include "windows-helper/vm/vms.h"
#include "windows-helper/core/vm/vm-schedule.h"
#include "windows-helper/store/fact-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/vm/hcs.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/regwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VMS_TYPE_VM      2 /* ComputeSystemType in the store */
#define VMS_NOTHING_SAID 1 /* for .problem: there was no query yet */

struct Vms {
        const VmsEvents *events; /* borrowed */
        void *userdata;
        Hcs *hcs;
        RegWatch *store, *registration;
        VmList list;   /* what runs, as far as is known */
        VmList answer; /* the last one of the service */
        VmList missed; /* VMs that the last answer was the first to lack */
        bool guessed;  /* the list is from the registry, which does not tell which VMs are WSL's */
        VmListeners listeners;
        int problem; /* of the last query, to be logged once */
        bool closed;
        VmSchedule schedule;
        uint64_t asked_usec; /* the last look */
        bool refresh;        /* look at once */
        uint64_t generation;
};

static bool vms_is_registered(void) {
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE, 0, KEY_QUERY_VALUE, &key) !=
            ERROR_SUCCESS)
                return false;
        (void) RegCloseKey(key);
        return true;
}

/* A VM of WSL needs a listener of its own (fact 2.1.1). The listener for all other VMs is needed
 * only while our service is registered, because otherwise no guest can reach it (fact 8.1.1). */
static void vms_follow(Vms *v) {
        VmList wanted = {.n = 0};

        for (size_t i = 0; i < v->list.n; i++)
                if (v->list.items[i].wsl || v->guessed)
                        vm_list_add(&wanted, &v->list.items[i]);
        vm_listeners_follow(&v->listeners, &wanted, vms_is_registered(), loop_now_usec());
}

/* The keys of the store are named after the VMs. They do not tell which VM is WSL's. So each VM
 * gets a listener, to which no other VM can connect, and none has to be in WSL's network. Return:
 * 0, or -ENOENT when there is no store. */
static int vms_read_store(VmList *ret_list) {
        VmList list = {.n = 0};
        HKEY store;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, VMS_STORE_KEY, 0, KEY_ENUMERATE_SUB_KEYS, &store) !=
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

/* An answer that lacks a VM may be wrong, so the VM stays in the list until the next answer lacks
 * it as well. That one is asked for soon. */
static void vms_keep_missed(Vms *v, VmList *found) {
        VmList missed = {.n = 0};

        for (size_t i = 0; i < v->answer.n; i++) {
                const Vm *vm = &v->answer.items[i];

                if (!vm_list_find(found, &vm->id) && !vm_list_find(&v->missed, &vm->id))
                        vm_list_add(&missed, vm);
        }
        for (size_t i = 0; i < missed.n; i++)
                vm_list_add(found, &missed.items[i]);
        v->missed = missed;
        if (missed.n > 0)
                vm_schedule_doubt(&v->schedule);
}

static void vms_report_error(Vms *v, int error) {
        bool lacking = error == -ENOSYS || error == -ENOEXEC;

        if (error < 0 && error != v->problem) {
                log_event(
                        lacking ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
                        lacking ? EVENT_NONE : EVENT_PROBLEM,
                        "The Host Compute Service does not list the running VMs (%s); reading the "
                        "registry instead",
                        vm_list_error_text(error));
        }
        /* What the self-test asks for as well (facts 2.2.5 and 2.2.10). */
        if (error != v->problem && (error == 0 || error == -EACCES))
                fact_store_seen("2.2.5", error == 0);
        if (error != v->problem && (error == 0 || error == -ENOEXEC))
                fact_store_seen("2.2.10", error == 0);
        v->problem = error;
}

/* The VMs in the registry are added to the last answer. Without any answer the registry is all
 * there is: its store exists only while a VM is running (fact 2.2.7). */
static void vms_add_store(const Vms *v, VmList *ret_found) {
        VmList store = {.n = 0};

        *ret_found = v->answer;
        (void) vms_read_store(&store);
        for (size_t i = 0; i < store.n; i++)
                if (!vm_list_find(ret_found, &store.items[i].id))
                        vm_list_add(ret_found, &store.items[i]);
}

static void vms_on_list(void *userdata, int error, const VmList *list) {
        Vms *v = userdata;
        VmList found;
        bool changed;

        if (v->closed)
                return;
        vms_report_error(v, error);
        if (error == 0) {
                found = *list;
                vms_keep_missed(v, &found);
                v->answer = found;
        } else {
                vms_add_store(v, &found);
        }
        changed = !vm_list_equal(&v->list, &found);
        if (changed)
                v->generation++;
        if (v->missed.n == 0) {
                if (changed && v->schedule.answered) /* fact 2.2.8 */
                        fact_store_seen("2.2.8", v->schedule.notified);
                vm_schedule_answered(&v->schedule, changed);
        }
        if (found.n_left_out > 0 && found.n_left_out != v->list.n_left_out) {
                log_event(LOG_LEVEL_WARNING, EVENT_PROBLEM,
                          "More than %d virtual machines are running; %zu of them are ignored; "
                          "those of WSL have priority",
                          VM_LIST_MAX, found.n_left_out);
        }
        v->list = found;
        v->guessed = error < 0;
        if (error == 0)
                v->events->listed(v->userdata, &v->list);
        vms_follow(v);
}

static void vms_ask(Vms *v, uint64_t now_usec) {
        v->asked_usec = now_usec;
        v->refresh = false;
        vm_schedule_asked(&v->schedule);
        hcs_ask(v->hcs);
}

static void vms_on_store(void *userdata) {
        Vms *v = userdata;

        vm_schedule_notified(&v->schedule);
        vms_ask(v, loop_now_usec());
}

static void vms_on_registration(void *userdata) {
        Vms *v = userdata;

        vms_ask(v, loop_now_usec());
}

int vms_new(Vms **ret_vms, Loop *loop, const Transport *transport, const VmsEvents *events,
            void *userdata) {
        Vms *v = calloc(1, sizeof(*v));
        int r;

        if (!v)
                return -ENOMEM;
        *v = (Vms){
                .events = events,
                .userdata = userdata,
                .refresh = true,
                .problem = VMS_NOTHING_SAID,
        };
        vm_listeners_init(&v->listeners, loop, transport, events->accepted, events->connected,
                          userdata);
        r = hcs_new(&v->hcs, loop, vms_on_list, v);
        if (r < 0) {
                vms_free(v);
                return r;
        }
        /* Both only make a look come earlier. Such a key may be closed to us (fact 2.2.8). */
        (void) regwatch_new(&v->store, loop, VMS_STORE_KEY, vms_on_store, v);
        (void) regwatch_new(&v->registration, loop, PATHS_KEY_HYPERV_SERVICE, vms_on_registration,
                            v);
        *ret_vms = v;
        log_write(LOG_LEVEL_NOTICE, "looking for virtual machines");
        return 0; /* the first tick is due at once */
}

void vms_close(Vms *v) {
        if (v) {
                vm_listeners_close(&v->listeners);
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
        v->refresh = true;
        vm_listeners_refresh(&v->listeners);
}

void vms_look_for(Vms *v, const VmId *id) {
        if (!vm_list_find(&v->answer, id))
                vm_schedule_doubt(&v->schedule);
}

void vms_slept(Vms *v) {
        vm_listeners_slept(&v->listeners);
        vms_refresh(v);
}

static uint64_t vms_next_look(const Vms *v) {
        bool listening = vm_listeners_all_open(&v->listeners);

        if (v->refresh)
                return 0;
        return v->asked_usec + vm_schedule_interval(&v->schedule, listening);
}

void vms_tick(Vms *v, uint64_t now_usec) {
        regwatch_tick(v->store, now_usec);
        regwatch_tick(v->registration, now_usec);
        hcs_tick(v->hcs, now_usec);
        vm_listeners_tick(&v->listeners, now_usec);
        if (now_usec >= vms_next_look(v))
                vms_ask(v, now_usec);
}

uint64_t vms_deadline(const Vms *v) {
        uint64_t deadlines[] = {
                vms_next_look(v),
                hcs_deadline(v->hcs),
                vm_listeners_deadline(&v->listeners),
                regwatch_deadline(v->store),
                regwatch_deadline(v->registration),
        };
        uint64_t first = LOOP_NO_DEADLINE;

        for (size_t i = 0; i < ARRAYSIZE(deadlines); i++)
                first = deadlines[i] < first ? deadlines[i] : first;
        return first;
}

const VmList *vms_list(const Vms *v) {
        return &v->list;
}

VmListening vms_listening(const Vms *v, const VmId *id) {
        return vm_listeners_state(&v->listeners, id);
}

uint64_t vms_generation(const Vms *v) {
        return v->generation + v->listeners.generation;
}
