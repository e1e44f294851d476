/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The settings of the relay's service, for whoever installs it. It forwards bytes of strangers, so
 * it has as few rights as a service can have: the account of local services, whose token can write
 * only what names the service itself (fact 9.1.5), and no privilege but the one that every process
 * has (fact 9.1.4). Binding a port needs none, not even below 1024.
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
