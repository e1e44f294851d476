/* SPDX-License-Identifier: MIT */

/*
 * For test builds only: a VM is a port of the loopback interface, so that the search for VMs can be
 * tested from end to end. The port is the first four digits of the VM's id.
 */

#include "windows-helper/net/transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int tcp_vm_address(const VmId *vm, TransportAddress *ret_address) {
        char text[24];

        if (vm_id_is_null(vm))
                return -ENOTSUP;
        (void) snprintf(text, sizeof(text), "127.0.0.1:%u",
                        (unsigned) (vm->bytes[0] << 8 | vm->bytes[1]));
        return transport_tcp.parse(text, ret_address);
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
};
