/* SPDX-License-Identifier: MIT */

/*
 * Sample messages. The values are arbitrary, but each field has its own, so that a lost or swapped
 * field shows.
 */

#include "tests/unit/protocol/sample.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void fill(uint8_t *p, size_t n, uint8_t first) {
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t) (first + i);
}

WireHello sample_hello(void) {
        WireHello m = {
                .version_min = 1,
                .version_max = 1,
                .has_vm_id = true,
                .distro = "Debian",
                .software = "wslbridge 0.1.0",
        };

        fill(m.agent_id, WIRE_ID_SIZE, 0x10);
        fill(m.boot_id, WIRE_ID_SIZE, 0x30);
        fill(m.nonce, WIRE_NONCE_SIZE, 0x50);
        fill(m.vm_id, WIRE_ID_SIZE, 0x80);
        return m;
}

WireChallenge sample_challenge(void) {
        WireChallenge m = {
                .version = 1,
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = WIRE_HEARTBEAT_MS,
                .software = "wslbridge-helper 0.1.0",
        };

        fill(m.nonce, WIRE_NONCE_SIZE, 0xa0);
        return m;
}

WireProof sample_proof(void) {
        WireProof m = {.has_mac = true};

        fill(m.mac, WIRE_MAC_SIZE, 0xc0);
        return m;
}

WireNotice sample_notice(uint16_t code, const char *text) {
        WireNotice m = {.code = code};

        (void) snprintf(m.text, sizeof(m.text), "%s", text);
        return m;
}

WireState sample_state(void) {
        static WireService services[] = {
                {"ssh", WIRE_PROFILE_PRIVATE | WIRE_PROFILE_DOMAIN, WIRE_REMOTE_LOCAL_SUBNET, 0, 1,
                 0, 0},
                {"web", WIRE_PROFILE_ALL, WIRE_REMOTE_LIST, 1, 2, 0, 2},
                {"a_b.c-d", 0, WIRE_REMOTE_ANY, 3, 1, 0, 0},
        };
        static WireListen listens[] = {
                {{IP_FAMILY_V4, {0}}, 2222, 1, 22},
                {{IP_FAMILY_V4, {127, 0, 0, 1}}, 8000, 11, 9000},
                {{IP_FAMILY_V6, {0}}, 80, 1, 80},
                {{IP_FAMILY_V4, {192, 168, 1, 2}}, 65535, 1, 65535},
        };
        static WirePrefix remotes[] = {
                {{IP_FAMILY_V4, {10}}, 8},
                {{IP_FAMILY_V6, {0x20, 0x01, 0x0d, 0xb8}}, 32},
        };

        return (WireState){
                .sequence = 1,
                .mode = WIRE_MODE_NAT,
                .interface = "eth0",
                .v4 = {ip_v4(172, 20, 37, 5), 20, ip_v4(172, 20, 32, 1)},
                .services = services,
                .listens = listens,
                .remotes = remotes,
                .n_services = SAMPLE_SERVICES,
                .n_listens = 4,
                .n_remotes = 2,
        };
}

WireResult sample_result(void) {
        static char text[] = "rule 'web' is not ours, \xe2\x82\xac";
        static WireServiceResult services[] = {
                {WIRE_SERVICE_ACTIVE, WIRE_REASON_NONE, NULL},
                {WIRE_SERVICE_CONFLICT, WIRE_REASON_FOREIGN_RULE, text},
                {WIRE_SERVICE_INVALID, 0xfffe, NULL},
        };

        return (WireResult){
                .sequence = 1, .apply_usec = 1234, .services = services, .n_services = 3};
}

static int encode(WireType type, Buffer *out) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        WireProof proof = sample_proof();
        WireNotice refused = sample_notice(WIRE_REFUSAL_BUSY, "busy");
        WireNotice bye = sample_notice(WIRE_BYE_STOPPING, "");
        WireState state = sample_state();
        WireResult result = sample_result();

        switch (type) {
        case WIRE_HELLO:
                return wire_hello_encode(&hello, out);
        case WIRE_CHALLENGE:
                return wire_challenge_encode(&challenge, out);
        case WIRE_PROOF:
                return wire_proof_encode(&proof, out);
        case WIRE_WELCOME:
                return wire_welcome_encode(&proof, out);
        case WIRE_REFUSED:
                return wire_refused_encode(&refused, out);
        case WIRE_STATE:
                return wire_state_encode(&state, 1, out);
        case WIRE_RESULT:
                return wire_result_encode(&result, 1, out);
        case WIRE_PING:
                return wire_ping_encode(UINT64_C(0x0102030405060708), out);
        case WIRE_PONG:
                return wire_pong_encode(UINT64_MAX, out);
        case WIRE_BYE:
                return wire_bye_encode(&bye, out);
        case _WIRE_TYPE_END:
                break;
        }
        return -1;
}

void sample_frame(WireType type, Buffer *out) {
        ck_assert_msg(encode(type, out) == 0, "%s can be encoded", wire_type_name((uint8_t) type));
}
