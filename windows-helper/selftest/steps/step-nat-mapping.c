/* SPDX-License-Identifier: MIT */

/*
 * The end of step 14: whether WinNAT takes a static UDP mapping to the guest, and what a datagram
 * through it looks like there. WinNAT's address for the client would be better than any relay's.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/selftest/tools/nat-mapping.h"
#include "windows-helper/selftest/tools/udp.h"
#include "windows-helper/selftest/tools/wmi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAPPING_GUEST_MS  20000 /* for the distro to start, and for a datagram to come */
#define MAPPING_REPEAT_MS 250
#define MAPPING_SCRIPT    2048
#define MAPPING_FROM      "from "

/* Waits for one datagram on port %1$u, tells from where it came, and answers it. */
static const char mapping_script[] =
        "python3 - <<'END' || socat -T 12 UDP4-RECVFROM:%u "
        "SYSTEM:'echo " MAPPING_FROM "$SOCAT_PEERADDR $SOCAT_PEERPORT >&2; echo x'\n"
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.bind((\"0.0.0.0\", %u))\n"
        "s.settimeout(12)\n"
        "data, peer = s.recvfrom(64)\n"
        "print(\"" MAPPING_FROM "%%s %%d\" %% peer)\n"
        "s.sendto(data, peer)\n"
        "END\n";

typedef struct Mapping {
        const Step *step;
        uint16_t port;
        IpAddr guest, lan;
        char nat[NAT_NAME_MAX]; /* of the MSFT_NetNat object with the guest's network, or "" */
        Child child;            /* what the guest has said */
} Mapping;

/* "172.20.0.0/20" */
static bool mapping_prefix_has(const char *text, const IpAddr *address) {
        const char *slash = strchr(text, '/');
        char net[IP_TEXT_MAX];
        IpAddr parsed;

        if (!slash || (size_t) (slash - text) >= sizeof(net))
                return false;
        (void) snprintf(net, sizeof(net), "%.*s", (int) (slash - text), text);
        return ip_parse(net, &parsed) == 0 &&
               ip_in_prefix(address, &parsed, (unsigned) strtoul(slash + 1, NULL, 10));
}

static bool mapping_on_nat(void *userdata, WmiSeen *object) {
        char prefix[IP_TEXT_MAX + 8];
        Mapping *m = userdata;

        wmi_text(object, L"InternalIPInterfaceAddressPrefix", prefix, sizeof(prefix));
        if (!mapping_prefix_has(prefix, &m->guest))
                return true;
        wmi_text(object, L"Name", m->nat, sizeof(m->nat));
        return false;
}

/* Return: whether there is one. */
static bool mapping_find_nat(Step *s, Mapping *m) {
        uint64_t began = step_clock();
        DWORD error = wmi_each(s, L"MSFT_NetNat", mapping_on_nat, m);

        if (error != 0)
                step_line(s, "nat.covers", "IWbemServices::ExecQuery", error, began, "MSFT_NetNat");
        else
                step_line(s, "nat.covers", "IWbemServices::ExecQuery", !m->nat[0], began,
                          "a WinNAT object has the guest's address in its network: %s",
                          m->nat[0] ? "yes" : "no");
        return m->nat[0] != '\0';
}

static DWORD WINAPI mapping_guest(void *parameter) {
        char script[MAPPING_SCRIPT];
        Mapping *m = parameter;

        (void) snprintf(script, sizeof(script), mapping_script, (unsigned) m->port,
                        (unsigned) m->port);
        child_run(m->step, L"wsl.exe", L"-u root --exec /bin/sh", script, MAPPING_GUEST_MS,
                  &m->child);
        return 0;
}

/* What the guest has said: "from ADDRESS PORT". Return: whether it has. */
static bool mapping_said(const Buffer *bytes, IpAddr *ret_address) {
        char text[256], *from, *end;
        size_t n =
                buffer_length(bytes) < sizeof(text) - 1 ? buffer_length(bytes) : sizeof(text) - 1;

        memcpy(text, buffer_bytes(bytes), n);
        text[n] = '\0';
        from = strstr(text, MAPPING_FROM);
        end = from ? strchr(from + strlen(MAPPING_FROM), ' ') : NULL;
        if (!end)
                return false;
        *end = '\0';
        return ip_parse(from + strlen(MAPPING_FROM), ret_address) == 0;
}

static void mapping_report(Step *s, const Mapping *m, bool answered, uint64_t began) {
        bool arrived, kept;
        IpAddr from;

        if (child_error(&m->child) != 0) {
                step_skip(s, "nat.datagram", "sendto",
                          "no distro waited for it; the default one needs python3 or socat");
                return;
        }
        arrived = mapping_said(&m->child.output, &from) || mapping_said(&m->child.errors, &from);
        step_line(s, "nat.datagram", "sendto", !arrived, began,
                  "a datagram to the host's address in its network reaches the guest: %s",
                  arrived ? "yes" : "no");
        if (!arrived)
                return;
        kept = ip_compare(&from, &m->lan) == 0;
        step_line(s, "nat.client", "recvfrom", !kept, began,
                  "the guest sees the client's address: %s", kept ? "yes" : "no, another one");
        step_line(s, "nat.answer", "recvfrom", !answered, began,
                  "the answer comes back from the address that was asked: %s",
                  answered ? "yes" : "no");
}

/* The guest may need a while until it waits, so the datagram is sent again and again. This host is
 * the client, from its own address in its network: the best that one machine can try. */
static void mapping_send(Step *s, Mapping *m) {
        HANDLE guest = CreateThread(NULL, 0, mapping_guest, m, 0, NULL);
        uint64_t began = step_clock();
        bool answered = false;
        SOCKET client;

        if (!guest)
                return;
        if (udp_open(&m->lan, &client) == 0) {
                while (WaitForSingleObject(guest, 0) == WAIT_TIMEOUT && step_is_open(s))
                        answered |= udp_ask(client, &m->lan, m->port, MAPPING_REPEAT_MS);
                (void) closesocket(client);
        }
        (void) WaitForSingleObject(guest, INFINITE); /* it has a limit of its own */
        (void) CloseHandle(guest);
        mapping_report(s, m, answered, began);
        child_done(&m->child);
}

static void mapping_try(Step *s, Mapping *m) {
        char what[NAT_MAPPING_WHAT];
        uint64_t began = step_clock();
        DWORD error;

        m->port = udp_free_port();
        nat_mapping_format(m->port, &m->guest, what);
        if (m->port == 0 || nat_mapping_exists(m->port) ||
            !journal_begin(s, CHANGE_MAPPING, "%s", what)) {
                step_skip(s, "nat.mapping", "", "no mapping could be written down");
                return;
        }
        error = nat_mapping_add(m->nat, m->port, &m->guest);
        journal_end();
        step_line(s, "nat.mapping", "IWbemServices::PutInstance", error, began,
                  "a static UDP mapping to the guest is taken: %s", error ? "no" : "yes");
        if (error != 0)
                return;
        if (step_lan_address(&m->lan))
                mapping_send(s, m);
        else
                step_skip(s, "nat.datagram", "sendto", "this machine has no address in a network");
        began = step_clock();
        step_line(s, "nat.unmap", "IWbemServices::DeleteInstance", nat_mapping_undo(what), began,
                  "the mapping is removed");
}

void step_nat_mapping(Step *s) {
        Mapping m = {.step = s, .child = CHILD_NULL};

        if (!step_guest_address(&m.guest)) {
                step_skip(s, "nat.covers", "",
                          "no address of a guest of mode nat is known to this user");
                return;
        }
        if (!mapping_find_nat(s, &m))
                step_skip(s, "nat.mapping", "IWbemServices::PutInstance",
                          "a mapping belongs to a WinNAT object, and the guest's network has none");
        else if (!step_options(s)->mapping)
                step_skip(s, "nat.mapping", "IWbemServices::PutInstance",
                          "this opens a UDP port for some seconds, so it needs the option "
                          "--mapping");
        else
                mapping_try(s, &m);
}
