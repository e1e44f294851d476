/* SPDX-License-Identifier: MIT */

/*
 * Step 1: which Windows this is, and what of it is there.
 */

#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/host/process-services.h"
#include "windows-helper/selftest/steps/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURRENT_VERSION     L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
#define DEVICE_GUARD        L"SYSTEM\\CurrentControlSet\\Control\\DeviceGuard"
#define APP_CONTROL         L"SYSTEM\\CurrentControlSet\\Control\\CI\\Policy"
#define IPV6_PARAMETERS     L"SYSTEM\\CurrentControlSet\\Services\\Tcpip6\\Parameters"
#define POWER_CAPABILITIES  4    /* SystemPowerCapabilities of POWER_INFORMATION_LEVEL */
#define SERVICE_CONFIG_SIZE 8192 /* the documented maximum */

/* A value of the registry: a number or a text. */
static void machine_value(Step *s, const char *key, const wchar_t *path, const wchar_t *name) {
        uint64_t began = step_clock();
        DWORD size, number = 0, type = 0;
        wchar_t text[128] = L"";
        LSTATUS error;

        size = sizeof(text);
        error = RegGetValueW(HKEY_LOCAL_MACHINE, path, name, RRF_RT_REG_SZ | RRF_RT_REG_DWORD,
                             &type, text, &size);
        if (error == ERROR_SUCCESS && type == REG_DWORD) {
                memcpy(&number, text, sizeof(number));
                step_line(s, key, "RegGetValueW", 0, began, "%s is %lu", WIN_UTF8(name), number);
        } else {
                step_line(s, key, "RegGetValueW", (DWORD) error, began, "%s%s%s", WIN_UTF8(name),
                          error ? "" : " is ", error ? "" : WIN_UTF8(text));
        }
}

static void machine_windows(Step *s) {
        LONG(WINAPI * version)(OSVERSIONINFOW *);
        OSVERSIONINFOW v = {.dwOSVersionInfoSize = sizeof(v)};
        uint64_t began = step_clock();

        if (step_function(s, "machine.version", L"ntdll.dll", "RtlGetVersion", &version)) {
                LONG status = version(&v);

                step_line(s, "machine.version", "RtlGetVersion", (DWORD) status, began,
                          "Windows %lu.%lu build %lu", v.dwMajorVersion, v.dwMinorVersion,
                          v.dwBuildNumber);
        }
        machine_value(s, "machine.revision", CURRENT_VERSION, L"UBR");
        machine_value(s, "machine.edition", CURRENT_VERSION, L"EditionID");
        machine_value(s, "machine.release", CURRENT_VERSION, L"DisplayVersion");
        machine_value(s, "machine.vbs", DEVICE_GUARD, L"EnableVirtualizationBasedSecurity");
        machine_value(s, "machine.app-control", APP_CONTROL, L"VerifiedAndReputablePolicyState");
        machine_value(s, "machine.ipv6", IPV6_PARAMETERS, L"DisabledComponents");
}

/* 0x8664 is x64, 0xaa64 is ARM64. A process that is not emulated has 0. */
static void machine_processor(Step *s) {
        BOOL(WINAPI * wow)(HANDLE, USHORT *, USHORT *);
        USHORT process = 0, native = 0;
        uint64_t began = step_clock();

        if (!step_function(s, "machine.emulated", L"kernel32.dll", "IsWow64Process2", &wow))
                return;
        if (!wow(GetCurrentProcess(), &process, &native))
                step_line(s, "machine.emulated", "IsWow64Process2", GetLastError(), began, "-");
        else
                step_line(s, "machine.emulated", "IsWow64Process2", 0, began,
                          "this program is x64, the processor is 0x%04x%s", native,
                          native == 0x8664 ? "" : ", so this program is emulated");
}

/* The last part of the version is left out: four numbers look like an address. */
static void machine_wsl(Step *s) {
        uint64_t began = step_clock();
        wchar_t text[64] = L"";
        DWORD size = sizeof(text);
        LSTATUS error = RegGetValueW(HKEY_LOCAL_MACHINE, HOSTNET_LXSS_PATH L"\\MSI", L"Version",
                                     RRF_RT_REG_SZ, NULL, text, &size);
        size_t n = 0;

        for (unsigned dots = 0; text[n] == L'.' || (text[n] >= L'0' && text[n] <= L'9'); n++)
                if (text[n] == L'.' && ++dots == 3)
                        break;
        text[n] = L'\0';
        step_line(s, "machine.wsl", "RegGetValueW", (DWORD) error, began, "WSL %s",
                  text[0] ? WIN_UTF8(text) : "-");
}

static void machine_language(Step *s) {
        wchar_t name[LOCALE_NAME_MAX_LENGTH] = L"?";
        uint64_t began = step_clock();

        (void) GetUserDefaultLocaleName(name, ARRAYSIZE(name));
        step_line(s, "machine.language", "GetUserDefaultLocaleName", 0, began,
                  "%s, code pages %u and %u", WIN_UTF8(name), GetACP(), GetOEMCP());
}

static void machine_power(Step *s) {
        LONG(WINAPI * ask)(int, void *, ULONG, void *, ULONG);
        SYSTEM_POWER_CAPABILITIES power = {0};
        uint64_t began = step_clock();
        LONG status;

        if (!step_function(s, "machine.power", L"powrprof.dll", "CallNtPowerInformation", &ask))
                return;
        status = ask(POWER_CAPABILITIES, NULL, 0, &power, sizeof(power));
        step_line(s, "machine.power", "CallNtPowerInformation", (DWORD) status, began,
                  "sleep S3: %s, Modern Standby: %s, hibernation: %s",
                  power.SystemS3 ? "yes" : "no",
                  power.spare2[2] ? "yes" : "no", /* AoAc; the headers have no name for it */
                  power.HiberFilePresent ? "yes" : "no");
}

static void machine_service_line(Step *s, const char *name, SC_HANDLE service, uint64_t began) {
        QUERY_SERVICE_CONFIGW *config = malloc(SERVICE_CONFIG_SIZE);
        SERVICE_STATUS_PROCESS status = {0};
        char key[SELFTEST_WORD_MAX + 1], others[200] = "";
        DWORD size, error = ERROR_SUCCESS, type = 0;

        (void) snprintf(key, sizeof(key), "service.%s", name);
        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *) &status, sizeof(status),
                                  &size))
                error = GetLastError();
        if (config && QueryServiceConfigW(service, config, SERVICE_CONFIG_SIZE, &size))
                type = config->dwStartType;
        process_services(status.dwProcessId, others, sizeof(others));
        step_line(s, key, "QueryServiceStatusEx", error, began,
                  "%s: state %lu, start type %lu, process %lu with: %s", name,
                  status.dwCurrentState, type, status.dwProcessId, others);
        free(config);
}

static void machine_dependents(Step *s, SC_HANDLE service) {
        union {
                ENUM_SERVICE_STATUSW items[1];
                BYTE bytes[16384];
        } u;
        uint64_t began = step_clock();
        char names[160] = "";
        size_t length = 0;
        DWORD size, n = 0;
        BOOL done =
                EnumDependentServicesW(service, SERVICE_STATE_ALL, u.items, sizeof(u), &size, &n);
        DWORD error = done ? ERROR_SUCCESS : GetLastError();

        for (DWORD i = 0; i < n && length + 40 < sizeof(names); i++)
                length += (size_t) snprintf(names + length, 40, " %.38s",
                                            WIN_UTF8(u.items[i].lpServiceName));
        step_line(s, "service.dependents", "EnumDependentServicesW", error, began,
                  "services that need iphlpsvc: %lu%s", n, names);
}

static void machine_services(Step *s) {
        static const wchar_t *const names[] = {L"iphlpsvc",   L"MpsSvc", L"BFE",
                                               L"vmcompute",  L"hns",    L"WSLService",
                                               L"LxssManager"};
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);

        if (!manager) {
                step_skip(s, "service", "OpenSCManagerW", "error %lu", GetLastError());
                return;
        }
        for (size_t i = 0; i < ARRAYSIZE(names) && step_is_open(s); i++) {
                uint64_t began = step_clock();
                SC_HANDLE service = OpenServiceW(manager, names[i],
                                                 SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG |
                                                         SERVICE_ENUMERATE_DEPENDENTS);

                if (!service) {
                        char key[SELFTEST_WORD_MAX + 1];
                        DWORD error = GetLastError();

                        (void) snprintf(key, sizeof(key), "service.%.30s", WIN_UTF8(names[i]));
                        step_line(s, key, "OpenServiceW", error, began, "%s", WIN_UTF8(names[i]));
                        continue;
                }
                machine_service_line(s, WIN_UTF8(names[i]), service, began);
                if (i == 0)
                        machine_dependents(s, service);
                (void) CloseServiceHandle(service);
        }
        (void) CloseServiceHandle(manager);
}

void step_machine(Step *s) {
        machine_windows(s);
        machine_processor(s);
        machine_wsl(s);
        machine_language(s);
        machine_power(s);
        machine_services(s);
}
