/* SPDX-License-Identifier: MIT */

/*
 * The list of virtual machines, and how it is read from the answer of the Host Compute Service.
 */

#include "windows-helper/core/vm/vm-list.h"

#include "common/json-read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void vm_list_add(VmList *list, const Vm *vm) {
        if (list->n < VM_LIST_MAX) {
                list->items[list->n++] = *vm;
                return;
        }
        list->n_left_out++;
        for (size_t i = list->n; vm->wsl && i-- > 0;) {
                if (!list->items[i].wsl) {
                        list->items[i] = *vm;
                        return;
                }
        }
}

bool vm_list_equal(const VmList *a, const VmList *b) {
        if (a->n != b->n || a->n_left_out != b->n_left_out)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!vm_id_equal(&a->items[i].id, &b->items[i].id) ||
                    a->items[i].wsl != b->items[i].wsl ||
                    strcmp(a->items[i].name, b->items[i].name) != 0)
                        return false;
        return true;
}

static void vm_list_member(const JsonToken *t, Vm *vm, bool *machine, bool *known) {
        if (t->type != JSON_STRING || t->cut)
                return;
        if (strcmp(t->name, "SystemType") == 0)
                *machine = strcmp(t->text, "VirtualMachine") == 0;
        else if (strcmp(t->name, "RuntimeId") == 0)
                *known = vm_id_parse(t->text, &vm->id) == 0 && !vm_id_is_null(&vm->id);
        else if (strcmp(t->name, "Owner") == 0)
                (void) snprintf(vm->name, sizeof(vm->name), "%.*s", VM_NAME_MAX, t->text);
}

/* Read one compute system, behind its opening brace. */
static int vm_list_system(JsonReader *r, VmList *list) {
        Vm vm = {.wsl = false};
        bool machine = false, known = false;
        JsonToken t;
        int error;

        while ((error = json_member(r, &t)) > 0)
                vm_list_member(&t, &vm, &machine, &known);
        if (error < 0)
                return error;
        if (!machine || !known || vm_list_find(list, &vm.id))
                return 0;
        vm.wsl = strcmp(vm.name, "WSL") == 0; /* fact 2.2.3 */
        wire_text_clean(vm.name, VM_NAME_MAX);
        vm_list_add(list, &vm);
        return 0;
}

int vm_list_parse(const char *json, size_t n, VmList *ret_list) {
        VmList list = {.n = 0};
        JsonReader r;
        JsonToken t;

        if (n > VM_LIST_TEXT_MAX)
                return -EINVAL;
        json_reader_init(&r, json, n);
        if (json_next(&r, &t) < 0 || (t.type != JSON_ARRAY && t.type != JSON_NULL))
                return -EINVAL;
        while (t.type != JSON_NULL) {
                if (json_next(&r, &t) < 0)
                        return -EINVAL;
                if (t.type == JSON_ARRAY_END)
                        break;
                if (t.type != JSON_OBJECT || vm_list_system(&r, &list) < 0)
                        return -EINVAL;
        }
        if (json_next(&r, &t) < 0 || t.type != JSON_END)
                return -EINVAL;
        *ret_list = list;
        return 0;
}

const Vm *vm_list_find(const VmList *list, const VmId *id) {
        for (size_t i = 0; i < list->n; i++)
                if (vm_id_equal(&list->items[i].id, id))
                        return &list->items[i];
        return NULL;
}

const char *vm_list_error_text(int error) {
        switch (error) {
        case -ENOSYS:
                return "this Windows does not have it";
        case -ENOEXEC:
                return "computecore.dll does not load";
        case -EACCES:
                return "access is denied";
        case -EPROTO:
                return "its answer is not understood";
        default:
                return "it does not answer";
        }
}
