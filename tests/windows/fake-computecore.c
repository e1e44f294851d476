/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for the computecore.dll of Windows. It answers with the value 'Compute' (REG_SZ, JSON)
 * of HKLM\SOFTWARE\wslbridge-test, once with 'ComputeOnce' if there is one, or with the error
 * 'ComputeError' (REG_DWORD, an HRESULT). While 'ComputeHang' (REG_DWORD) is not 0, it does not
 * answer.
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

static DWORD hangs(void) {
        DWORD value = 0, size = sizeof(value);

        (void) RegGetValueW(HKEY_LOCAL_MACHINE, KEY, L"ComputeHang", RRF_RT_REG_DWORD, NULL, &value,
                            &size);
        return value;
}

HRESULT WINAPI HcsWaitForOperationResult(void *operation, DWORD ms, wchar_t **ret_result) {
        const wchar_t *name = L"ComputeOnce";
        DWORD size = 0;
        wchar_t *text;

        *ret_result = NULL;
        while (hangs())
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
        *ret_result = text;
        return S_OK;
}

void WINAPI HcsCloseOperation(void *operation) {
        free(operation);
}
