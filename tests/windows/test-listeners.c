/* SPDX-License-Identifier: MIT */

/*
 * Listeners that fail: a socket that dies, and how the listeners of VMs are opened again. Each case
 * prints a line.
 */

#include "tests/windows/record-sockets.h"
#include "windows-helper/vm/vm-listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often it was tried to accept. */
static unsigned accepts(void) {
        unsigned n = 0;

        for (const char *at = record.calls; (at = strstr(at, "accept(")) != NULL; at++)
                n++;
        return n;
}

static void test_dead_socket(void) {
        Listener *l = NULL;
        DWORD error = 0;

        (void) record_open(&l, RECORD_VM, &error);
        record_set_peer(34, RECORD_VM, 1001, 0xd3);
        for (int i = 0; i < 10; i++) {
                record_complete(WSAENOTCONN);
                record_complete(WSAENOTCONN);
                record_complete(ERROR_SUCCESS);
        }
        record_check("two failures in a row are normal",
                     listener_error(l) == ERROR_SUCCESS && record.pending);
        record_complete(WSAENOTCONN);
        Sleep(1100);
        record_complete(WSAENOTCONN);
        record_complete(WSAENOTCONN);
        record_check("three failures within more than a second, too",
                     listener_error(l) == ERROR_SUCCESS);
        record_clear();
        record_complete(WSAENOTCONN);
        record_check("three within a second: it is dead, says why, and accepts no more",
                     listener_error(l) == WSAENOTCONN && strstr(record.calls, "close(100) ") &&
                             !strstr(record.calls, "accept(") &&
                             listener_deadline(l) == LOOP_NO_DEADLINE);
        record_clear();
        listener_tick(l, LOOP_NO_DEADLINE - 1);
        listener_close(l);
        record_check("its socket is closed once, nothing is in flight", record.calls[0] == '\0');

        record.fail_call = 0;
        (void) record_open(&l, RECORD_VM, &error);
        record.fail_call = ACCEPT_CALL;
        record.fail_error = WSAEINVAL;
        record_complete(WSAENOTCONN);
        for (int i = 0; i < 5; i++)
                listener_tick(l, LOOP_NO_DEADLINE - 1);
        record_check("accepting that fails at once is a failure as well",
                     listener_error(l) == WSAEINVAL);
        record.fail_call = 0;
        listener_close(l);
}

/* What anybody in a guest can cause as often as he likes (fact 9.3.20). */
static void test_peers_that_leave(void) {
        Listener *l = NULL;
        DWORD error = 0;

        (void) record_open(&l, RECORD_VM, &error);
        for (int i = 0; i < 10; i++)
                record_complete(i % 2 == 0 ? ERROR_NETNAME_DELETED : ERROR_CONNECTION_ABORTED);
        record_check("ten peers in a row that have left: it listens, and accepts at once",
                     listener_error(l) == ERROR_SUCCESS && listener_is_waiting(l) &&
                             listener_deadline(l) == LOOP_NO_DEADLINE);
        record_complete(WSAENOTCONN);
        record_complete(ERROR_NETNAME_DELETED);
        record_complete(WSAENOTCONN);
        record_check("they do not count between failures of another kind, either",
                     listener_error(l) == ERROR_SUCCESS);
        record_complete(ERROR_SUCCESS);
        for (int i = 0; listener_is_waiting(l) && i < 1000; i++)
                record_complete(ERROR_NETNAME_DELETED);
        record_check("hundreds: it pauses, and is not closed",
                     listener_error(l) == ERROR_SUCCESS && !listener_is_waiting(l) &&
                             listener_deadline(l) <= loop_now_usec() + 300000);
        record.fail_call = ACCEPT_CALL;
        record.fail_error = WSAECONNRESET;
        record_clear();
        listener_tick(l, LOOP_NO_DEADLINE - 1);
        record_check("told of them at once: it tries the next ones, then it pauses again",
                     listener_error(l) == ERROR_SUCCESS && accepts() > 10 &&
                             !listener_is_waiting(l) && listener_deadline(l) != LOOP_NO_DEADLINE);
        record.fail_call = 0;
        listener_tick(l, LOOP_NO_DEADLINE - 1);
        record_check("afterwards it accepts", listener_is_waiting(l));
        listener_close(l);
        record_complete(ERROR_OPERATION_ABORTED);
}

static bool agent_has_gone;

static bool vm_has_agent(void *userdata, const VmId *id) {
        char text[VM_ID_TEXT_MAX];

        vm_id_format(id, text);
        return strcmp(text, RECORD_OTHER) == 0 && !agent_has_gone;
}

#define SECOND UINT64_C(1000000)

/* Opened again after 0.5, 1, 2 and 5 s: @step is the number of the failure. */
static uint64_t retry_after(unsigned step) {
        static const uint64_t tenths[] = {5, 10, 20, 50, 50};

        return tenths[step] * SECOND / 10;
}

static void test_listeners_of_vms(void) {
        static VmListeners l;
        VmList wanted = {.n = 2, .items = {{.wsl = true, .name = "WSL"}, {.name = "VM"}}};
        uint64_t now = 1000 * SECOND;

        record_clear();
        record.next_socket = 0;
        (void) vm_id_parse(RECORD_VM, &wanted.items[0].id);
        (void) vm_id_parse(RECORD_OTHER, &wanted.items[1].id);
        vm_listeners_init(&l, NULL, &transport_hyperv, record_on_accepted, vm_has_agent, NULL);
        record.fail_call = BIND_CALL;
        record.fail_error = WSAEADDRINUSE;
        vm_listeners_follow(&l, &wanted, false, now);
        record_check("VMs: a bind that fails leaves none", !vm_listeners_all_open(&l));
        for (unsigned i = 0; i < 5; i++) {
                record_check("VMs: the next try is due after 0.5, 1, 2, then every 5 s",
                             vm_listeners_deadline(&l) == now + retry_after(i));
                record_clear();
                vm_listeners_tick(&l, now + retry_after(i) - 1);
                record_check("VMs: not earlier", record.calls[0] == '\0');
                now += retry_after(i);
                vm_listeners_tick(&l, now);
                record_check("VMs: then it binds again", strstr(record.calls, "bind(") != NULL);
        }
        record.fail_call = 0;
        now = vm_listeners_deadline(&l);
        vm_listeners_tick(&l, now);
        record_check("VMs: it listens to both",
                     vm_listeners_all_open(&l) &&
                             vm_listeners_state(&l, &wanted.items[0].id) == VM_LISTENING_YES &&
                             vm_listeners_state(&l, &wanted.items[1].id) == VM_LISTENING_YES &&
                             vm_listeners_state(&l, &VM_ID_NULL) == VM_LISTENING_NO);

        for (int i = 0; i < 3; i++)
                record_complete(WSAENOTCONN); /* the second VM's accept */
        record_check("VMs: before the tick nobody has noticed", vm_listeners_all_open(&l));
        vm_listeners_tick(&l, now);
        record_check("VMs: a dead one is closed, the other stays",
                     vm_listeners_state(&l, &wanted.items[1].id) == VM_LISTENING_NO &&
                             vm_listeners_state(&l, &wanted.items[0].id) == VM_LISTENING_YES);
        now = vm_listeners_deadline(&l);
        vm_listeners_tick(&l, now);
        record_check("VMs: and is opened again", vm_listeners_all_open(&l));

        wanted.n = 1;
        vm_listeners_follow(&l, &wanted, true, now);
        record_check("VMs: one has gone, and any VM is listened to",
                     vm_listeners_state(&l, &wanted.items[1].id) == VM_LISTENING_NO &&
                             vm_listeners_state(&l, &VM_ID_NULL) == VM_LISTENING_YES);
        record_set_peer(34, RECORD_OTHER, 5, 0xd3);
        record_complete(ERROR_SUCCESS); /* the last accept, which is that for any VM */
        record_check("any VM: the address tells which, and that nobody vouches for it",
                     record.accepted.any && vm_id_equal(&record.accepted.vm, &wanted.items[1].id));
        vm_listeners_close(&l);
}

/* Two VMs, of which the second has a connected agent. A sleep may kill a socket without a sign. */
static void test_sleep(void) {
        static VmListeners l;
        VmList wanted = {.n = 2};
        const VmId *first = &wanted.items[0].id, *second = &wanted.items[1].id;
        LoopOp *accept;

        (void) vm_id_parse(RECORD_VM, &wanted.items[0].id);
        (void) vm_id_parse(RECORD_OTHER, &wanted.items[1].id);
        vm_listeners_init(&l, NULL, &transport_hyperv, record_on_accepted, vm_has_agent, NULL);
        vm_listeners_follow(&l, &wanted, false, SECOND);
        accept = record.pending; /* the second one's */
        vm_listeners_slept(&l);
        record_check("sleep: of a listener from before nobody knows",
                     vm_listeners_state(&l, first) == VM_LISTENING_UNKNOWN &&
                             vm_listeners_state(&l, second) == VM_LISTENING_UNKNOWN);
        record_check("sleep: one without an agent is due at once", vm_listeners_deadline(&l) == 0);
        vm_listeners_tick(&l, SECOND);
        record_check("sleep: it is replaced, the one with an agent stays",
                     vm_listeners_state(&l, first) == VM_LISTENING_YES &&
                             vm_listeners_state(&l, second) == VM_LISTENING_UNKNOWN &&
                             vm_listeners_deadline(&l) == LOOP_NO_DEADLINE);
        agent_has_gone = true;
        record_check("sleep: when the agent has gone, it is due", vm_listeners_deadline(&l) == 0);
        record_clear();
        vm_listeners_tick(&l, SECOND);
        record_check("sleep: then it is replaced, too",
                     strstr(record.calls, "close(") && strstr(record.calls, "bind(") &&
                             vm_listeners_state(&l, second) == VM_LISTENING_YES);
        accept->fn(accept, ERROR_OPERATION_ABORTED, 0); /* of the old one, which frees it */

        agent_has_gone = false;
        accept = record.pending;
        vm_listeners_slept(&l);
        vm_listeners_tick(&l, SECOND);
        accept->fn(accept, ERROR_SUCCESS, 0);
        record_check("sleep: somebody came through it: it works",
                     vm_listeners_state(&l, second) == VM_LISTENING_YES);
        agent_has_gone = true;
        record_clear();
        vm_listeners_tick(&l, SECOND);
        record_check("sleep: and it stays when all have gone", record.calls[0] == '\0');
        agent_has_gone = false;
        vm_listeners_close(&l);
}

/* Its address is always the same, and Windows may keep it (fact 1.3.9). */
static void test_listener_for_any_vm(void) {
        static VmListeners l;
        VmList none = {.n = 0};

        vm_listeners_init(&l, NULL, &transport_hyperv, record_on_accepted, vm_has_agent, NULL);
        vm_listeners_follow(&l, &none, true, SECOND);
        record_clear();
        vm_listeners_slept(&l);
        vm_listeners_tick(&l, SECOND);
        record_check("any VM: after a sleep it stays while it waits, without an agent, too",
                     record.calls[0] == '\0');
        record_check("any VM: but nobody knows of it",
                     vm_listeners_state(&l, &VM_ID_NULL) == VM_LISTENING_UNKNOWN);
        record_set_peer(34, RECORD_OTHER, 5, 0xd3);
        record_complete(ERROR_SUCCESS);
        record_check("any VM: until somebody comes through it",
                     vm_listeners_state(&l, &VM_ID_NULL) == VM_LISTENING_YES);
        record.fail_call = ACCEPT_CALL;
        record.fail_error = WSAEINVAL;
        record_complete(WSAENOTCONN);
        record.fail_call = 0;
        record_clear();
        vm_listeners_slept(&l);
        vm_listeners_tick(&l, SECOND);
        record_check("any VM: one that does not wait is replaced",
                     strstr(record.calls, "close(") && strstr(record.calls, "bind(") &&
                             vm_listeners_state(&l, &VM_ID_NULL) == VM_LISTENING_YES);
        vm_listeners_close(&l);
}

int main(void) {
        socket_api = &record_sockets;
        test_dead_socket();
        test_peers_that_leave();
        test_listeners_of_vms();
        test_sleep();
        test_listener_for_any_vm();
        printf("%d failed\n", record.n_failed);
        return record.n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
