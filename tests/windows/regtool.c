/* SPDX-License-Identifier: MIT */

/*
 * Registry access for the tests, as a conversation. 'wine reg' takes 50 ms and more for one value
 * and does not preserve every byte. This program answers in well under 1 ms and shows the bytes of
 * every type.
 *
 *   dump KEY                  {"ok":true,"values":{"NAME":{"type":1,"hex":"…"}}}; missing key: {}
 *   set KEY NAME TYPE HEX     creates the key if it is missing
 *   delete KEY NAME           succeeds even if there is no such value
 *   remove KEY                removes all below it too; succeeds even if there is no such key
 *   rights KEY                {"ok":true,"sddl":"D:…"}; missing key: ""
 *   protect KEY SDDL          gives a key these rights
 *   protect-own KEY SDDL      the same below HKEY_CURRENT_USER
 *   stamp KEY                 {"ok":true,"stamp":N}: time of the last write (100 ns); missing key:
 * 0
 *
 * Other keys are below HKEY_LOCAL_MACHINE.
 */

#include "tests/windows/conversation.h"
#include "windows-helper/win/win.h"

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX 16384 /* the registry's own limit */

static wchar_t key_path[NAME_MAX], value_name[NAME_MAX];

static void print_text(const char *text) {
        (void) putchar('"');
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p == '"' || *p == '\\' || *p < 0x20)
                        (void) printf("\\u%04x", *p);
                else
                        (void) putchar(*p);
        (void) putchar('"');
}

static LSTATUS dump(HKEY key) {
        static BYTE data[1024 * 1024];
        LSTATUS error = ERROR_SUCCESS;

        for (DWORD i = 0; error == ERROR_SUCCESS; i++) {
                DWORD n_name = NAME_MAX, n_data = sizeof(data), type;
                char *name = NULL;

                error = RegEnumValueW(key, i, value_name, &n_name, NULL, &type, data, &n_data);
                if (error != ERROR_SUCCESS || win_from_wide(value_name, n_name, &name) < 0)
                        break;
                (void) fputs(i > 0 ? "," : "", stdout);
                print_text(name);
                (void) printf(":{\"type\":%lu,\"hex\":\"", (unsigned long) type);
                for (DWORD j = 0; j < n_data; j++)
                        (void) printf("%02x", data[j]);
                (void) fputs("\"}", stdout);
                free(name);
        }
        return error == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : error;
}

static LSTATUS command_dump(void) {
        LSTATUS error;
        HKEY key;

        (void) fputs("{\"values\":{", stdout);
        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, key_path, 0, KEY_READ, &key);
        if (error == ERROR_SUCCESS) {
                error = dump(key);
                (void) RegCloseKey(key);
        }
        (void) fputs("},", stdout);
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

static LSTATUS command_set(const char *type, const char *hex) {
        size_t n = strlen(hex) / 2;
        BYTE *data = malloc(n + 1);
        LSTATUS error;
        HKEY key;

        (void) fputs("{", stdout);
        for (size_t i = 0; data && i < n; i++) {
                char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

                data[i] = (BYTE) strtoul(digits, NULL, 16);
        }
        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, key_path, 0, NULL, 0, KEY_WRITE, NULL, &key,
                                NULL);
        if (error == ERROR_SUCCESS) {
                error = RegSetValueExW(key, value_name, 0, strtoul(type, NULL, 10), data,
                                       (DWORD) n);
                (void) RegCloseKey(key);
        }
        free(data);
        return error;
}

static LSTATUS command_delete(void) {
        LSTATUS error;
        HKEY key;

        (void) fputs("{", stdout);
        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, key_path, 0, KEY_WRITE, &key);
        if (error == ERROR_SUCCESS) {
                error = RegDeleteValueW(key, value_name);
                (void) RegCloseKey(key);
        }
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

static LSTATUS command_remove(void) {
        LSTATUS error;

        (void) fputs("{", stdout);
        error = RegDeleteTreeW(HKEY_LOCAL_MACHINE, key_path);
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

static LSTATUS command_rights(void) {
        static BYTE descriptor[8192];
        DWORD n = sizeof(descriptor);
        wchar_t *text = NULL;
        LSTATUS error;
        HKEY key;

        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, key_path, 0, READ_CONTROL, &key);
        if (error == ERROR_SUCCESS) {
                error = RegGetKeySecurity(key, DACL_SECURITY_INFORMATION, descriptor, &n);
                (void) RegCloseKey(key);
                if (error == ERROR_SUCCESS &&
                    !ConvertSecurityDescriptorToStringSecurityDescriptorW(
                            descriptor, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, &text, NULL))
                        error = GetLastError();
        }
        (void) printf("{\"sddl\":\"%ls\",", text ? text : L"");
        (void) LocalFree(text);
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

static LSTATUS command_protect(HKEY root, const wchar_t *sddl) {
        PSECURITY_DESCRIPTOR rights = NULL;
        LSTATUS error;
        HKEY key;

        (void) fputs("{", stdout);
        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &rights,
                                                                  NULL))
                return (LSTATUS) GetLastError();
        error = RegOpenKeyExW(root, key_path, 0, WRITE_DAC, &key);
        if (error == ERROR_SUCCESS) {
                error = RegSetKeySecurity(key, DACL_SECURITY_INFORMATION, rights);
                (void) RegCloseKey(key);
        }
        (void) LocalFree(rights);
        return error;
}

static LSTATUS command_stamp(void) {
        ULARGE_INTEGER number = {.QuadPart = 0};
        FILETIME written = {0, 0};
        LSTATUS error;
        HKEY key;

        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, key_path, 0, KEY_READ, &key);
        if (error == ERROR_SUCCESS) {
                error = RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                         NULL, &written);
                (void) RegCloseKey(key);
        }
        number.LowPart = written.dwLowDateTime;
        number.HighPart = written.dwHighDateTime;
        (void) printf("{\"stamp\":%llu,", number.QuadPart);
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

static LSTATUS run(char **fields, unsigned n_fields) {
        if (n_fields < 2 || win_to_wide(fields[1], key_path, NAME_MAX) < 0 ||
            (n_fields > 2 && win_to_wide(fields[2], value_name, NAME_MAX) < 0)) {
                (void) fputs("{", stdout);
                return ERROR_INVALID_PARAMETER;
        }
        if (n_fields == 2 && strcmp(fields[0], "dump") == 0)
                return command_dump();
        if (n_fields == 5 && strcmp(fields[0], "set") == 0)
                return command_set(fields[3], fields[4]);
        if (n_fields == 3 && strcmp(fields[0], "delete") == 0)
                return command_delete();
        if (n_fields == 2 && strcmp(fields[0], "remove") == 0)
                return command_remove();
        if (n_fields == 2 && strcmp(fields[0], "rights") == 0)
                return command_rights();
        if (n_fields == 3 && strcmp(fields[0], "protect") == 0)
                return command_protect(HKEY_LOCAL_MACHINE, value_name);
        if (n_fields == 3 && strcmp(fields[0], "protect-own") == 0)
                return command_protect(HKEY_CURRENT_USER, value_name);
        if (n_fields == 2 && strcmp(fields[0], "stamp") == 0)
                return command_stamp();
        (void) fputs("{", stdout);
        return ERROR_INVALID_FUNCTION;
}

static void answer(char **fields, unsigned n_fields) {
        LSTATUS error = run(fields, n_fields);

        (void) printf("\"ok\":%s,\"error\":%ld}\n", error == ERROR_SUCCESS ? "true" : "false",
                      error);
}

int main(void) {
        return conversation_run(answer);
}
