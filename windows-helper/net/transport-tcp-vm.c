/* SPDX-License-Identifier: MIT */

/*
 * For test builds only: a VM is a port of the loopback interface, so that the search for VMs can be
 * tested from end to end. The port is the first four digits of the VM's id. Guests of any VM reach
 * one port more, and there the address that they come from tells which one theirs is: 127.0.X.Y for
 * the VM whose id begins with the bytes X and Y.
 */

#include "windows-helper/net/transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TCP_VM_ANY 0x7a30

/* The rest of an id that is made of an address; tests/windows/test_vms.py has the same. */
static const VmId tcp_vm_rest = {.bytes = {0, 0, 0x2c, 0x50, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc,
                                           0xde, 0xf0, 0x12, 0x34, 0x56, 0x78}};

static int tcp_vm_address(const VmId *vm, TransportAddress *ret_address) {
        unsigned port = (unsigned) (vm->bytes[0] << 8 | vm->bytes[1]);
        char text[24];

        (void) snprintf(text, sizeof(text), "127.0.0.1:%u", vm_id_is_null(vm) ? TCP_VM_ANY : port);
        return transport_tcp.parse(text, ret_address);
}

static bool tcp_vm_peer(const uint8_t *bytes, size_t size, Peer *peer) {
        SOCKADDR_IN sin;
        uint32_t address;

        if (size < sizeof(sin))
                return false;
        memcpy(&sin, bytes, sizeof(sin));
        address = ntohl(sin.sin_addr.s_addr);
        if (sin.sin_family != AF_INET || !vm_id_is_null(&peer->vm))
                return sin.sin_family == AF_INET;
        peer->vm = tcp_vm_rest;
        peer->vm.bytes[0] = (uint8_t) (address >> 8);
        peer->vm.bytes[1] = (uint8_t) address;
        return true;
}

static int tcp_vm_parse(const char *text, TransportAddress *ret_address) {
        *ret_address = (TransportAddress){.size = 0}; /* "tcp-vm:" has no address: VMs are found */
        return *text == '\0' ? 0 : -EINVAL;
}

static void tcp_vm_format(const TransportAddress *address, char ret_text[TRANSPORT_TEXT_MAX]) {
        transport_tcp.format(address, ret_text);
}

static int tcp_vm_prepare(SOCKET socket, bool listening) {
        return transport_tcp.prepare(socket, listening);
}

const Transport transport_tcp_vm = {
        .name = "tcp-vm",
        .family = AF_INET,
        .protocol = IPPROTO_TCP,
        .parse = tcp_vm_parse,
        .format = tcp_vm_format,
        .prepare = tcp_vm_prepare,
        .vm_address = tcp_vm_address,
        .peer = tcp_vm_peer,
};
