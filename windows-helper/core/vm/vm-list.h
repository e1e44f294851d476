/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The virtual machines that the Host Compute Service reports (facts 2.2.2, 2.2.4).
 */

#include "windows-helper/core/vm/vm.h"

#define VM_LIST_MAX      64
#define VM_LIST_TEXT_MAX (4u * 1024 * 1024) /* bytes of JSON; more are refused */
#define VM_NAME_MAX      63

typedef struct Vm {
        VmId id; /* its RuntimeId, to which a listener is bound */
        bool wsl;
        char name[VM_NAME_MAX + 1]; /* "WSL", or the name that its owner gave it; for people */
} Vm;

typedef struct VmList {
        Vm items[VM_LIST_MAX];
        size_t n;
        size_t n_left_out; /* because there was no room */
} VmList;

/**
 * vm_list_parse() - read the answer of HcsEnumerateComputeSystems()
 *
 * Takes the virtual machines whose RuntimeId is a GUID; their Id does not matter. Containers, and
 * entries without a RuntimeId, are left out. "null" is an empty list.
 *
 * Return: 0, or -EINVAL when @json is not a JSON array of objects; then nothing is known.
 */
int vm_list_parse(const char *json, size_t n, VmList *ret_list);

/* Add a VM that is not in the list yet. When the list is full, a VM of WSL takes the place of
 * another kind of VM, because each VM of WSL needs a listener of its own. A VM without a place is
 * counted as left out. */
void vm_list_add(VmList *list, const Vm *vm);

/* True when both have the same VMs in the same order. */
bool vm_list_equal(const VmList *a, const VmList *b);

/* The VM with this id, or NULL. */
const Vm *vm_list_find(const VmList *list, const VmId *id);

/* Why the list could not be had, for a sentence in parentheses. @error: -ENOSYS, -ENOEXEC, -EACCES,
 * -EPROTO or -EIO. */
const char *vm_list_error_text(int error);
