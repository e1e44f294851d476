/* SPDX-License-Identifier: MIT */

/*
 * What a STATE consists of, in both versions: addresses of the guest, listens, prefixes.
 */

#include "protocol/wire/state-private.h"

#include "protocol/wire/text.h"

static bool listen_valid(const WireListen *l) {
        return l->addr.family != IP_FAMILY_NONE && l->port >= 1 && l->count >= 1 &&
               l->connect_port >= 1 && (uint32_t) l->port + l->count - 1 <= UINT16_MAX &&
               (uint32_t) l->connect_port + l->count - 1 <= UINT16_MAX;
}

static bool prefix_valid(const WirePrefix *p) {
        return p->addr.family != IP_FAMILY_NONE && p->length <= ip_family_bits(p->addr.family) &&
               !ip_has_host_bits(&p->addr, p->length);
}

/* @family: the family that belongs in this place. Without an address there is no prefix and no
 * gateway. */
bool wire_guest_address_valid(const WireAddress *a, IpFamily family) {
        if (a->addr.family == IP_FAMILY_NONE)
                return a->prefix == 0 && a->gateway.family == IP_FAMILY_NONE;
        return a->addr.family == family && a->prefix <= ip_family_bits(a->addr.family) &&
               (a->gateway.family == IP_FAMILY_NONE || a->gateway.family == family);
}

bool wire_service_valid(const WireService *s) {
        return wire_service_name_valid(s->name) && (s->profiles & ~WIRE_PROFILE_ALL) == 0 &&
               s->remote < _WIRE_REMOTE_END && s->n_listens >= 1 &&
               s->n_listens <= WIRE_LISTENS_MAX && s->n_remotes <= WIRE_REMOTES_MAX &&
               (s->remote == WIRE_REMOTE_LIST) == (s->n_remotes > 0);
}

void wire_put_guest_address(WireWriter *w, const WireAddress *a, IpFamily family) {
        wire_put_check(w, wire_guest_address_valid(a, family));
        wire_put_addr(w, &a->addr);
        if (a->addr.family == IP_FAMILY_NONE)
                return;
        wire_put_u8(w, a->prefix);
        wire_put_addr(w, &a->gateway);
}

void wire_get_guest_address(WireReader *r, IpFamily family, WireAddress *ret) {
        WireAddress a = {0};

        wire_get_addr(r, &a.addr);
        if (a.addr.family != IP_FAMILY_NONE) {
                a.prefix = wire_get_u8(r);
                wire_get_addr(r, &a.gateway);
        }
        if (!wire_guest_address_valid(&a, family))
                r->bad = true;
        *ret = a;
}

void wire_put_listen(WireWriter *w, const WireListen *l) {
        wire_put_check(w, listen_valid(l));
        wire_put_addr(w, &l->addr);
        wire_put_u16(w, l->port);
        wire_put_u16(w, l->count);
        wire_put_u16(w, l->connect_port);
}

void wire_put_prefix(WireWriter *w, const WirePrefix *p) {
        wire_put_check(w, prefix_valid(p));
        wire_put_addr(w, &p->addr);
        wire_put_u8(w, p->length);
}

void wire_get_listen(WireReader *r, WireState *m) {
        WireListen l = {0};

        wire_get_addr(r, &l.addr);
        l.port = wire_get_u16(r);
        l.count = wire_get_u16(r);
        l.connect_port = wire_get_u16(r);
        if (!listen_valid(&l))
                r->bad = true;
        else if (m->listens != NULL)
                m->listens[m->n_listens] = l;
        m->n_listens++;
}

void wire_get_prefix(WireReader *r, WireState *m) {
        WirePrefix p = {0};

        wire_get_addr(r, &p.addr);
        p.length = wire_get_u8(r);
        if (!prefix_valid(&p))
                r->bad = true;
        else if (m->remotes != NULL)
                m->remotes[m->n_remotes] = p;
        m->n_remotes++;
}
