/* SPDX-License-Identifier: MIT */

/*
 * STATE: all that an agent wants.
 *
 * Decoding runs twice over the services: first it checks and counts, then it fills arrays of
 * exactly the size counted. So memory follows what has arrived and never what is announced.
 */

#include "protocol/wire/wire.h"

#include "protocol/wire/frame-private.h"
#include "protocol/wire/state-private.h"
#include "protocol/wire/text.h"
#include "protocol/wire/wire-options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint32_t wire_state_endpoints(const WireState *m) {
        uint64_t n = 0;

        for (uint32_t i = 0; i < m->n_services; i++) {
                const WireService *s = &m->services[i];

                for (uint32_t k = 0; k < s->n_listens; k++)
                        n += m->listens[s->first_listen + k].count;
        }
        return n < UINT32_MAX ? (uint32_t) n : UINT32_MAX;
}

/*
 * Heap sort: the platforms' qsort() is quadratic for chosen input on one end and allocates on the
 * other, and the names come from a peer.
 */
static void sift_down(const char **names, size_t root, size_t n) {
        for (;;) {
                size_t child = 2 * root + 1;
                const char *name = names[root];

                if (child >= n)
                        return;
                if (child + 1 < n && strcmp(names[child], names[child + 1]) < 0)
                        child++;
                if (strcmp(name, names[child]) >= 0)
                        return;
                names[root] = names[child];
                names[child] = name;
                root = child;
        }
}

static void sort_names(const char **names, size_t n) {
        for (size_t i = n / 2; i-- > 0;)
                sift_down(names, i, n);
        for (size_t i = n; i-- > 1;) {
                const char *last = names[i];

                names[i] = names[0];
                names[0] = last;
                sift_down(names, 0, i);
        }
}

/* Return: 0, -EINVAL when two services have the same name, -ENOMEM. */
static int check_names_unique(const WireService *services, uint32_t n) {
        const char **names;
        uint32_t i;
        int r = 0;

        /* Our own agent sends them in order, and then no sort is needed. */
        for (i = 1; i < n && strcmp(services[i - 1].name, services[i].name) < 0; i++)
                ;
        if (i >= n)
                return 0;
        names = malloc(n * sizeof(*names));
        if (names == NULL)
                return -ENOMEM;
        for (i = 0; i < n; i++)
                names[i] = services[i].name;
        sort_names(names, n);
        for (i = 1; i < n && r == 0; i++)
                if (strcmp(names[i - 1], names[i]) == 0)
                        r = -EINVAL;
        free(names);
        return r;
}

/* Version 1 cannot say everything; the other end would carry the service in another way. */
static void put_service_v1(WireWriter *w, const WireState *m, const WireService *s) {
        wire_put_check(w, wire_option_beyond_v1(s) == _WIRE_OPTION_END);
        wire_put_u8(w, s->profiles);
        wire_put_u8(w, s->remote);
        wire_put_u8(w, (uint8_t) s->n_listens);
        for (uint32_t i = 0; i < s->n_listens && w->error == 0; i++)
                wire_put_listen(w, &m->listens[s->first_listen + i]);
        wire_put_u8(w, (uint8_t) s->n_remotes);
        for (uint32_t i = 0; i < s->n_remotes && w->error == 0; i++)
                wire_put_prefix(w, &m->remotes[s->first_remote + i]);
}

static void put_service(WireWriter *w, const WireState *m, const WireService *s, uint8_t version) {
        bool inside =
                s->first_listen <= m->n_listens && s->n_listens <= m->n_listens - s->first_listen &&
                s->first_remote <= m->n_remotes && s->n_remotes <= m->n_remotes - s->first_remote;

        wire_put_check(w, inside && s->unknown_field == 0 && wire_service_valid(s));
        wire_put_string(w, s->name, 1, WIRE_SERVICE_NAME_MAX);
        if (w->error < 0)
                return;
        if (version >= WIRE_VERSION_FIELDS)
                wire_put_service_fields(w, m, s);
        else
                put_service_v1(w, m, s);
}

int wire_state_encode(const WireState *m, uint8_t version, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, WIRE_STATE, out);
        wire_put_check(&w, m->sequence >= 1 && m->mode < _WIRE_MODE_END && m->unknown_field == 0 &&
                                   m->n_services <= WIRE_SERVICES_MAX);
        wire_put_u64(&w, m->sequence);
        if (version >= WIRE_VERSION_FIELDS) {
                wire_put_state_fields(&w, m);
        } else {
                wire_put_u8(&w, m->mode);
                wire_put_string(&w, m->interface, 0, WIRE_INTERFACE_MAX);
                wire_put_guest_address(&w, &m->v4, IP_FAMILY_V4);
                wire_put_guest_address(&w, &m->v6, IP_FAMILY_V6);
        }
        wire_put_u32(&w, m->n_services);
        for (uint32_t i = 0; i < m->n_services && w.error == 0; i++)
                put_service(&w, m, &m->services[i], version);
        /* The indexes and names are known to be good only now. */
        if (w.error == 0) {
                wire_put_check(&w, wire_state_endpoints(m) <= WIRE_ENDPOINTS_MAX);
                wire_put_fail(&w, check_names_unique(m->services, m->n_services));
        }
        return wire_frame_end(&w);
}

static void get_service_v1(WireReader *r, WireState *m, WireService *s) {
        s->profiles = wire_get_u8(r);
        s->remote = wire_get_u8(r);
        s->n_listens = wire_get_u8(r);
        for (uint32_t i = 0; i < s->n_listens && !r->bad; i++)
                wire_get_listen(r, m);
        s->n_remotes = wire_get_u8(r);
        for (uint32_t i = 0; i < s->n_remotes && !r->bad; i++)
                wire_get_prefix(r, m);
}

/* Without arrays in @m, the entries are only checked and counted. */
static void get_service(WireReader *r, uint8_t version, WireState *m) {
        WireService s = {.first_listen = m->n_listens, .first_remote = m->n_remotes};

        wire_get_string(r, 1, WIRE_SERVICE_NAME_MAX, s.name);
        if (version >= WIRE_VERSION_FIELDS)
                (void) wire_get_service_fields(r, m, &s); /* allocates nothing */
        else
                get_service_v1(r, m, &s);
        /* A service of which we do not know everything is refused whatever the rest says. */
        if (r->bad || !wire_service_name_valid(s.name) ||
            (s.unknown_field == 0 && !wire_service_valid(&s))) {
                r->bad = true;
                return;
        }
        if (m->services != NULL)
                m->services[m->n_services] = s;
        m->n_services++;
}

static int get_services(WireReader *r, uint32_t n, uint8_t version, WireState *m) {
        uint32_t n_ignored = m->n_ignored;

        m->n_services = m->n_listens = m->n_remotes = 0;
        for (uint32_t i = 0; i < n && !r->bad; i++)
                get_service(r, version, m);
        if (m->services == NULL) /* they are counted the second time */
                m->n_ignored = n_ignored;
        return wire_reader_end(r);
}

/* Room for the entries that were counted. calloc(0) may return NULL, hence one element more. */
static int allocate_state(WireState *m) {
        m->services = calloc((size_t) m->n_services + 1, sizeof(*m->services));
        m->listens = calloc((size_t) m->n_listens + 1, sizeof(*m->listens));
        m->remotes = calloc((size_t) m->n_remotes + 1, sizeof(*m->remotes));
        return m->services && m->listens && m->remotes ? 0 : -ENOMEM;
}

static int decode_services(WireReader *r, uint32_t n, uint8_t version, WireState *m) {
        WireReader again = *r;
        int result = get_services(r, n, version, m);

        if (result == 0)
                result = allocate_state(m);
        if (result == 0)
                result = get_services(&again, n, version, m);
        if (result == 0 && wire_state_endpoints(m) > WIRE_ENDPOINTS_MAX)
                result = -EPROTO;
        if (result == 0)
                result = check_names_unique(m->services, m->n_services);
        return result == -EINVAL ? -EPROTO : result;
}

int wire_state_decode(const uint8_t *p, size_t n, uint8_t version, WireState *ret) {
        WireReader r = {.p = p, .left = n};
        WireState m = WIRE_STATE_NULL;
        uint32_t n_services;
        int result;

        m.sequence = wire_get_u64(&r);
        if (version >= WIRE_VERSION_FIELDS) {
                (void) wire_get_state_fields(&r, &m);
        } else {
                m.mode = wire_get_u8(&r);
                wire_get_string(&r, 0, WIRE_INTERFACE_MAX, m.interface);
                wire_get_guest_address(&r, IP_FAMILY_V4, &m.v4);
                wire_get_guest_address(&r, IP_FAMILY_V6, &m.v6);
        }
        n_services = wire_get_u32(&r);
        if (r.bad || m.sequence < 1 || m.mode >= _WIRE_MODE_END || n_services > WIRE_SERVICES_MAX)
                return -EPROTO;
        result = decode_services(&r, n_services, version, &m);
        if (result < 0) {
                wire_state_done(&m);
                return result;
        }
        *ret = m;
        return 0;
}

void wire_state_done(WireState *m) {
        free(m->services);
        free(m->listens);
        free(m->remotes);
        *m = WIRE_STATE_NULL;
}
