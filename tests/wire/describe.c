/* SPDX-License-Identifier: MIT */

/*
 * Turns the fields of a frame into words. reference.py writes the same words without decoding.
 */

#include "tests/wire/describe.h"

#include "protocol/wire/wire-options.h"
#include "protocol/wire/wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct Line {
        char *out;
        size_t at, size;
} Line;

__attribute__((format(printf, 2, 3))) static void add(Line *t, const char *format, ...) {
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(t->out + t->at, t->size - t->at, format, args);
        va_end(args);
        /* If it does not fit, @at stays at the last byte, and describe() notices. */
        t->at = n < 0 || (size_t) n >= t->size - t->at ? t->size - 1 : t->at + (size_t) n;
}

static void add_hex(Line *t, const char *label, const uint8_t *p, size_t n) {
        add(t, " %s=", label);
        for (size_t i = 0; i < n; i++)
                add(t, "%02x", p[i]);
}

static int describe_hello(Line *t, const uint8_t *p, size_t n) {
        WireHello m;

        if (wire_hello_decode(p, n, &m) < 0)
                return -1;
        add(t, " versions=%u-%u", m.version_min, m.version_max);
        add_hex(t, "agent", m.agent_id, WIRE_ID_SIZE);
        add_hex(t, "boot", m.boot_id, WIRE_ID_SIZE);
        add_hex(t, "nonce", m.nonce, WIRE_NONCE_SIZE);
        if (m.has_vm_id)
                add_hex(t, "vm", m.vm_id, WIRE_ID_SIZE);
        else
                add(t, " vm=none");
        add(t, " distro='%s' software='%s'", m.distro, m.software);
        return 0;
}

static int describe_challenge(Line *t, const uint8_t *p, size_t n) {
        WireChallenge m;

        if (wire_challenge_decode(p, n, &m) < 0)
                return -1;
        add(t, " version=%u", m.version);
        add_hex(t, "nonce", m.nonce, WIRE_NONCE_SIZE);
        add(t, " endpoints=%" PRIu32 " heartbeat=%" PRIu32 " software='%s'", m.endpoints_max,
            m.heartbeat_ms, m.software);
        return 0;
}

static int describe_proof(Line *t, const uint8_t *p, size_t n) {
        WireProof m;

        if (wire_proof_decode(p, n, &m) < 0)
                return -1;
        if (m.has_mac)
                add_hex(t, "mac", m.mac, WIRE_MAC_SIZE);
        else
                add(t, " mac=none");
        return 0;
}

static int describe_notice(Line *t, uint8_t type, const uint8_t *p, size_t n) {
        WireNotice m;

        if (wire_notice_decode(p, n, &m) < 0)
                return -1;
        add(t, " code=%u (%s) text='%s'", m.code,
            type == WIRE_BYE ? wire_bye_name(m.code) : wire_refusal_name(m.code), m.text);
        return 0;
}

/* What a newer end has said besides. */
static void add_unknown(Line *t, uint16_t field, uint32_t n_ignored) {
        if (field != 0)
                add(t, " unknown=0x%04x", field);
        if (n_ignored > 0)
                add(t, " ignored=%" PRIu32, n_ignored);
}

static void add_address(Line *t, const char *label, const WireAddress *a) {
        char addr[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        ip_format(&a->addr, addr);
        ip_format(&a->gateway, gateway);
        if (a->addr.family == IP_FAMILY_NONE)
                add(t, " %s=none", label);
        else
                add(t, " %s=%s/%u via %s", label, addr, a->prefix, gateway);
}

static void add_service(Line *t, const WireState *m, const WireService *s) {
        char text[IP_ENDPOINT_TEXT_MAX];

        add(t, " service='%s' profiles=%u remote=%u", s->name, s->profiles, s->remote);
        for (uint32_t i = 0; i < s->n_listens; i++) {
                const WireListen *l = &m->listens[s->first_listen + i];
                IpEndpoint endpoint = {.addr = l->addr, .port = l->port};

                ip_endpoint_format(&endpoint, text);
                add(t, " listen=%s+%u->%u", text, l->count, l->connect_port);
        }
        for (uint32_t i = 0; i < s->n_remotes; i++) {
                const WirePrefix *p = &m->remotes[s->first_remote + i];

                ip_format(&p->addr, text);
                add(t, " from=%s/%u", text, p->length);
        }
        for (WireOption o = 0; o < _WIRE_OPTION_END; o++)
                if (s->options[o] != 0)
                        add(t, " %s=%s", wire_option_name(o), wire_option_word(o, s->options[o]));
        add_unknown(t, s->unknown_field, 0);
}

static int describe_state(Line *t, const uint8_t *p, size_t n, uint8_t version) {
        WireState m = WIRE_STATE_NULL;

        if (wire_state_decode(p, n, version, &m) < 0)
                return -1;
        add(t, " sequence=%" PRIu64 " mode=%s interface='%s'", m.sequence, wire_mode_name(m.mode),
            m.interface);
        add_address(t, "v4", &m.v4);
        add_address(t, "v6", &m.v6);
        for (uint32_t i = 0; i < m.n_services; i++)
                add_service(t, &m, &m.services[i]);
        add_unknown(t, m.unknown_field, m.n_ignored);
        wire_state_done(&m);
        return 0;
}

static int describe_result(Line *t, const uint8_t *p, size_t n, uint8_t version) {
        WireResult m = WIRE_RESULT_NULL;

        if (wire_result_decode(p, n, version, &m) < 0)
                return -1;
        add(t, " sequence=%" PRIu64 " apply=%" PRIu32, m.sequence, m.apply_usec);
        if (m.place != 0)
                add(t, " place=%u", m.place);
        for (uint32_t i = 0; i < m.n_services; i++) {
                const WireServiceResult *s = &m.services[i];

                add(t, " %s/%u (%s) text='%s'", wire_service_state_name(s->state), s->reason,
                    wire_reason_name(s->reason), s->text ? s->text : "");
                if (s->forwarder != 0)
                        add(t, " by %u (%s)", s->forwarder, wire_forwarder_name(s->forwarder));
                if (s->why != 0)
                        add(t, " why %u (%s)", s->why, wire_why_name(s->why));
                add_unknown(t, s->unknown_field, 0);
        }
        add_unknown(t, m.unknown_field, m.n_ignored);
        wire_result_done(&m);
        return 0;
}

static int describe_token(Line *t, const uint8_t *p, size_t n) {
        uint64_t token;

        if (wire_token_decode(p, n, &token) < 0)
                return -1;
        add(t, " token=%" PRIu64, token);
        return 0;
}

static int describe_payload(Line *t, uint8_t type, uint8_t version, const uint8_t *p, size_t n) {
        switch ((WireType) type) {
        case WIRE_HELLO:
                return describe_hello(t, p, n);
        case WIRE_CHALLENGE:
                return describe_challenge(t, p, n);
        case WIRE_PROOF:
        case WIRE_WELCOME:
                return describe_proof(t, p, n);
        case WIRE_REFUSED:
        case WIRE_BYE:
                return describe_notice(t, type, p, n);
        case WIRE_STATE:
                return describe_state(t, p, n, version);
        case WIRE_RESULT:
                return describe_result(t, p, n, version);
        case WIRE_PING:
        case WIRE_PONG:
                return describe_token(t, p, n);
        case _WIRE_TYPE_END:
                break;
        }
        return -1;
}

int describe(const uint8_t *frame, size_t n, uint8_t version, char *ret_text, size_t size) {
        Line t = {.out = ret_text, .size = size};
        WireHeader header;

        if (n < WIRE_HEADER_SIZE || wire_header_decode(frame, &header) < 0 ||
            header.length != n - WIRE_HEADER_SIZE)
                return -1;
        add(&t, "%s", wire_type_name(header.type));
        if (describe_payload(&t, header.type, version, frame + WIRE_HEADER_SIZE, header.length) < 0)
                return -1;
        return t.at + 1 < t.size ? 0 : -1;
}
