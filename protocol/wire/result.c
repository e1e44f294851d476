/* SPDX-License-Identifier: MIT */

/*
 * RESULT: the state of each service of a STATE.
 *
 * The announced number of services must fit into the bytes that are there, so memory follows what
 * has arrived and never what is announced.
 */

#include "protocol/wire/wire.h"

#include "protocol/wire/frame-private.h"
#include "protocol/wire/io-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_SIZE_MIN 4u /* state, reason, empty text */

static void put_service_result(WireWriter *w, const WireServiceResult *s) {
        wire_put_check(w, s->state < _WIRE_SERVICE_STATE_END);
        wire_put_u8(w, s->state);
        wire_put_u16(w, s->reason);
        wire_put_string(w, s->text ? s->text : "", 0, WIRE_TEXT_MAX);
}

int wire_result_encode(const WireResult *m, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, WIRE_RESULT, out);
        wire_put_check(&w, m->sequence >= 1 && m->n_services <= WIRE_SERVICES_MAX);
        wire_put_u64(&w, m->sequence);
        wire_put_u32(&w, m->apply_usec);
        wire_put_u32(&w, m->n_services);
        for (uint32_t i = 0; i < m->n_services && w.error == 0; i++)
                put_service_result(&w, &m->services[i]);
        return wire_frame_end(&w);
}

/* Malformed fields are recorded in @r. Return: 0 or -ENOMEM. */
static int get_service_result(WireReader *r, WireServiceResult *ret) {
        char text[WIRE_TEXT_MAX + 1] = "";

        ret->state = wire_get_u8(r);
        ret->reason = wire_get_u16(r);
        wire_get_string(r, 0, WIRE_TEXT_MAX, text);
        if (ret->state >= _WIRE_SERVICE_STATE_END)
                r->bad = true;
        if (text[0] == '\0')
                return 0;
        ret->text = malloc(strlen(text) + 1);
        if (ret->text == NULL)
                return -ENOMEM;
        memcpy(ret->text, text, strlen(text) + 1);
        return 0;
}

int wire_result_decode(const uint8_t *p, size_t n, WireResult *ret) {
        WireReader r = {.p = p, .left = n};
        WireResult m = WIRE_RESULT_NULL;
        uint32_t n_services;
        int result = 0;

        m.sequence = wire_get_u64(&r);
        m.apply_usec = wire_get_u32(&r);
        n_services = wire_get_u32(&r);
        if (r.bad || m.sequence < 1 || n_services > WIRE_SERVICES_MAX ||
            n_services > r.left / RESULT_SIZE_MIN)
                return -EPROTO;
        m.services = calloc((size_t) n_services + 1, sizeof(*m.services));
        if (m.services == NULL)
                return -ENOMEM;
        m.n_services = n_services;
        for (uint32_t i = 0; i < n_services && result == 0 && !r.bad; i++)
                result = get_service_result(&r, &m.services[i]);
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
