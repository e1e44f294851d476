/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * MESSAGE_IDs of the journal entries that an administrator may search for.
 * systemd/wslbridge.catalog explains each; keep both in the same order.
 */

#define MESSAGE_ADDRESS         "62e18c9544fd4b22ab4560e3cc141fae" /* the guest has an address */
#define MESSAGE_NO_ADDRESS      "98d5637404914e28909eb3f39c8a6936"
#define MESSAGE_OFF_LINK        "d7a766165f2c4859a2efd10e9f2bb31d" /* gateway outside the subnet */
#define MESSAGE_HELPER_UP       "1610c265a4fa4daf8063ae4e97c5fa70"
#define MESSAGE_HELPER_DOWN     "f8b762e572c0404aa15e1533cb8c78e7"
#define MESSAGE_HELPER_REFUSED  "f42629195f5b4281bde2f26ebdf0bf8e"
#define MESSAGE_SERVICE_STATE   "f221716af2c34e99a76b583bd7988aec"
#define MESSAGE_SERVICE_PROBLEM "3983685010824688802b7d1c1491cb02"
#define MESSAGE_CONFIG_LOADED   "6f9c2692f0d249ddb194466aa334820e"
#define MESSAGE_CONFIG_PROBLEM  "f988ed7e4fc84a1caa0d52da0ce67291"
#define MESSAGE_KEY_PROBLEM     "b1ebe8fb32dc482eb1fbdc0cbcfdddef"
