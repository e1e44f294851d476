/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for the computecore.dll of Windows. It answers with the value 'Compute' (REG_SZ, JSON)
 * of HKLM\SOFTWARE\wslbridge-test, once with 'ComputeOnce' if there is one, or with the error
 * 'ComputeError' (REG_DWORD, an HRESULT). If 'ComputeWsl' (REG_DWORD) is not 0, the list is empty
 * unless fake-wsl.c runs a program of a distro. While 'ComputeHang' (REG_DWORD) is not 0, it does
 * not answer.
 */

#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

#define KEY L"SOFTWARE\\wslbridge-test"

void *WINAPI HcsCreateOperation(void *context, void *callback);
HRESULT WINAPI HcsEnumerateComputeSystems(const wchar_t *query, void *operation);
HRESULT WINAPI HcsWaitForOperationResult(void *operation, DWORD ms, wchar_t **ret_result);
void WINAPI HcsCloseOperation(void *operation);

void *WINAPI HcsCreateOperation(void *context, void *callback) {
        return malloc(1);
}

HRESULT WINAPI HcsEnumerateComputeSystems(const wchar_t *query, void *operation) {
        DWORD error = 0, size = sizeof(error);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, KEY, L"ComputeError", RRF_RT_REG_DWORD, NULL,
                            &error, &size);
        return (HRESULT) error;
}

static DWORD setting(const wchar_t *name) {
        DWORD value = 0, size = sizeof(value);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, KEY, name, RRF_RT_REG_DWORD, NULL, &value, &size);
        return value;
}

/* Return: whether no VM runs, as far as that is asked for. */
static BOOL no_vm(void) {
        HANDLE event = OpenEventW(SYNCHRONIZE, FALSE, L"Global\\wslbridge-test-vm");

        if (event)
                (void) CloseHandle(event);
        return !event && setting(L"ComputeWsl");
}

HRESULT WINAPI HcsWaitForOperationResult(void *operation, DWORD ms, wchar_t **ret_result) {
        const wchar_t *name = L"ComputeOnce";
        DWORD size = 0;
        wchar_t *text;

        *ret_result = NULL;
        while (setting(L"ComputeHang"))
                Sleep(50);
        if (RegGetValueW(HKEY_LOCAL_MACHINE, KEY, name, RRF_RT_REG_SZ, NULL, NULL, &size) !=
            ERROR_SUCCESS)
                name = L"Compute";
        if (RegGetValueW(HKEY_LOCAL_MACHINE, KEY, name, RRF_RT_REG_SZ, NULL, NULL, &size) !=
            ERROR_SUCCESS)
                return E_FAIL;
        text = LocalAlloc(LPTR, size + sizeof(*text));
        (void) RegGetValueW(HKEY_LOCAL_MACHINE, KEY, name, RRF_RT_REG_SZ, NULL, text, &size);
        (void) RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, KEY, L"ComputeOnce");
        if (no_vm())
                (void) wcscpy(text, L"[]");
        *ret_result = text;
        return S_OK;
}

void WINAPI HcsCloseOperation(void *operation) {
        free(operation);
}
