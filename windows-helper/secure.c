/* SPDX-License-Identifier: MIT */
#include "windows-helper/secure.h"
#include "windows-helper/log.h"

#include <errno.h>
#include <sddl.h>

/* Return: to be freed with LocalFree(); NULL (logged). */
static PSECURITY_DESCRIPTOR secure_descriptor(const wchar_t *sddl) {
        PSECURITY_DESCRIPTOR d = NULL;

        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &d, NULL))
                (void) log_win_error(GetLastError(), "Failed to make a security descriptor");
        return d;
}

int secure_key(const wchar_t *path, const wchar_t *sddl) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        LSTATUS error;
        HKEY key;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, REG_OPTION_NON_VOLATILE,
                                WRITE_DAC, &attributes, &key, NULL);
        if (error == ERROR_SUCCESS) {
                /* One that was there has another descriptor. */
                error = RegSetKeySecurity(key, DACL_SECURITY_INFORMATION,
                                          attributes.lpSecurityDescriptor);
                (void) RegCloseKey(key);
        }
        (void) LocalFree(attributes.lpSecurityDescriptor);
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Failed to protect key 'HKLM\\%ls'", path);
        return 0;
}

int secure_folder(const wchar_t *path, const wchar_t *sddl) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        DWORD error = ERROR_SUCCESS;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        /* ProgramData is where every user may make folders: one that is there may be anybody's, so
         * its descriptor is replaced (fact 9). */
        if (!CreateDirectoryW(path, &attributes)) {
                error = GetLastError();
                if (error == ERROR_ALREADY_EXISTS) {
                        error = SetFileSecurityW(path, DACL_SECURITY_INFORMATION,
                                                 attributes.lpSecurityDescriptor)
                                        ? ERROR_SUCCESS
                                        : GetLastError();
                }
        }
        (void) LocalFree(attributes.lpSecurityDescriptor);
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Failed to make folder '%ls'", path);
        return 0;
}

int secure_file(const wchar_t *path, const wchar_t *sddl, DWORD share, HANDLE *ret_file) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        HANDLE file;
        DWORD error;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, share, &attributes, CREATE_ALWAYS,
                           FILE_ATTRIBUTE_NORMAL, NULL);
        error = GetLastError();
        (void) LocalFree(attributes.lpSecurityDescriptor);
        if (file == INVALID_HANDLE_VALUE) {
                if (error == ERROR_SHARING_VIOLATION)
                        return -EBUSY;
                return log_win_error(error, "Failed to write file '%ls'", path);
        }
        *ret_file = file;
        return 0;
}
