/* SPDX-License-Identifier: MIT */

/*
 * Decides whether an address that a guest claims may be forwarded to. See hostnet.h for the rules.
 */

#include "windows-helper/core/policy/hostnet.h"

#include "windows-helper/core/base/result.h"

#include <string.h>

/* True for the two addresses of an IPv4 subnet that belong to nobody: those with all host bits
 * clear or all set. A /31 and a /32 have none (RFC 3021). IPv6 has no broadcast address; its
 * address with all host bits clear belongs to the routers (RFC 4291, 2.6.1). */
static bool hostnet_is_reserved(const IpAddr *address, unsigned prefix) {
        unsigned bits = ip_family_bits(address->family);
        bool zeros = true, ones = address->family == IP_FAMILY_V4;

        if (prefix + 1 >= bits)
                return false;
        for (unsigned i = prefix; i < bits; i++)
                if (address->bytes[i / 8] & 0x80 >> i % 8)
                        zeros = false;
                else
                        ones = false;
        return zeros || ones;
}

/* Of the host's addresses, the one with the smallest subnet that contains @address, because that is
 * where Windows sends to it. Of two such networks, the one of other machines counts: a second
 * adapter on an external switch looks like one behind which are only guests (fact 8.2.2). Return:
 * NULL if there is none on a virtual switch. */
static const HostnetAddress *hostnet_on_link(const Hostnet *h, const IpAddr *address) {
        const HostnetAddress *best = NULL;

        for (size_t i = 0; i < h->n_addresses; i++) {
                const HostnetAddress *a = &h->addresses[i];

                if (ip_in_prefix(address, &a->addr, a->prefix) &&
                    (!best || a->prefix > best->prefix ||
                     (a->prefix == best->prefix && !a->virtual_switch)))
                        best = a;
        }
        return best && best->virtual_switch ? best : NULL;
}

const HostnetAddress *hostnet_own(const Hostnet *h, const IpAddr *address) {
        for (size_t i = 0; i < h->n_addresses; i++)
                if (ip_compare(&h->addresses[i].addr, address) == 0)
                        return &h->addresses[i];
        return NULL;
}

bool hostnet_is_of_wsl(const HostnetAddress *a) {
        static const char start[] = "vEthernet (WSL";

        return strncmp(a->adapter, start, strlen(start)) == 0;
}

bool hostnet_has_neighbour(const Hostnet *h, const IpAddr *address, bool virtual_only) {
        for (size_t i = 0; i < h->n_addresses; i++) {
                const HostnetAddress *a = &h->addresses[i];

                if ((a->virtual_switch || !virtual_only) &&
                    ip_in_prefix(address, &a->addr, a->prefix))
                        return true;
        }
        return false;
}

/* Member by member, because padding and the unused end of the array have no meaning. */
bool hostnet_equal(const Hostnet *a, const Hostnet *b) {
        if (a->n_addresses != b->n_addresses || a->has_nat != b->has_nat ||
            a->unchecked != b->unchecked)
                return false;
        if (a->has_nat &&
            (ip_compare(&a->nat.addr, &b->nat.addr) != 0 || a->nat.length != b->nat.length))
                return false;
        for (size_t i = 0; i < a->n_addresses; i++) {
                const HostnetAddress *p = &a->addresses[i], *q = &b->addresses[i];

                if (ip_compare(&p->addr, &q->addr) != 0 || p->prefix != q->prefix ||
                    p->virtual_switch != q->virtual_switch || strcmp(p->adapter, q->adapter) != 0)
                        return false;
        }
        return true;
}

/* Whether a guest at @a, which is on none of the virtual switches, is on a network of other
 * machines (facts 8.2.1 and 8.2.2). A gateway that is the host's own address belongs to a switch
 * whose adapter was not recognized, or to a guest with an address of another network. */
static bool hostnet_is_outside(const Hostnet *h, const WireAddress *a) {
        return hostnet_has_neighbour(h, &a->addr, /* virtual_only= */ false) &&
               !(a->gateway.family != IP_FAMILY_NONE && hostnet_own(h, &a->gateway));
}

/* Why nothing is forwarded to a guest that is on none of the virtual switches. Where the host is
 * not either, its tables do not tell what is the matter (fact 8.2.3). */
static void hostnet_say_off_link(const Hostnet *h, const IpAddr *address, const HostnetGuest *guest,
                                 char ret_why[WIRE_TEXT_MAX + 1]) {
        if (hostnet_has_neighbour(h, address, /* virtual_only= */ true))
                result_text(ret_why, "is also on a network of the host with other machines, and "
                                     "may belong to one of them");
        else if (guest->may_be_outside &&
                 !hostnet_has_neighbour(h, address, /* virtual_only= */ false))
                result_text(ret_why,
                            "is on no network of this host. Either it is stale (renew it by DHCP), "
                            "or the guest is on an external switch without the host, where others "
                            "reach it anyway");
        else
                result_text(ret_why, "is not on the network of a virtual switch (vEthernet) behind "
                                     "this host");
}

HostnetVerdict hostnet_judge(const Hostnet *h, const WireAddress *a, const HostnetGuest *guest,
                             char ret_why[WIRE_TEXT_MAX + 1]) {
        const IpAddr *address = &a->addr, *gateway = &a->gateway;
        const char *problem = ip_guest_problem(address);
        const HostnetAddress *own, *link;
        char text[IP_TEXT_MAX];

        if (problem) {
                result_text(ret_why, "%s", problem);
                return HOSTNET_REFUSED;
        }
        if (h->unchecked)
                return HOSTNET_BEHIND;
        own = hostnet_own(h, address);
        if (own) {
                result_text(ret_why,
                            "is an address of the host itself (%s); a guest that shares the "
                            "host's addresses, as in networking mode mirrored, needs no forwarding",
                            own->adapter);
                return HOSTNET_REFUSED;
        }
        if (gateway->family != IP_FAMILY_NONE && ip_compare(gateway, address) == 0) {
                result_text(ret_why, "is the guest's own gateway");
                return HOSTNET_REFUSED;
        }
        link = hostnet_on_link(h, address);
        if (!link && guest->may_be_outside && hostnet_is_outside(h, a))
                return HOSTNET_OUTSIDE;
        if (!link) {
                hostnet_say_off_link(h, address, guest, ret_why);
                return HOSTNET_REFUSED;
        }
        if (hostnet_is_reserved(address, link->prefix)) {
                result_text(ret_why, "is the network or broadcast address of %s", link->adapter);
                return HOSTNET_REFUSED;
        }
        /* There may be two such networks, and only one of them is in the registry (fact 6.1.7). */
        if (guest->wsl && h->has_nat && !hostnet_is_of_wsl(link) &&
            address->family == h->nat.addr.family &&
            !ip_in_prefix(address, &h->nat.addr, h->nat.length)) {
                ip_format(&h->nat.addr, text);
                result_text(ret_why, "is outside of WSL's NAT network %s/%u", text,
                            (unsigned) h->nat.length);
                return HOSTNET_REFUSED;
        }
        return HOSTNET_BEHIND;
}
