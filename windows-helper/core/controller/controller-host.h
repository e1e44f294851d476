/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Everything that the controller asks of the host it runs on, in parts by who uses them. The
 * Windows service implements these functions over the registry, iphlpsvc and sockets; the test
 * host and the unit tests implement them in memory.
 */

#include "windows-helper/core/base/events.h"
#include "windows-helper/core/base/log-level.h"
#include "windows-helper/core/firewall/firewall.h"
#include "windows-helper/core/ports/port-host.h"
#include "windows-helper/core/rules/rule-host.h"
#include "windows-helper/core/vm/vm.h"

/* The connections. @handle is the one that controller_connect() got. Neither function may call back
 * into the controller: its consequence (controller_disconnect()) is reported later, from the host's
 * loop. */
typedef struct ConnectionHost {
        void *userdata;

        /* Queue bytes; each call has whole frames. Return: 0 or negative errno. */
        int (*send)(void *userdata, void *handle, const uint8_t *data, size_t n);
        /* Close the connection after the queued bytes have been sent. */
        void (*close)(void *userdata, void *handle);
} ConnectionHost;

/* Who the guests are. All return 0 or negative errno. */
typedef struct IdentityHost {
        void *userdata;

        /* The key of a paired guest, WIRE_KEY_SIZE bytes. -ENOENT: it is not paired. */
        int (*key_find)(void *userdata, const char *owner, uint8_t *ret_key);
        int (*random)(void *userdata, uint8_t *ret_bytes, size_t n);

        /* The VM in which a guest was seen last, which outlasts restarts of the helper: note it
         * with the time of day, or with a VM of NULL forget it; recall it, -ENOENT when the guest
         * was never seen. */
        int (*guest_note)(void *userdata, const char *owner, const VmId *vm, bool connected);
        int (*guest_vm)(void *userdata, const char *owner, VmId *ret_vm);
} IdentityHost;

typedef struct ControllerHost {
        RuleHost rules;
        PortHost ports;
        ConnectionHost connections;
        IdentityHost identities;

        /* The rest gets this. */
        void *userdata;

        /* All firewall rules that should exist now; copied. The host may do the work later, see
         * controller_set_firewall_problem(). */
        void (*firewall)(void *userdata, const FirewallRules *wanted);
        /* A clock in usec, only to measure how long applying took. */
        uint64_t (*now)(void *userdata);
        /* One line of the log, UTF-8. */
        void (*log)(void *userdata, LogLevel level, EventId event, const char *text);
} ControllerHost;
