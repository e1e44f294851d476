/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values of one registry key below HKEY_LOCAL_MACHINE, with UTF-8 names and strings. Callers need
 * not care about handles: a key is opened when it is first needed, created by the first write, and
 * opened again after somebody has deleted it.
 */

#include "common/log-limit.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdint.h>

#define REGISTRY_NAME_MAX 1024 /* characters of the names and strings that we write */

enum {
        _REGISTRY_E_SUCCESS,
        REGISTRY_E_NOT_STRING, /* the value exists, but is not a plain REG_SZ */
};

typedef struct RegistryKey {
        const wchar_t *path; /* borrowed */
        HKEY key;            /* owned; NULL until it is needed */
        LogLimit limit;      /* of lines about it: where a write is refused, so are thousands */
} RegistryKey;

#define REGISTRY_KEY_INIT(path_) ((RegistryKey){.path = (path_)})

/* Open the key for reading and writing, creating it if it is missing. Return: 0 or negative errno.
 */
int registry_create(RegistryKey *k);
void registry_close(RegistryKey *k);

/* Write a REG_SZ; the key is created if it is missing. Return: 0 or negative errno. */
int registry_set_string(RegistryKey *k, const char *name, const char *data);

/* Write a REG_BINARY; the key is created if it is missing. Return: 0 or negative errno. */
int registry_set_binary(RegistryKey *k, const char *name, const void *data, size_t size);

/* Read a REG_SZ. Return: 0, REGISTRY_E_NOT_STRING, -ENOENT, or negative errno. */
int registry_get_string(RegistryKey *k, const char *name, char *ret_data, size_t size);

/* Read a REG_BINARY of exactly @size bytes. Return: 0; -ENOENT; -EINVAL when the value is anything
 * else; or another negative errno (logged). */
int registry_get_binary(RegistryKey *k, const char *name, void *ret_data, size_t size);

/* Delete a value. Return: 0, also when there was none; or negative errno (logged). */
int registry_delete(RegistryKey *k, const char *name);

/* Write the key's hive to disk. Return: 0, also when the key does not exist; or negative errno. */
int registry_flush(RegistryKey *k);

/* When a value of the key was written or deleted last (as a FILETIME: 100 ns, but see fact 4.1.10),
 * how many values it has, and how many keys are below it; all 0 when it does not exist. Return: 0
 * or negative errno (logged). */
int registry_stamp(RegistryKey *k, uint64_t *ret_written, uint32_t *ret_n, uint32_t *ret_keys);

/**
 * registry_some() - call a function for at most @n values
 * @index: of the next value; moved on
 *
 * As registry_each(), in portions. Return: 1 when there may be more, otherwise as registry_each().
 */
int registry_some(RegistryKey *k, uint32_t *index, size_t n,
                  int (*fn)(void *userdata, const char *name, const char *data), void *userdata);

/**
 * registry_each() - call a function for each value
 * @fn: gets the name and the string, or NULL for a value that is not a plain REG_SZ; a return value
 *      other than 0 ends the enumeration
 *
 * This is not a snapshot. If values are added or deleted meanwhile, others may be missed or come
 * twice. A caller that needs all of them watches the key and enumerates it again after a change.
 *
 * Return: 0 (also when the key does not exist); the value with which @fn ended it; or negative
 * errno (logged).
 */
int registry_each(RegistryKey *k, int (*fn)(void *userdata, const char *name, const char *data),
                  void *userdata);
