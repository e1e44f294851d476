/* SPDX-License-Identifier: MIT */

/*
 * Step 17: what the relay may do. It runs in a service that has the relay's account, SID and
 * privileges, and does what the relay does at its start.
 */

#include "windows-helper/core/base/events.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/tcp.h"
#include "windows-helper/selftest/tools/udp.h"
#include "windows-helper/store/rule-store.h"

#include "common/names.h"

/* Opening HKEY_CURRENT_USER itself would check no rights, because it is open already. */
#define ACCOUNT_OWN_KEY    L"Software"
#define ACCOUNT_CONNECT_MS 2000
#define ACCOUNT_SIDS_SIZE  4096 /* bytes; there are four or so */
#define ACCOUNT_SOURCE \
        L"" NAMES_EVENT_SOURCE /* its events have texts where the helper is installed */
/* Every user may read it, as the relay's key. */
#define ACCOUNT_PUBLIC_KEY L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"

/* Whether the rest says anything of a service that is restricted; facts.c decides by it. */
static void account_restricted(Step *s) {
        union {
                TOKEN_GROUPS groups;
                BYTE bytes[ACCOUNT_SIDS_SIZE];
        } sids = {.bytes = {0}};
        uint64_t began = step_clock();
        HANDLE token;
        DWORD size;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
                step_skip(s, "account.restricted", "OpenProcessToken", "error %lu", GetLastError());
                return;
        }
        if (!GetTokenInformation(token, TokenRestrictedSids, &sids, sizeof(sids), &size))
                step_skip(s, "account.restricted", "GetTokenInformation", "error %lu",
                          GetLastError());
        else if (sids.groups.GroupCount > 0)
                step_line(s, "account.restricted", "GetTokenInformation", 0, began,
                          "the token of the service is restricted: yes");
        else
                step_line(s, "account.restricted", "GetTokenInformation", 1, began,
                          "the token of the service is restricted: no, so what it may do says "
                          "nothing of the relay's");
        (void) CloseHandle(token);
}

/* Making a socket opens a device for writing (fact 9.1.17). */
static void account_sockets(Step *s) {
        const IpAddr any = ip_v4(0, 0, 0, 0), loopback = ip_v4(127, 0, 0, 1);
        SOCKET listener = INVALID_SOCKET, client = INVALID_SOCKET, server = INVALID_SOCKET;
        uint64_t began = step_clock();
        uint16_t port = 0;
        DWORD error = tcp_listen(&any, 0, SO_EXCLUSIVEADDRUSE, &listener, &port);

        step_line(s, "account.tcp", "bind", error, began, "a TCP listener on 0.0.0.0");
        if (error == 0) {
                began = step_clock();
                error = tcp_connect(NULL, &loopback, port, ACCOUNT_CONNECT_MS, &client);
                step_line(s, "account.connect", "connect", error, began, "a connection to it");
        }
        tcp_close(&client);
        tcp_close(&listener);
        began = step_clock();
        error = udp_serve(&server, &port);
        step_line(s, "account.udp", "bind", error, began,
                  "a UDP socket on 0.0.0.0, with WSARecvMsg, WSASendMsg and IP_PKTINFO");
        if (error == 0)
                (void) closesocket(server);
}

static void account_watch(Step *s, HKEY key) {
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
        uint64_t began = step_clock();
        LSTATUS error = RegNotifyChangeKeyValue(
                key, TRUE, REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, event, TRUE);

        step_line(s, "account.watch", "RegNotifyChangeKeyValue", (DWORD) error, began,
                  "the same is watched");
        (void) RegCloseKey(key); /* sets the event */
        if (event)
                (void) CloseHandle(event);
}

/* The relay's key; where wslbridge is not installed, one that can be read like it (fact 9.1.16). */
static void account_registry(Step *s) {
        uint64_t began = step_clock();
        const wchar_t *path = RULE_STORE_RELAY;
        HKEY key;
        LSTATUS error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key);

        if (error == ERROR_FILE_NOT_FOUND) {
                path = ACCOUNT_PUBLIC_KEY;
                error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key);
        }
        step_line(s, "account.read", "RegOpenKeyExW", (DWORD) error, began, "HKLM\\%s is read",
                  WIN_UTF8(path));
        if (error == ERROR_SUCCESS)
                account_watch(s, key);
        /* The account may write its own settings, and only the restriction keeps it from that. */
        began = step_clock();
        error = RegOpenKeyExW(HKEY_CURRENT_USER, ACCOUNT_OWN_KEY, 0, KEY_SET_VALUE, &key);
        if (error == ERROR_SUCCESS)
                (void) RegCloseKey(key);
        if (error == ERROR_SUCCESS || error == ERROR_ACCESS_DENIED)
                step_line(s, "account.write", "RegOpenKeyExW", error == ERROR_SUCCESS, began,
                          "writing the account's own settings is refused: %s",
                          error == ERROR_SUCCESS ? "no" : "yes");
        else
                step_skip(s, "account.write", "RegOpenKeyExW", "error %lu", error);
}

static void account_event(Step *s) {
        const wchar_t *texts[] = {
                L"The self-test reports an event with the token of the relay; all "
                L"is well"};
        uint64_t began = step_clock();
        HANDLE source = RegisterEventSourceW(NULL, ACCOUNT_SOURCE);
        DWORD error = source ? ERROR_SUCCESS : GetLastError();

        if (source && !ReportEventW(source, EVENTLOG_INFORMATION_TYPE, 0, EVENT_STARTED, NULL, 1, 0,
                                    texts, NULL))
                error = GetLastError();
        step_line(s, "account.event", "ReportEventW", error, began,
                  "an event in the log Application, source " NAMES_EVENT_SOURCE);
        if (source)
                (void) DeregisterEventSource(source);
}

void step_account(Step *s) {
        account_restricted(s);
        account_sockets(s);
        account_registry(s);
        account_event(s);
}
