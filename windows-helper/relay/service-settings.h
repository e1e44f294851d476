/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The settings of the relay's service, for whoever installs it. It forwards bytes of strangers, so
 * it has as few rights as a service can have: the account of local services, whose token can write
 * only what names the service itself (fact 9.1.5), and no privilege but the one that every process
 * has (fact 9.1.4). Such a token can read, make sockets and report to the Event Log (facts 9.1.16,
 * 9.1.17 and 9.1.18). Binding a port needs no privilege, not even below 1024.
 *
 * The helper starts it when its table has entries and stops it when it has none, so it starts on
 * demand and has no dependency.
 */

#include "common/names.h"
#include "windows-helper/win/win.h"

#define RELAY_SERVICE_NAME    L"" NAMES_RELAY_SERVICE
#define RELAY_SERVICE_TITLE   L"wslbridge relay"
#define RELAY_SERVICE_ABOUT   L"Forwards TCP and UDP to WSL2 and Hyper-V guests for wslbridge."
#define RELAY_SERVICE_ACCOUNT L"NT AUTHORITY\\LocalService"
#define RELAY_SERVICE_ARGS    L"run --service" /* behind the quoted path (fact 9.1.7) */
#define RELAY_SERVICE_START   SERVICE_DEMAND_START
#define RELAY_SERVICE_SID     SERVICE_SID_TYPE_RESTRICTED
/* A list of texts, each with its NUL, and a NUL at the end. */
#define RELAY_SERVICE_PRIVILEGES L"SeChangeNotifyPrivilege\0"

/* "NT SERVICE\\wslbridge-relay": it comes from the name alone, so it is known before the service
 * exists (fact 9.1.15). */
#define RELAY_SERVICE_SID_TEXT L"S-1-5-80-540878954-2403350031-1340651159-3834757006-606917205"

/* The key of its table and limits: SYSTEM and administrators write it. The service reads it, as
 * every user does with PortProxy's, because the doctor of a user looks at both. */
#define RELAY_KEY_RIGHTS                                 \
        L"D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;BU)" \
        L"(A;CI;KR;;;" RELAY_SERVICE_SID_TEXT L")"
