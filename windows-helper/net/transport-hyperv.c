/* SPDX-License-Identifier: MIT */

/*
 * Hyper-V sockets (AF_HYPERV), which are the other end of a guest's AF_VSOCK connection. Every
 * constant comes from facts 1.1.1, 1.1.3 and 1.3.1. None of this runs under Wine.
 */

#include "windows-helper/net/socket-api.h"
#include "windows-helper/net/transport.h"
#include "windows-helper/store/fact-store.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The mingw-w64 headers of Debian 12 lack these, or define GUIDs in each file that includes them
 * (fact 1.2.1). */
#define HYPERV_FAMILY            34
#define HYPERV_PROTOCOL_RAW      1    /* also the level of its options */
#define HYPERV_CONNECTED_SUSPEND 0x04 /* ULONG: the connection outlives a sleep of the machine */

/* The vsock port to which agents connect, "WSLB", as in wslbridge.conf(5). */
#define HYPERV_PORT 0x57534c42

typedef struct HypervAddress { /* SOCKADDR_HV, 36 bytes */
        USHORT family, reserved;
        GUID vm, service;
} HypervAddress;

_Static_assert(sizeof(HypervAddress) == 36, "SOCKADDR_HV has 36 bytes (fact 1.1.2)");

/* The service GUID of a vsock port has the port as its first part (fact 1.1.3). */
static GUID hyperv_service(DWORD port) {
        return (GUID){port, 0xfacb, 0x11e6, {0xbd, 0x58, 0x64, 0x00, 0x6a, 0x79, 0x86, 0xd3}};
}

/* From the byte order of the text form to that in memory, where the first three parts of a GUID are
 * little-endian (fact 1.1.5). */
static GUID hyperv_guid(const VmId *id) {
        const uint8_t *b = id->bytes;
        GUID g = {(DWORD) b[0] << 24 | (DWORD) b[1] << 16 | (DWORD) b[2] << 8 | b[3],
                  (WORD) (b[4] << 8 | b[5]),
                  (WORD) (b[6] << 8 | b[7]),
                  {0}};

        memcpy(g.Data4, b + 8, 8);
        return g;
}

static VmId hyperv_vm(const GUID *g) {
        VmId id = {{(uint8_t) (g->Data1 >> 24), (uint8_t) (g->Data1 >> 16),
                    (uint8_t) (g->Data1 >> 8), (uint8_t) g->Data1, (uint8_t) (g->Data2 >> 8),
                    (uint8_t) g->Data2, (uint8_t) (g->Data3 >> 8), (uint8_t) g->Data3}};

        memcpy(id.bytes + 8, g->Data4, 8);
        return id;
}

/* VM_ID_NULL becomes the wildcard, because both are all zeros (fact 1.1.4). */
static int hyperv_vm_address(const VmId *vm, TransportAddress *ret_address) {
        HypervAddress a = {
                .family = HYPERV_FAMILY,
                .vm = hyperv_guid(vm),
                .service = hyperv_service(HYPERV_PORT),
        };

        *ret_address = (TransportAddress){.size = sizeof(a)};
        memcpy(ret_address->bytes, &a, sizeof(a));
        return 0;
}

static int hyperv_parse(const char *text, TransportAddress *ret_address) {
        VmId vm;

        if (vm_id_parse(text, &vm) < 0)
                return -EINVAL;
        return hyperv_vm_address(&vm, ret_address);
}

static void hyperv_format(const TransportAddress *address, char ret_text[TRANSPORT_TEXT_MAX]) {
        HypervAddress a;
        char vm[VM_ID_TEXT_MAX];
        VmId id;

        memcpy(&a, address->bytes, sizeof(a));
        id = hyperv_vm(&a.vm);
        vm_id_format(&id, vm);
        (void) snprintf(ret_text, TRANSPORT_TEXT_MAX, "%s, vsock port %lu",
                        vm_id_is_null(&id) ? "any Hyper-V VM" : vm,
                        (unsigned long) a.service.Data1);
}

/* Microsoft's code sets this on each socket, accepting ones as well as the listener (fact 1.3.1).
 * Without it connections end when the machine sleeps, and agents connect again. */
static int hyperv_prepare(SOCKET socket, bool listening) {
        static bool reported; /* the first answer says all */
        ULONG yes = 1;
        bool taken;

        taken = socket_api->setsockopt(socket, HYPERV_PROTOCOL_RAW, HYPERV_CONNECTED_SUSPEND,
                                       (const char *) &yes, sizeof(yes)) == 0;
        if (reported)
                return 0;
        reported = true;
        if (!taken)
                log_write(LOG_LEVEL_NOTICE,
                          "This Windows does not take the option HVSOCKET_CONNECTED_SUSPEND "
                          "(Winsock error %d), so agents have to connect again after a sleep",
                          socket_api->last_error());
        fact_store_seen("1.3.1", taken);
        return 0;
}

/* True if an address with a vsock port begins at @bytes: all parts of its service GUID but the
 * first are the template. */
static bool hyperv_is_address(const uint8_t *bytes, HypervAddress *ret_address) {
        GUID expected;

        memcpy(ret_address, bytes, sizeof(*ret_address));
        expected = hyperv_service(ret_address->service.Data1);
        return ret_address->family == HYPERV_FAMILY &&
               memcmp(&ret_address->service, &expected, sizeof(expected)) == 0;
}

/* The guest's port is the first part of the service GUID (fact 3.1.1). The VM in the address is
 * probably the peer's, but this is not documented (fact 3.1.2). So for a listener of one VM, that
 * VM counts. Where in AcceptEx()'s buffer the address begins is not documented (fact 1.3.7), so
 * every place is tried; fourteen bytes that must match make a false find impossible in practice. */
static bool hyperv_peer(const uint8_t *bytes, size_t size, Peer *peer) {
        HypervAddress a;

        for (size_t i = 0; i + sizeof(a) <= size; i++) {
                VmId vm;

                if (!hyperv_is_address(bytes + i, &a))
                        continue;
                vm = hyperv_vm(&a.vm);
                peer->source_known = true;
                peer->source = a.service.Data1;
                if (vm_id_is_null(&peer->vm))
                        peer->vm = vm;
                return true;
        }
        return false;
}

const Transport transport_hyperv = {
        .name = "hyperv",
        .family = HYPERV_FAMILY,
        .protocol = HYPERV_PROTOCOL_RAW,
        .parse = hyperv_parse,
        .format = hyperv_format,
        .prepare = hyperv_prepare,
        .vm_address = hyperv_vm_address,
        .peer = hyperv_peer,
};
