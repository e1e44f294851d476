/* SPDX-License-Identifier: MIT */

/*
 * RESULT: the state of each service of a STATE.
 *
 * The announced number of services must fit into the bytes that are there, so memory follows what
 * has arrived and never what is announced.
 */

#include "protocol/wire/wire.h"

#include "protocol/wire/fields-private.h"
#include "protocol/wire/frame-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* The least that a service takes: in version 1 its state, reason and empty text, in version 2 an
 * empty list of fields. */
#define RESULT_SIZE_MIN_V1 4u
#define RESULT_SIZE_MIN    1u

static void put_u8_unless_0(WireWriter *w, uint8_t v) {
        if (v != 0)
                wire_put_u8(w, v);
}

/* A number that is not 0, as that would not have been sent. */
static uint8_t get_u8_not_0(WireReader *r) {
        uint8_t v = wire_get_u8(r);

        r->bad = r->bad || v == 0;
        return v;
}

/* Malformed fields are recorded in @r. @min: the least number of bytes. Return: 0 or -ENOMEM. */
static int get_text(WireReader *r, size_t min, char **ret) {
        char text[WIRE_TEXT_MAX + 1] = "";

        wire_get_string(r, min, WIRE_TEXT_MAX, text);
        if (text[0] == '\0')
                return 0;
        *ret = malloc(strlen(text) + 1);
        if (*ret == NULL)
                return -ENOMEM;
        memcpy(*ret, text, strlen(text) + 1);
        return 0;
}

static void put_apply(const WireField *f, WireWriter *w, const void *message, const void *item) {
        const WireResult *m = message;

        if (m->apply_usec != 0)
                wire_put_u32(w, m->apply_usec);
}

static int get_apply(const WireField *f, WireReader *r, void *message, void *item) {
        WireResult *m = message;

        m->apply_usec = wire_get_u32(r);
        r->bad = r->bad || m->apply_usec == 0;
        return 0;
}

static void put_place(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_u8_unless_0(w, ((const WireResult *) message)->place);
}

static int get_place(const WireField *f, WireReader *r, void *message, void *item) {
        ((WireResult *) message)->place = get_u8_not_0(r);
        return 0;
}

static void put_state(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_u8_unless_0(w, ((const WireServiceResult *) item)->state);
}

static int get_state(const WireField *f, WireReader *r, void *message, void *item) {
        uint8_t state = get_u8_not_0(r);

        if (state >= _WIRE_SERVICE_STATE_END)
                return WIRE_FIELD_UNKNOWN;
        ((WireServiceResult *) item)->state = state;
        return 0;
}

static void put_reason(const WireField *f, WireWriter *w, const void *message, const void *item) {
        const WireServiceResult *s = item;

        if (s->reason != 0)
                wire_put_u16(w, s->reason);
}

static int get_reason(const WireField *f, WireReader *r, void *message, void *item) {
        WireServiceResult *s = item;

        s->reason = wire_get_u16(r);
        r->bad = r->bad || s->reason == 0;
        return 0;
}

static void put_text(const WireField *f, WireWriter *w, const void *message, const void *item) {
        const WireServiceResult *s = item;

        if (s->text != NULL && s->text[0] != '\0')
                wire_put_string(w, s->text, 1, WIRE_TEXT_MAX);
}

static int get_text_field(const WireField *f, WireReader *r, void *message, void *item) {
        return get_text(r, 1, &((WireServiceResult *) item)->text);
}

static void put_forwarder(const WireField *f, WireWriter *w, const void *message,
                          const void *item) {
        put_u8_unless_0(w, ((const WireServiceResult *) item)->forwarder);
}

static int get_forwarder(const WireField *f, WireReader *r, void *message, void *item) {
        ((WireServiceResult *) item)->forwarder = get_u8_not_0(r);
        return 0;
}

static void put_why(const WireField *f, WireWriter *w, const void *message, const void *item) {
        put_u8_unless_0(w, ((const WireServiceResult *) item)->why);
}

static int get_why(const WireField *f, WireReader *r, void *message, void *item) {
        ((WireServiceResult *) item)->why = get_u8_not_0(r);
        return 0;
}

static const WireField result_fields[] = {
        {0x0001, "apply-usec", put_apply, get_apply},
        {0x0002, "place", put_place, get_place},
};

static const WireField service_fields[] = {
        {0x8001, "state", put_state, get_state},
        {0x8002, "reason", put_reason, get_reason},
        {0x0003, "text", put_text, get_text_field},
        {0x0004, "forwarder", put_forwarder, get_forwarder},
        {0x0005, "why", put_why, get_why},
};

static void put_service_result(WireWriter *w, const WireServiceResult *s, uint8_t version) {
        wire_put_check(w, s->state < _WIRE_SERVICE_STATE_END && s->unknown_field == 0);
        if (version >= WIRE_VERSION_FIELDS) {
                wire_put_fields(w, service_fields, N(service_fields), NULL, s);
                return;
        }
        wire_put_u8(w, s->state);
        wire_put_u16(w, s->reason);
        wire_put_string(w, s->text ? s->text : "", 0, WIRE_TEXT_MAX);
}

int wire_result_encode(const WireResult *m, uint8_t version, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, WIRE_RESULT, out);
        wire_put_check(&w, m->sequence >= 1 && m->n_services <= WIRE_SERVICES_MAX &&
                                   m->unknown_field == 0);
        wire_put_u64(&w, m->sequence);
        if (version >= WIRE_VERSION_FIELDS)
                wire_put_fields(&w, result_fields, N(result_fields), m, NULL);
        else
                wire_put_u32(&w, m->apply_usec);
        wire_put_u32(&w, m->n_services);
        for (uint32_t i = 0; i < m->n_services && w.error == 0; i++)
                put_service_result(&w, &m->services[i], version);
        return wire_frame_end(&w);
}

/* Malformed fields are recorded in @r. Return: 0 or -ENOMEM. */
static int get_service_result(WireReader *r, uint8_t version, WireResult *m,
                              WireServiceResult *ret) {
        if (version >= WIRE_VERSION_FIELDS)
                return wire_get_fields(r, service_fields, N(service_fields), m, ret,
                                       &ret->unknown_field, &m->n_ignored);
        ret->state = wire_get_u8(r);
        ret->reason = wire_get_u16(r);
        if (ret->state >= _WIRE_SERVICE_STATE_END)
                r->bad = true;
        return get_text(r, 0, &ret->text);
}

int wire_result_decode(const uint8_t *p, size_t n, uint8_t version, WireResult *ret) {
        bool fields = version >= WIRE_VERSION_FIELDS;
        size_t size_min = fields ? RESULT_SIZE_MIN : RESULT_SIZE_MIN_V1;
        WireReader r = {.p = p, .left = n};
        WireResult m = WIRE_RESULT_NULL;
        uint32_t n_services;
        int result = 0;

        m.sequence = wire_get_u64(&r);
        if (fields)
                (void) wire_get_fields(&r, result_fields, N(result_fields), &m, NULL,
                                       &m.unknown_field, &m.n_ignored); /* allocates nothing */
        else
                m.apply_usec = wire_get_u32(&r);
        n_services = wire_get_u32(&r);
        if (r.bad || m.sequence < 1 || n_services > WIRE_SERVICES_MAX ||
            n_services > r.left / size_min)
                return -EPROTO;
        m.services = calloc((size_t) n_services + 1, sizeof(*m.services));
        if (m.services == NULL)
                return -ENOMEM;
        m.n_services = n_services;
        for (uint32_t i = 0; i < n_services && result == 0 && !r.bad; i++)
                result = get_service_result(&r, version, &m, &m.services[i]);
        if (result == 0)
                result = wire_reader_end(&r);
        if (result < 0) {
                wire_result_done(&m);
                return result;
        }
        *ret = m;
        return 0;
}

void wire_result_done(WireResult *m) {
        for (uint32_t i = 0; i < m->n_services; i++)
                free(m->services[i].text);
        free(m->services);
        *m = WIRE_RESULT_NULL;
}
