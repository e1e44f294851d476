/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values of one registry key below HKEY_LOCAL_MACHINE: UTF-8 names and strings in, 0 or negative
 * errno out. A key is opened when it is first needed, created by the first write, and opened again
 * when somebody deleted it under us, so no caller thinks about handles.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdint.h>

#define REGISTRY_NAME_MAX 1024 /* characters of names and strings that we write ourselves */

enum {
        _REGISTRY_E_SUCCESS,
        REGISTRY_E_NOT_STRING, /* the value exists and is no plain REG_SZ */
};

typedef struct RegistryKey {
        const wchar_t *path; /* borrowed */
        HKEY key;            /* owned; NULL until it is needed */
} RegistryKey;

#define REGISTRY_KEY_INIT(path_) ((RegistryKey){.path = (path_)})

/* Open it for reading and writing, creating it if it is missing. Return: 0 or negative errno. */
int registry_create(RegistryKey *k);
void registry_close(RegistryKey *k);

/* Write a REG_SZ; the key is created if it is missing. Return: 0 or negative errno. */
int registry_set_string(RegistryKey *k, const char *name, const char *data);

/* Write a REG_BINARY; the key is created if it is missing. Return: 0 or negative errno. */
int registry_set_binary(RegistryKey *k, const char *name, const void *data, size_t size);

/* Read a REG_SZ. Return: 0, REGISTRY_E_NOT_STRING, -ENOENT, or negative errno. */
int registry_get_string(RegistryKey *k, const char *name, char *ret_data, size_t size);

/* Read a REG_BINARY of exactly @size bytes. Return: 0, -ENOENT, -EINVAL when it is something else.
 */
int registry_get_binary(RegistryKey *k, const char *name, void *ret_data, size_t size);

/* Delete a value; 0 also when there was none. */
int registry_delete(RegistryKey *k, const char *name);

/* Bring the key's hive to disk. 0 when the key does not exist. */
int registry_flush(RegistryKey *k);

/**
 * registry_each() - walk all values
 * @fn: gets the name and the string, NULL for what is no plain REG_SZ; ends the walk unless it
 *      returns 0
 *
 * No snapshot: a value that is added or deleted meanwhile may be missed or shift the order. Who
 * depends on the whole truth watches the key and walks again.
 *
 * Return: 0 (also when the key does not exist), what @fn ended it with, or an error of ours.
 */
int registry_each(RegistryKey *k, int (*fn)(void *userdata, const char *name, const char *data),
                  void *userdata);
