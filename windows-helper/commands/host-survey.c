/* SPDX-License-Identifier: MIT */

/*
 * Looking at this Windows for 'doctor': services, registry, sockets, virtual machines, the helper's
 * own stores.
 */

#include "windows-helper/commands/host-survey.h"

#include "windows-helper/core/install/programs.h"
#include "windows-helper/core/status/read.h"
#include "windows-helper/host/firewall-sight.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/host/hyperv-firewall.h"
#include "windows-helper/service/service.h"
#include "windows-helper/service/status-load.h"
#include "windows-helper/store/fact-store.h"
#include "windows-helper/store/guest-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/store/policy-store.h"
#include "windows-helper/store/rule-store.h"
#include "windows-helper/vm/hcs.h"
#include "windows-helper/win/file.h"
#include "windows-helper/win/log.h"

#include "common/wsl/wsl-ini.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hvsocket.h>

#ifndef AF_HYPERV /* not in mingw-w64 (fact 1.2.1) */
#        define AF_HYPERV 34
#endif

#define SURVEY_WAIT_MS  12000 /* for each part of Windows that is asked */
#define APP_CONTROL_KEY L"SYSTEM\\CurrentControlSet\\Control\\CI\\Policy"
#define WSLCONFIG_NAME  L"\\.wslconfig"
#define IPV6_PARAMETERS L"SYSTEM\\CurrentControlSet\\Services\\Tcpip6\\Parameters"

static ServiceSeen survey_state(SC_HANDLE service) {
        union {
                QUERY_SERVICE_CONFIGW config;
                BYTE bytes[8192]; /* the documented maximum */
        } u;
        SERVICE_STATUS status;
        DWORD size;

        if (!QueryServiceStatus(service, &status))
                return SERVICE_IS_UNSEEN;
        if (status.dwCurrentState == SERVICE_RUNNING)
                return SERVICE_IS_RUNNING;
        if (status.dwCurrentState != SERVICE_STOPPED)
                return SERVICE_IS_PENDING;
        if (QueryServiceConfigW(service, &u.config, sizeof(u), &size) &&
            u.config.dwStartType == SERVICE_DISABLED)
                return SERVICE_IS_DISABLED;
        return SERVICE_IS_STOPPED;
}

/* Where the file is that a service's command line begins with. The program is what may have
 * changed, by an antivirus or by somebody who tidied up; our own entry has quotes (fact 9.1.7). */
static Seen survey_file(const wchar_t *command, char *ret_path, size_t size) {
        wchar_t path[PATHS_MAX];
        size_t n = command[0] == L'"' ? wcscspn(command + 1, L"\"") : 0;
        DWORD error;

        if (n == 0 || n >= PATHS_MAX)
                return SEEN_UNKNOWN;
        wmemcpy(path, command + 1, n);
        path[n] = L'\0';
        if (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES)
                return SEEN_YES;
        error = GetLastError();
        if (error != ERROR_FILE_NOT_FOUND && error != ERROR_PATH_NOT_FOUND)
                return SEEN_UNKNOWN;
        (void) snprintf(ret_path, size, "%s", WIN_UTF8(path));
        return SEEN_NO;
}

static Seen survey_program(SC_HANDLE service, char *ret_path, size_t size) {
        union {
                QUERY_SERVICE_CONFIGW config;
                BYTE bytes[8192]; /* the documented maximum */
        } u;
        DWORD n;

        return QueryServiceConfigW(service, &u.config, sizeof(u), &n)
                       ? survey_file(u.config.lpBinaryPathName, ret_path, size)
                       : SEEN_UNKNOWN;
}

/* @ret_program, @ret_path: look at the program of the service, too; or NULL */
static ServiceSeen survey_service(const wchar_t *name, Seen *ret_program, char *ret_path) {
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service;
        ServiceSeen seen;

        if (!manager)
                return SERVICE_IS_UNSEEN;
        service = OpenServiceW(manager, name, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG);
        if (service) {
                seen = survey_state(service);
                if (ret_program)
                        *ret_program = survey_program(service, ret_path, HOST_SURVEY_PATH_MAX);
                (void) CloseServiceHandle(service);
        } else {
                seen = GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? SERVICE_IS_MISSING
                                                                      : SERVICE_IS_UNSEEN;
        }
        (void) CloseServiceHandle(manager);
        return seen;
}

/* Whether it lies in our folder: then its service should be there, too. */
static Seen survey_relay_program(void) {
        wchar_t exe[PATHS_MAX];

        return paths_program(programs_file(PROGRAM_RELAY), exe) == 0 &&
                               GetFileAttributesW(exe) != INVALID_FILE_ATTRIBUTES
                       ? SEEN_YES
                       : SEEN_NO;
}

/* A key that may not be read exists all the same. */
static Seen survey_key(HKEY root, const wchar_t *path) {
        HKEY key;
        LSTATUS error = RegOpenKeyExW(root, path, 0, KEY_QUERY_VALUE, &key);

        if (error == ERROR_SUCCESS)
                (void) RegCloseKey(key);
        if (error == ERROR_SUCCESS || error == ERROR_ACCESS_DENIED)
                return SEEN_YES;
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? SEEN_NO
                                                                              : SEEN_UNKNOWN;
}

static AppControl survey_app_control(void) {
        DWORD state = APP_CONTROL_OFF, size = sizeof(state);

        if (RegGetValueW(HKEY_LOCAL_MACHINE, APP_CONTROL_KEY, L"VerifiedAndReputablePolicyState",
                         RRF_RT_REG_DWORD, NULL, &state, &size) != ERROR_SUCCESS)
                return APP_CONTROL_OFF;
        return state == APP_CONTROL_ON || state == APP_CONTROL_EVALUATES ? (AppControl) state
                                                                         : APP_CONTROL_OFF;
}

static void survey_windows(HostSurvey *s) {
        HostEvidence *e = &s->evidence;
        DWORD size = sizeof(e->disabled_components);
        LSTATUS error;

        e->helper = survey_service(SERVICE_NAME, &e->program, s->program);
        e->relay = survey_service(L"" NAMES_RELAY_SERVICE, &e->relay_program, s->relay);
        if (e->relay == SERVICE_IS_MISSING)
                e->relay_program = survey_relay_program();
        e->forwarder = survey_service(L"iphlpsvc", NULL, NULL);
        e->firewall = survey_service(L"MpsSvc", NULL, NULL);
        e->filter = survey_service(L"BFE", NULL, NULL);
        e->registered = survey_key(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE);
        e->event_source = survey_key(HKEY_LOCAL_MACHINE, PATHS_KEY_EVENT_SOURCE);
        e->wsl = survey_key(HKEY_LOCAL_MACHINE, HOSTNET_LXSS_PATH);
        if (e->wsl == SEEN_NO)
                e->wsl = survey_key(HKEY_CURRENT_USER, HOSTNET_LXSS_PATH);
        error = RegGetValueW(HKEY_LOCAL_MACHINE, IPV6_PARAMETERS, L"DisabledComponents",
                             RRF_RT_REG_DWORD, NULL, &e->disabled_components, &size);
        e->app_control = survey_app_control();
        e->ipv6 = error == ERROR_SUCCESS ? SEEN_YES : SEEN_NO;
}

static void survey_sockets(HostEvidence *e) {
        WSADATA wsa;
        SOCKET s;

        if (WSAStartup(MAKEWORD(2, 2), &wsa) != 0)
                return;
        s = WSASocketW(AF_HYPERV, SOCK_STREAM, HV_PROTOCOL_RAW, NULL, 0, WSA_FLAG_OVERLAPPED);
        e->sockets_seen = true;
        e->sockets_error = s == INVALID_SOCKET ? (uint32_t) WSAGetLastError() : 0;
        if (s != INVALID_SOCKET)
                (void) closesocket(s);
        (void) WSACleanup();
}

/* Ask another part of Windows, which may not answer as long as it hangs, and that is when somebody
 * runs 'doctor'. Then the thread stays, and may still write to the survey.
 * Return: what @fn does, or -ETIMEDOUT. */
static int survey_ask(HostSurvey *s, LPTHREAD_START_ROUTINE fn) {
        HANDLE thread = CreateThread(NULL, 0, fn, s, 0, NULL);
        DWORD r;

        if (!thread)
                return log_win_error(GetLastError(), "Cannot start a thread");
        if (WaitForSingleObject(thread, SURVEY_WAIT_MS) == WAIT_OBJECT_0) {
                (void) GetExitCodeThread(thread, &r);
        } else {
                s->hangs = true;
                r = (DWORD) -ETIMEDOUT;
        }
        (void) CloseHandle(thread);
        return (int) r;
}

static DWORD WINAPI survey_list_vms(void *survey) {
        return (DWORD) hcs_list(&((HostSurvey *) survey)->vms);
}

static DWORD WINAPI survey_read_firewall(void *survey) {
        return (DWORD) firewall_sight_read(&((HostSurvey *) survey)->sight);
}

static DWORD WINAPI survey_read_hyperv(void *survey) {
        hyperv_firewall_read(&((HostSurvey *) survey)->hyperv);
        return 0;
}

static void survey_vms(HostSurvey *s) {
        s->evidence.vms_error = survey_ask(s, survey_list_vms);
        if (s->evidence.vms_error == 0)
                s->evidence.vms = &s->vms;
}

static void survey_status(HostSurvey *s) {
        HostEvidence *e = &s->evidence;

        e->status_error = status_load(&s->status, &e->n_status);
        e->status = s->status;
        if (s->status)
                e->serves = status_is_alive(s->status, e->n_status) ? SEEN_YES : SEEN_NO;
        else
                e->serves = e->status_error == -ENOENT ? SEEN_NO : SEEN_UNKNOWN;
}

static int survey_guest(void *userdata, const char *owner) {
        HostSurvey *s = userdata;
        EvidenceGuest *guests = realloc(s->guests, (s->n_guests + 1) * sizeof(*guests)), *guest;
        GuestStore store = GUEST_STORE_INIT;
        char seen[GUEST_STORE_TEXT_MAX];

        if (!guests)
                return -ENOMEM;
        s->guests = guests;
        guest = &guests[s->n_guests++];
        guest_store_seen(&store, owner, seen);
        guest_store_done(&store);
        *guest = (EvidenceGuest){.paired = true, .met = strcmp(seen, "never") != 0};
        (void) snprintf(guest->owner, sizeof(guest->owner), "%s", owner);
        return 0;
}

/* Only SYSTEM and administrators may open the key with the keys. Return: 0 or -ENOMEM. */
static int survey_guests(HostSurvey *s) {
        KeyStore keys = KEY_STORE_INIT;
        HKEY key;
        LSTATUS error;
        int r = 0;

        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, KEY_STORE_PATH, 0, KEY_QUERY_VALUE, &key);
        if (error == ERROR_SUCCESS) {
                (void) RegCloseKey(key);
                r = key_store_each(&keys, survey_guest, s);
                key_store_done(&keys);
        }
        s->evidence.keys_seen =
                r == 0 && (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND ||
                           error == ERROR_PATH_NOT_FOUND);
        s->evidence.guests = s->guests;
        s->evidence.n_guests = s->n_guests;
        return r == -ENOMEM ? r : 0;
}

static void survey_rules(HostSurvey *s) {
        LedgerStore ledger = LEDGER_STORE_INIT;
        RuleStore store;
        Policy policy;

        rule_store_init(&store);
        if (rule_store_read(&store, true, &s->rules) == 0)
                s->evidence.rules = &s->rules;
        rule_store_done(&store);
        rule_table_sort(&s->rules);
        if (ledger_store_load(&ledger, &s->ledger) == 0)
                s->evidence.ledger = &s->ledger;
        ledger_store_done(&ledger);
        if (policy_store_read(&policy, &s->policy) == 0)
                s->evidence.policy = &s->policy;
        if (hostnet_read(&s->hostnet) == 0)
                s->evidence.hostnet = &s->hostnet;
}

static void survey_on_record(void *userdata, StatusKind kind, const StatusRecord *r) {
        bool *mirrored = userdata;

        *mirrored |= kind == STATUS_AGENT &&
                     strcmp(status_field(r, "mode"), wire_mode_name(WIRE_MODE_MIRRORED)) == 0;
}

/* firewall= in the .wslconfig of this user. WSL takes the first of several (facts 7.2.1, 7.2.3). */
static Seen survey_wsl_firewall(void) {
        wchar_t path[PATHS_MAX];
        Seen seen = SEEN_UNKNOWN;
        bool section = false;
        IniReader reader;
        char *text = NULL;
        IniLine line;
        DWORD size;
        size_t n;

        size = GetEnvironmentVariableW(L"USERPROFILE", path, PATHS_MAX);
        if (size == 0 || size + ARRAYSIZE(WSLCONFIG_NAME) > PATHS_MAX)
                return SEEN_UNKNOWN;
        wcscat(path, WSLCONFIG_NAME);
        if (file_read(path, INI_FILE_MAX, &text, &n) < 0)
                return SEEN_UNKNOWN;
        ini_reader_init(&reader, &ini_wslconfig, (const uint8_t *) text, n);
        while (seen == SEEN_UNKNOWN && ini_next(&reader, &line)) {
                if (line.type == INI_LINE_SECTION)
                        section = ini_name_is(&reader, &line, "wsl2") ||
                                  ini_name_is(&reader, &line, "experimental");
                else if (section && line.type == INI_LINE_KEY && !line.broken &&
                         ini_name_is(&reader, &line, "firewall"))
                        seen = ini_value_is(&reader, &line, "false") ||
                                               ini_value_is(&reader, &line, "0")
                                       ? SEEN_NO
                                       : SEEN_YES;
        }
        free(text);
        return seen;
}

/* What decides about guests in networking mode mirrored. Asking takes time, so it is done only when
 * there is one. */
static void survey_mirrored(HostSurvey *s) {
        HostEvidence *e = &s->evidence;
        bool mirrored = false;

        if (!e->status || e->serves != SEEN_YES ||
            status_read(e->status, e->n_status, survey_on_record, &mirrored) < 0 || !mirrored)
                return;
        e->hyperv_error = survey_ask(s, survey_read_hyperv);
        if (e->hyperv_error == 0)
                e->hyperv = &s->hyperv;
        e->wsl_firewall = survey_wsl_firewall();
}

static int survey_fact(void *userdata, const char *id) {
        HostSurvey *s = userdata;

        if (s->evidence.n_facts < HOST_SURVEY_FACTS_MAX)
                s->facts[s->evidence.n_facts++] = unverified_fact(id);
        return 0;
}

int host_survey_new(HostSurvey **ret_survey) {
        HostSurvey *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->evidence.version = PROJECT_VERSION;
        s->evidence.program_path = s->program;
        s->evidence.relay_path = s->relay;
        survey_windows(s);
        survey_sockets(&s->evidence);
        s->evidence.sight_error = survey_ask(s, survey_read_firewall);
        if (s->evidence.sight_error == 0)
                s->evidence.sight = &s->sight;
        survey_vms(s);
        survey_status(s);
        survey_mirrored(s);
        survey_rules(s);
        s->evidence.facts = s->facts;
        (void) fact_store_each_failed(survey_fact, s);
        r = survey_guests(s);
        if (r < 0) {
                host_survey_free(s);
                return r;
        }
        *ret_survey = s;
        return 0;
}

HostSurvey *host_survey_free(HostSurvey *s) {
        if (!s || s->hangs) /* then it goes with the process */
                return NULL;
        firewall_sight_done(&s->sight);
        rule_table_done(&s->rules);
        ledger_done(&s->ledger);
        free(s->guests);
        free(s->status);
        free(s);
        return NULL;
}
