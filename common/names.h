/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names that one half of wslbridge has and the other half's texts mention. Each is written here
 * only, so that no text can send people to something that does not exist.
 */

/* On Windows. The service runs wslbridge-helper.exe, which install puts into this folder. */
#define NAMES_HELPER_SERVICE "wslbridge-helper"
#define NAMES_RELAY_SERVICE  "wslbridge-relay"
#define NAMES_RELAY_KEY      "SOFTWARE\\wslbridge\\Relay" /* its table, below HKEY_LOCAL_MACHINE */
#define NAMES_HELPER_FOLDER  "C:\\Program Files\\wslbridge"
#define NAMES_EVENT_SOURCE   "wslbridge"
#define NAMES_EVENT_LOG      "the Event Log (log Application, source " NAMES_EVENT_SOURCE ")"

/* The line before commands of the helper. A terminal that was open when it was installed does not
 * have it in its PATH (fact 9.4.3). Its program is then called as
 * .\wslbridge-helper. Both cmd and PowerShell understand the two. */
#define NAMES_HELPER_CD "  cd \"" NAMES_HELPER_FOLDER "\"\n"

/* In the guest */
#define NAMES_AGENT_UNIT      "wslbridge-agent"
#define NAMES_AGENT_EXIT_RUNS 3 /* exit status of an agent that ends because another one runs */
