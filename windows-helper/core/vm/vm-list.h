/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The virtual machines that the Host Compute Service tells of (fact 2.2).
 */

#include "windows-helper/core/vm/vm.h"

#define VM_LIST_MAX      64
#define VM_LIST_TEXT_MAX (4u * 1024 * 1024) /* bytes of JSON; more is refused */
#define VM_NAME_MAX      63

typedef struct Vm {
        VmId id; /* its RuntimeId, what a listener is bound to */
        bool wsl;
        char name[VM_NAME_MAX + 1]; /* "WSL", or how its owner calls it; for people */
} Vm;

typedef struct VmList {
        Vm items[VM_LIST_MAX];
        size_t n;
        size_t n_left_out; /* for want of room */
} VmList;

/**
 * vm_list_parse() - read the answer of HcsEnumerateComputeSystems()
 *
 * Takes virtual machines with a RuntimeId that is a GUID, whatever their Id is; containers, and
 * entries without one, are left out. "null" is an empty list.
 *
 * Return: 0, or -EINVAL when it is no JSON array of objects: then nothing is known.
 */
int vm_list_parse(const char *json, size_t n, VmList *ret_list);

/* Add one that is not in it yet. A full list prefers VMs of WSL, which need a listener each: such a
 * one takes the place of another, else it is counted as left out. */
void vm_list_add(VmList *list, const Vm *vm);

/* The same VMs, in the same order? */
bool vm_list_equal(const VmList *a, const VmList *b);

const Vm *vm_list_find(const VmList *list, const VmId *id);
