/* SPDX-License-Identifier: MIT */

/*
 * Finding our folder in PATH, adding it and taking it out. Everything else is copied as it is.
 */

#include "windows-helper/core/install/path-list.h"

#include <stdint.h>

/* The characters of the entry at @list. A quote that is never closed is an ordinary character, so
 * that it does not hide the entries behind it. */
static size_t path_list_entry(const wchar_t *list) {
        const wchar_t *at = list;

        while (*at && *at != L';') {
                const wchar_t *close = *at == L'"' ? wcschr(at + 1, L'"') : NULL;

                at = close ? close + 1 : at + 1;
        }
        return (size_t) (at - list);
}

static wchar_t path_list_lower(wchar_t c) {
        return c >= L'A' && c <= L'Z' ? c - L'A' + L'a' : c;
}

static size_t path_list_without_end(const wchar_t *path, size_t n) {
        while (n > 0 && path[n - 1] == L'\\')
                n--;
        return n;
}

static bool path_list_is(const wchar_t *entry, size_t n, const wchar_t *folder) {
        size_t n_folder = path_list_without_end(folder, wcslen(folder));

        if (n >= 2 && entry[0] == L'"' && entry[n - 1] == L'"') {
                entry++;
                n -= 2;
        }
        if (path_list_without_end(entry, n) != n_folder)
                return false;
        for (size_t i = 0; i < n_folder; i++)
                if (path_list_lower(entry[i]) != path_list_lower(folder[i]))
                        return false;
        return true;
}

/* Return: where the first entry begins that is @folder, or SIZE_MAX. */
static size_t path_list_find(const wchar_t *list, const wchar_t *folder) {
        for (size_t at = 0;;) {
                size_t n = path_list_entry(list + at);

                if (path_list_is(list + at, n, folder))
                        return at;
                if (list[at + n] == L'\0')
                        return SIZE_MAX;
                at += n + 1;
        }
}

bool path_list_has(const wchar_t *list, const wchar_t *folder) {
        return path_list_find(list, folder) != SIZE_MAX;
}

bool path_list_add(wchar_t *list, size_t size, const wchar_t *folder) {
        size_t n = wcslen(list), n_folder = wcslen(folder);

        if (path_list_has(list, folder))
                return true;
        if (n + 1 + n_folder + 1 > size)
                return false;
        if (n > 0)
                list[n++] = L';';
        wmemcpy(list + n, folder, n_folder + 1);
        return true;
}

size_t path_list_remove(wchar_t *list, const wchar_t *folder) {
        size_t at, n_removed = 0;

        while ((at = path_list_find(list, folder)) != SIZE_MAX) {
                wchar_t *entry = list + at, *rest = entry + path_list_entry(entry);

                if (at > 0)
                        entry--; /* the ';' before it */
                else if (*rest == L';')
                        rest++;
                wmemmove(entry, rest, wcslen(rest) + 1);
                n_removed++;
        }
        return n_removed;
}
