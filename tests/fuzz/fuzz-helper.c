/* SPDX-License-Identifier: MIT */

/*
 * What reaches the helper's core from outside: texts in the registry that anybody may have written,
 * and bytes from a peer. The first byte of the input selects: 0 a ledger entry (name, newline,
 * data), 1 a rule name or data, 2 bytes of an unpaired peer, 3 the payload of a STATE from an
 * admitted peer.
 *
 * It must not crash. What was read can be written and reads the same again. No matter what a peer
 * sends, foreign values stay, in the end nothing of ours is left, and each line of the log and each
 * text of a result may be shown.
 */

#include "tests/fuzz/tools/mutate-wire.h"
#include "tests/host/memory-host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition) {
        if (!condition)
                abort();
}

static char *to_text(const uint8_t *data, size_t n) {
        char *text = malloc(n + 1);

        require(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        return text;
}

static void fuzz_ledger(const uint8_t *data, size_t n) {
        char *name = to_text(data, n), *value = strchr(name, '\n');
        char text[LEDGER_TEXT_MAX + 1], again[LEDGER_TEXT_MAX + 1], key[RULE_TEXT_MAX];
        LedgerEntry e, e2;

        if (value) {
                *value++ = '\0';
                if (ledger_entry_parse(name, value, &e) == 0) {
                        rule_endpoint_format(&e.listen, key);
                        ledger_entry_format(&e, text);
                        require(ledger_entry_parse(key, text, &e2) == 0);
                        ledger_entry_format(&e2, again);
                        require(strcmp(text, again) == 0);
                        require(strcmp(e.owner, e2.owner) == 0);
                }
        }
        free(name);
}

static void fuzz_rule(const uint8_t *data, size_t n) {
        static const uint8_t families[] = {IP_FAMILY_NONE, IP_FAMILY_V4, IP_FAMILY_V6};
        char *text = to_text(data, n), again[RULE_TEXT_MAX];
        RuleTable t = RULE_TABLE_NULL;
        IpEndpoint e, e2;

        for (size_t i = 0; i < sizeof(families); i++) {
                if (rule_endpoint_parse(text, families[i], &e) == 0) {
                        rule_endpoint_format(&e, again);
                        require(rule_endpoint_parse(again, IP_FAMILY_NONE, &e2) == 0);
                        require(ip_endpoint_compare(&e, &e2) == 0);
                }
        }
        for (int f = 0; f < _RULE_FAMILY_END; f++)
                require(rule_table_add(&t, (RuleFamily) f, text, text) == 0);
        rule_table_sort(&t);
        rule_table_done(&t);
        free(text);
}

static int fuzz_send(void *userdata, void *handle, const uint8_t *data, size_t n) {
        return 0;
}

static void fuzz_close(void *userdata, void *handle) {
        *(bool *) handle = true;
}

static void fuzz_log(MemoryHost *m, LogLevel level, EventId event, const char *text) {
        require(text[0] && wire_text_valid((const uint8_t *) text, strlen(text)));
}

static void fuzz_guest(void *userdata, const GuestView *view) {
        for (uint32_t i = 0; view->results && i < view->state->n_services; i++) {
                const char *text = view->results[i].text;

                require(!text || wire_text_valid((const uint8_t *) text, strlen(text)));
        }
}

/* HELLO and PROOF of an agent without a key, which policy allows here. */
static void fuzz_admit(PeerConnection *c, uint64_t now) {
        WireHello hello = {.version_min = WIRE_VERSION_MIN,
                           .version_max = WIRE_VERSION_MAX,
                           .distro = "fuzz",
                           .software = "fuzz"};
        WireProof proof = {0};
        Buffer out = BUFFER_NULL;

        require(wire_hello_encode(&hello, &out) == 0 && wire_proof_encode(&proof, &out) == 0);
        controller_receive(c, buffer_bytes(&out), buffer_length(&out), now);
        buffer_done(&out);
}

static void fuzz_state(PeerConnection *c, const uint8_t *data, size_t n, uint64_t now) {
        uint8_t header[WIRE_HEADER_SIZE] = {WIRE_HEADER_FORMAT, WIRE_STATE};

        for (int i = 0; i < 4; i++)
                header[4 + i] = (uint8_t) (n >> (24 - 8 * i));
        controller_receive(c, header, sizeof(header), now);
        controller_receive(c, data, n, now);
}

static void fuzz_controller(const uint8_t *data, size_t n, bool admitted) {
        MemoryHost m;
        ControllerHost host;
        ControllerOptions options;
        PeerConnection *c;
        Controller *controller;
        bool closed = false;

        memory_host_init(&m);
        m.log = fuzz_log;
        memory_host_fill(&m, &host);
        host.connections.send = fuzz_send;
        host.connections.close = fuzz_close;
        controller_options_init(&options);
        options.unchecked_hostnet = true;
        options.mac = memory_host_mac;
        options.policy.pairing_required = false;
        memory_host_foreign(&m, RULE_V4TOV4, "0.0.0.0/80", "10.9.9.9/80");
        memory_host_foreign(&m, RULE_V6TOV4, "*/443", "not an endpoint");
        require(controller_new(&controller, &options, &host, m.now_usec) == 0);
        require(controller_connect(controller, &closed, &(Peer){0}, m.now_usec, &c) == 0);
        if (admitted) {
                fuzz_admit(c, m.now_usec);
                fuzz_state(c, data, n, m.now_usec);
        }
        for (size_t i = 0; i < n && !admitted; i += CHUNK) {
                controller_receive(c, data + i, n - i < CHUNK ? n - i : CHUNK, m.now_usec);
                controller_dispatch(controller, m.now_usec);
        }
        controller_dispatch(controller, m.now_usec);
        controller_guests(controller, fuzz_guest, NULL);
        require(controller_stop(controller, m.now_usec) == 0);
        require(closed);
        controller_disconnect(c, m.now_usec);
        controller_free(controller);
        require(m.rules.n == 2 && m.ledger.n == 0);
        require(strcmp(memory_host_rule(&m, RULE_V4TOV4, "0.0.0.0/80"), "10.9.9.9/80") == 0);
        require(strcmp(memory_host_rule(&m, RULE_V6TOV4, "*/443"), "not an endpoint") == 0);
        memory_host_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        if (n == 0)
                return 0;
        switch (data[0]) {
        case 0:
                fuzz_ledger(data + 1, n - 1);
                break;
        case 1:
                fuzz_rule(data + 1, n - 1);
                break;
        case 2:
        case 3:
                fuzz_controller(data + 1, n - 1, data[0] == 3);
                break;
        }
        return 0;
}

/* The bytes of the frame at the start of @data; one that is cut ends with them. */
static size_t frame_size(const uint8_t *data, size_t n) {
        size_t size = (size_t) data[4] << 24 | (size_t) data[5] << 16 | (size_t) data[6] << 8;

        size = WIRE_HEADER_SIZE + (size | data[7]);
        return size < n ? size : n;
}

bool fuzz_frame_place(const uint8_t *data, size_t n, unsigned choice, FramePlace *ret_place) {
        size_t at = 1;
        unsigned n_frames = 0;

        *ret_place = (FramePlace){.at = 1, .n = n - 1, .max = SIZE_MAX, .bare = true};
        if (n == 0 || data[0] != 2)
                return n > 0 && data[0] == 3;
        for (; n - at >= WIRE_HEADER_SIZE; at += frame_size(data + at, n - at))
                n_frames++;
        if (n_frames == 0)
                return false;
        at = 1;
        for (choice %= n_frames; choice > 0; choice--)
                at += frame_size(data + at, n - at);
        *ret_place = (FramePlace){.at = at, .n = frame_size(data + at, n - at), .max = SIZE_MAX};
        return true;
}
