/* SPDX-License-Identifier: MIT */

/*
 * Editing the list of pending renames.
 */

#include "windows-helper/core/install/pending.h"

#define PENDING_PREFIX L"\\??\\" /* before each path: it is a name of the kernel */

/* The number of characters of the string at @list with its NUL; at the end of the list 0. */
static size_t pending_string(const wchar_t *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (list[i] == L'\0')
                        return i + 1;
        return n;
}

/* Our folders have names of ASCII letters. */
static wchar_t pending_lower(wchar_t c) {
        return c >= L'A' && c <= L'Z' ? c - L'A' + L'a' : c;
}

static bool pending_starts_with(const wchar_t *text, const wchar_t *start) {
        for (; *start; text++, start++)
                if (pending_lower(*text) != pending_lower(*start))
                        return false;
        return true;
}

/* @path, as it is in the list, without what Windows puts before it. Windows 10 and 11 put a '*' and
 * a number before the paths that MoveFileExW() enters (fact 9.2.6). A '!' says that a file of the
 * new name is to be replaced. */
static const wchar_t *pending_bare(const wchar_t *path) {
        if (*path == L'*')
                path += 1 + wcsspn(path + 1, L"0123456789");
        path += *path == L'!';
        if (pending_starts_with(path, PENDING_PREFIX))
                path += wcslen(PENDING_PREFIX);
        return path;
}

/* Whether it is @folder or below it. */
static bool pending_is_in(const wchar_t *path, const wchar_t *folder) {
        path = pending_bare(path);
        if (!pending_starts_with(path, folder))
                return false;
        path += wcslen(folder);
        return *path == L'\0' || *path == L'\\';
}

static bool pending_is_old(const wchar_t *path) {
        size_t n = wcslen(path), n_old = wcslen(PENDING_OLD);

        return n >= n_old && pending_starts_with(path + n - n_old, PENDING_OLD);
}

size_t pending_forget(wchar_t *list, size_t n, const wchar_t *folder) {
        size_t n_kept = 0, at = 0;

        /* A string that the end of the data cuts is not Windows' work; it is left out. */
        while (n > 0 && list[n - 1] != L'\0')
                n--;
        while (at < n && list[at] != L'\0') {
                const wchar_t *from = list + at, *to;
                size_t n_from = pending_string(from, n - at), n_to;
                bool keep;

                to = from + n_from;
                n_to = pending_string(to, n - at - n_from);
                if (n_to == 0)
                        break;
                keep = *to == L'\0' && pending_is_old(from)
                               ? true
                               : !pending_is_in(from, folder) && !pending_is_in(to, folder);
                if (keep) {
                        wmemmove(list + n_kept, from, n_from + n_to);
                        n_kept += n_from + n_to;
                }
                at += n_from + n_to;
        }
        if (n_kept > 0)
                list[n_kept++] = L'\0';
        return n_kept;
}

static bool pending_is(const wchar_t *path, const wchar_t *other) {
        path = pending_bare(path);
        return pending_starts_with(path, other) && !path[wcslen(other)];
}

bool pending_find(const wchar_t *list, size_t n, const wchar_t *path, wchar_t *ret_from,
                  size_t size) {
        while (n > 0 && list[n - 1] != L'\0')
                n--;
        for (size_t at = 0; at < n && list[at] != L'\0';) {
                const wchar_t *from = list + at, *to;
                size_t n_from = pending_string(from, n - at);

                if (at + n_from == n)
                        break;
                to = from + n_from;
                at += n_from + pending_string(to, n - at - n_from);
                if (!pending_is(*to ? to : from, path))
                        continue;
                from = *to ? pending_bare(from) : L"";
                if (wcslen(from) >= size)
                        break;
                (void) wcscpy(ret_from, from);
                return true;
        }
        return false;
}

static size_t pending_put(wchar_t *list, size_t at, const wchar_t *path) {
        wmemcpy(list + at, PENDING_PREFIX, wcslen(PENDING_PREFIX));
        at += wcslen(PENDING_PREFIX);
        wmemcpy(list + at, path, wcslen(path) + 1);
        return at + wcslen(path) + 1;
}

size_t pending_add(wchar_t *list, size_t n, size_t size, const wchar_t *from, const wchar_t *to) {
        size_t at = n > 0 ? n - 1 : 0; /* in place of the final NUL */

        size_t n_to = to ? 1 + wcslen(PENDING_PREFIX) + wcslen(to) : 0;

        if (at + wcslen(PENDING_PREFIX) + wcslen(from) + n_to + 3 > size)
                return 0;
        at = pending_put(list, at, from);
        if (to)
                list[at++] = L'!';
        if (to)
                at = pending_put(list, at, to);
        else
                list[at++] = L'\0';
        list[at++] = L'\0';
        return at;
}
