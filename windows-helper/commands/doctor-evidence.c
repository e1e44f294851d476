/* SPDX-License-Identifier: MIT */
#include "windows-helper/commands/doctor-evidence.h"
#include "windows-helper/commands/status-load.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/host/hostnet-read.h"
#include "windows-helper/service/service.h"
#include "windows-helper/store/guest-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/store/policy-store.h"
#include "windows-helper/store/portproxy-store.h"
#include "windows-helper/vm/hcs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hvsocket.h>

#ifndef AF_HYPERV /* not in mingw-w64 (fact 1.2) */
#        define AF_HYPERV 34
#endif

#define IPV6_PARAMETERS L"SYSTEM\\CurrentControlSet\\Services\\Tcpip6\\Parameters"

static ServiceSeen look_state(SC_HANDLE service) {
        union {
                QUERY_SERVICE_CONFIGW config;
                BYTE bytes[8192]; /* the most there is, by the documentation */
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

static ServiceSeen look_service(const wchar_t *name) {
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service;
        ServiceSeen seen;

        if (!manager)
                return SERVICE_IS_UNSEEN;
        service = OpenServiceW(manager, name, SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG);
        if (service) {
                seen = look_state(service);
                (void) CloseServiceHandle(service);
        } else {
                seen = GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? SERVICE_IS_MISSING
                                                                      : SERVICE_IS_UNSEEN;
        }
        (void) CloseServiceHandle(manager);
        return seen;
}

/* One that may not be read is there all the same. */
static Seen look_key(HKEY root, const wchar_t *path) {
        HKEY key;
        LSTATUS error = RegOpenKeyExW(root, path, 0, KEY_QUERY_VALUE, &key);

        if (error == ERROR_SUCCESS)
                (void) RegCloseKey(key);
        if (error == ERROR_SUCCESS || error == ERROR_ACCESS_DENIED)
                return SEEN_YES;
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? SEEN_NO
                                                                              : SEEN_UNKNOWN;
}

static void look_windows(DiagnoseFacts *f) {
        DWORD size = sizeof(f->disabled_components);
        LSTATUS error;

        f->helper = look_service(SERVICE_NAME);
        f->forwarder = look_service(L"iphlpsvc");
        f->firewall = look_service(L"MpsSvc");
        f->filter = look_service(L"BFE");
        f->registered = look_key(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE);
        f->event_source = look_key(HKEY_LOCAL_MACHINE, PATHS_KEY_EVENT_SOURCE);
        f->wsl = look_key(HKEY_LOCAL_MACHINE, HOSTNET_LXSS_PATH);
        if (f->wsl == SEEN_NO)
                f->wsl = look_key(HKEY_CURRENT_USER, HOSTNET_LXSS_PATH);
        error = RegGetValueW(HKEY_LOCAL_MACHINE, IPV6_PARAMETERS, L"DisabledComponents",
                             RRF_RT_REG_DWORD, NULL, &f->disabled_components, &size);
        f->ipv6 = error == ERROR_SUCCESS ? SEEN_YES : SEEN_NO;
        if (firewall_com_effect(&f->firewall_effect) < 0)
                f->firewall_effect = FIREWALL_EFFECTIVE;
}

static void look_sockets(DiagnoseFacts *f) {
        WSADATA wsa;
        SOCKET s;

        if (WSAStartup(MAKEWORD(2, 2), &wsa) != 0)
                return;
        s = WSASocketW(AF_HYPERV, SOCK_STREAM, HV_PROTOCOL_RAW, NULL, 0, WSA_FLAG_OVERLAPPED);
        f->sockets_seen = true;
        f->sockets_error = s == INVALID_SOCKET ? (uint32_t) WSAGetLastError() : 0;
        if (s != INVALID_SOCKET)
                (void) closesocket(s);
        (void) WSACleanup();
}

static void look_vms(DoctorLook *d) {
        d->facts.vms_error = hcs_list(&d->vms);
        if (d->facts.vms_error == 0)
                d->facts.vms = &d->vms;
}

static void look_status(DoctorLook *d) {
        DiagnoseFacts *f = &d->facts;

        f->status_error = status_load(&d->status, &f->n_status);
        f->status = d->status;
        if (d->status)
                f->serves = status_is_alive(d->status, f->n_status) ? SEEN_YES : SEEN_NO;
        else
                f->serves = f->status_error == -ENOENT ? SEEN_NO : SEEN_UNKNOWN;
}

static int look_agent(void *userdata, const char *owner) {
        DoctorLook *d = userdata;
        DiagnoseAgent *agents = realloc(d->agents, (d->n_agents + 1) * sizeof(*agents)), *a;
        GuestStore store = GUEST_STORE_INIT;
        char seen[GUEST_STORE_TEXT_MAX];

        if (!agents)
                return -ENOMEM;
        d->agents = agents;
        a = &agents[d->n_agents++];
        guest_store_seen(&store, owner, seen);
        guest_store_done(&store);
        *a = (DiagnoseAgent){.paired = true, .met = strcmp(seen, "never") != 0};
        (void) snprintf(a->owner, sizeof(a->owner), "%s", owner);
        return 0;
}

/* The key of the keys is SYSTEM's and administrators'. Return: 0 or -ENOMEM. */
static int look_agents(DoctorLook *d) {
        KeyStore keys = KEY_STORE_INIT;
        HKEY key;
        LSTATUS error;
        int r = 0;

        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, KEY_STORE_PATH, 0, KEY_QUERY_VALUE, &key);
        if (error == ERROR_SUCCESS) {
                (void) RegCloseKey(key);
                r = key_store_each(&keys, look_agent, d);
                key_store_done(&keys);
        }
        d->facts.keys_seen = r == 0 && (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND ||
                                        error == ERROR_PATH_NOT_FOUND);
        d->facts.agents = d->agents;
        d->facts.n_agents = d->n_agents;
        return r == -ENOMEM ? r : 0;
}

static void look_rules(DoctorLook *d) {
        LedgerStore ledger = LEDGER_STORE_INIT;
        PortproxyStore portproxy;
        Policy policy;

        portproxy_store_init(&portproxy);
        if (portproxy_store_read(&portproxy, &d->rules) == 0)
                d->facts.rules = &d->rules;
        portproxy_store_done(&portproxy);
        rule_table_sort(&d->rules);
        if (ledger_store_load(&ledger, &d->ledger) == 0)
                d->facts.ledger = &d->ledger;
        ledger_store_done(&ledger);
        if (policy_store_read(&policy, &d->policy) == 0)
                d->facts.policy = &d->policy;
        if (hostnet_read(&d->hostnet) == 0)
                d->facts.hostnet = &d->hostnet;
}

int doctor_look_new(DoctorLook **ret_look) {
        DoctorLook *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        d->facts.version = PROJECT_VERSION;
        look_windows(&d->facts);
        look_sockets(&d->facts);
        look_vms(d);
        look_status(d);
        look_rules(d);
        r = look_agents(d);
        if (r < 0) {
                doctor_look_free(d);
                return r;
        }
        *ret_look = d;
        return 0;
}

DoctorLook *doctor_look_free(DoctorLook *d) {
        if (!d)
                return NULL;
        rule_table_done(&d->rules);
        ledger_done(&d->ledger);
        free(d->agents);
        free(d->status);
        free(d);
        return NULL;
}
