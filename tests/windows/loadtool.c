/* SPDX-License-Identifier: MIT */

/*
 * Measures what a program uses, for tests and benchmarks.
 *
 *   loadtool handles PROGRAM.EXE    prints {"handles": N}, the open handles of the only process of
 *                                   that name
 *   loadtool idle DLL…              loads the DLLs and does nothing until it is killed, to show
 * what Wine alone uses
 */

#include "windows-helper/win/win.h"

#include <stdio.h>
#include <stdlib.h>
#include <tlhelp32.h>

#define SYSTEM_HANDLE_INFORMATION 16 /* not in mingw's headers; stable since Windows NT */

typedef struct HandleEntry {
        USHORT process, trace;
        UCHAR type, attributes;
        USHORT value;
        PVOID object;
        ULONG access;
} HandleEntry;

typedef struct HandleTable {
        ULONG n;
        HandleEntry entries[];
} HandleTable;

typedef LONG(WINAPI *QuerySystemFn)(ULONG kind, void *buffer, ULONG size, ULONG *ret_size);

static DWORD process_find(const wchar_t *name) {
        PROCESSENTRY32W entry = {.dwSize = sizeof(entry)};
        HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        DWORD pid = 0;

        for (BOOL more = Process32FirstW(list, &entry); more; more = Process32NextW(list, &entry))
                if (_wcsicmp(entry.szExeFile, name) == 0)
                        pid = pid ? MAXDWORD : entry.th32ProcessID; /* MAXDWORD: not the only one */
        (void) CloseHandle(list);
        return pid;
}

/* GetProcessHandleCount() returns 0 in Wine 8, so the whole table of the system is read. */
static int handles(const wchar_t *name) {
        static union {
                HandleTable table;
                BYTE bytes[8 * 1024 * 1024];
        } u;
        DWORD pid = process_find(name);
        QuerySystemFn query;
        FARPROC address;
        ULONG size, n = 0;

        address = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");
        memcpy(&query, &address, sizeof(query));
        if (pid == 0 || pid == MAXDWORD || !query ||
            query(SYSTEM_HANDLE_INFORMATION, &u, sizeof(u), &size) != 0)
                return EXIT_FAILURE;
        for (ULONG i = 0; i < u.table.n; i++)
                n += u.table.entries[i].process == (USHORT) pid;
        printf("{\"handles\": %lu}\n", n);
        return EXIT_SUCCESS;
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        if (argc == 3 && wcscmp(argv[1], L"handles") == 0)
                return handles(argv[2]);
        if (argc >= 2 && wcscmp(argv[1], L"idle") == 0) {
                for (int i = 2; i < argc; i++)
                        if (!LoadLibraryW(argv[i]))
                                return EXIT_FAILURE;
                Sleep(INFINITE);
        }
        return EXIT_FAILURE;
}
