/* SPDX-License-Identifier: MIT */

/* Which state a service has without an answer of the helper, in every mode and with every version
 * of the protocol. */

#include "agent/guest/mode-state.h"
#include "protocol/wire/wire.h"
#include "tests/unit/agent/testing.h"

#include <string.h>

#define NOBODY 0 /* no session */

static const struct {
        uint8_t mode, version;
        bool own; /* the helper's answer does not count */
        uint8_t state;
        uint16_t reason;
        const char *says;
} cases[] = {
        {WIRE_MODE_UNKNOWN, NOBODY, true, WIRE_SERVICE_PENDING, 0, "not connected"},
        {WIRE_MODE_UNKNOWN, 1, false, WIRE_SERVICE_PENDING, 0, ""},
        {WIRE_MODE_UNKNOWN, 2, false, WIRE_SERVICE_PENDING, 0, ""},
        {WIRE_MODE_NAT, NOBODY, true, WIRE_SERVICE_PENDING, 0, "not connected"},
        {WIRE_MODE_NAT, 1, false, WIRE_SERVICE_PENDING, 0, ""},
        {WIRE_MODE_NAT, 2, false, WIRE_SERVICE_PENDING, 0, ""},
        {WIRE_MODE_MIRRORED, NOBODY, true, WIRE_SERVICE_PENDING, 0,
         "the helper, which opens the port in Windows Firewall in networking mode mirrored, is not "
         "connected"},
        {WIRE_MODE_MIRRORED, 1, true, WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE,
         "the helper (wslbridge 0.1.0) is too old to open ports in this mode; update"},
        {WIRE_MODE_MIRRORED, 2, false, 0, 0, NULL},
        {WIRE_MODE_VIRTIOPROXY, NOBODY, true, WIRE_SERVICE_PENDING, 0, "virtioproxy"},
        {WIRE_MODE_VIRTIOPROXY, 1, true, WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE,
         "virtioproxy"},
        {WIRE_MODE_VIRTIOPROXY, 2, false, 0, 0, NULL},
        {WIRE_MODE_BRIDGED, NOBODY, true, WIRE_SERVICE_ACTIVE, WIRE_REASON_DIRECT,
         "at the guest's own address, 192.168.1.7, port 22, 3000-3010"},
        {WIRE_MODE_BRIDGED, 1, true, WIRE_SERVICE_ACTIVE, WIRE_REASON_DIRECT, "192.168.1.7"},
        {WIRE_MODE_BRIDGED, 2, true, WIRE_SERVICE_ACTIVE, WIRE_REASON_DIRECT, "192.168.1.7"},
        {WIRE_MODE_NONE, NOBODY, true, WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE,
         "no network"},
        {WIRE_MODE_NONE, 1, true, WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE,
         "no network"},
        {WIRE_MODE_NONE, 2, true, WIRE_SERVICE_WITHDRAWN, WIRE_REASON_NETWORKING_MODE,
         "no network"},
};

static const WireListen listens[] = {{.port = 2222, .count = 1, .connect_port = 22},
                                     {.port = 8000, .count = 11, .connect_port = 3000},
                                     {.port = 80, .count = 1, .connect_port = 80},
                                     {.port = 81, .count = 1, .connect_port = 81},
                                     {.port = 82, .count = 1, .connect_port = 82}};

START_TEST(test_table) {
        const IpAddr address = ip_v4(192, 168, 1, 7);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ModeSituation s = {cases[i].mode, wire_mode_reach(cases[i].mode), cases[i].version,
                                   "wslbridge 0.1.0", &address};
                ModeState state;

                ck_assert_msg(mode_state(&s, listens, 2, &state) == cases[i].own, "case %zu", i);
                if (!cases[i].says) /* until the answer comes, nothing is said about it */
                        continue;
                ck_assert_msg(state.state == cases[i].state && state.reason == cases[i].reason &&
                                      strstr(state.text, cases[i].says),
                              "case %zu: %s", i, state.text);
        }
}
END_TEST

START_TEST(test_own_address) {
        IpAddr address = {.family = IP_FAMILY_NONE};
        ModeSituation s = {WIRE_MODE_BRIDGED, WIRE_REACH_OWN, 2, "", &address};
        ModeState state;

        ck_assert(mode_state(&s, listens, 5, &state));
        ck_assert_uint_eq(state.state, WIRE_SERVICE_WITHDRAWN);
        ck_assert_uint_eq(state.reason, WIRE_REASON_NO_ADDRESS);
        address = ip_v4(10, 0, 0, 1);
        ck_assert(mode_state(&s, listens, 5, &state));
        ck_assert_ptr_nonnull(
                strstr(state.text, "10.0.0.1, port 22, 3000-3010, 80, 81 and 1 more"));
}
END_TEST

/* A guest of plain Hyper-V knows from the helper that it is at its own address, and then the helper
 * need not be there. */
START_TEST(test_outside) {
        const IpAddr address = ip_v4(192, 168, 1, 7);
        ModeSituation s = {WIRE_MODE_UNKNOWN, WIRE_REACH_OWN, NOBODY, "", &address};
        ModeState state;

        ck_assert(mode_state(&s, listens, 1, &state));
        ck_assert_uint_eq(state.state, WIRE_SERVICE_ACTIVE);
        ck_assert_uint_eq(state.reason, WIRE_REASON_DIRECT);
        ck_assert_ptr_nonnull(strstr(state.text, "192.168.1.7, port 22"));
        for (uint8_t mode = 0; mode < _WIRE_MODE_END; mode++)
                ck_assert_uint_eq(wire_place_reach(mode, WIRE_PLACE_OUTSIDE),
                                  mode == WIRE_MODE_UNKNOWN ? WIRE_REACH_OWN
                                                            : wire_mode_reach(mode));
}
END_TEST

START_TEST(test_header) {
        WireService service = {.n_listens = 1};
        ModeState state = {.reason = 999};

        for (unsigned reach = 0; reach < _WIRE_REACH_END; reach++) {
                service.options[WIRE_OPTION_CLIENT_ADDRESS] = WIRE_CLIENT_ADDRESS_HIDDEN;
                ck_assert(!mode_stops_header((WireReach) reach, &service, &state));
                service.options[WIRE_OPTION_CLIENT_ADDRESS] = WIRE_CLIENT_ADDRESS_PROXY_V2;
                ck_assert(mode_stops_header((WireReach) reach, &service, &state) ==
                          (reach == WIRE_REACH_OWN));
        }
        ck_assert_uint_eq(state.state, WIRE_SERVICE_REFUSED);
        ck_assert_uint_eq(state.reason, WIRE_REASON_NO_RELAY);
}
END_TEST

/* Only where the helper forwards is there a single peer to admit. */
START_TEST(test_loopback) {
        for (uint8_t mode = 0; mode < _WIRE_MODE_END; mode++) {
                WireReach reach = wire_mode_reach(mode);
                bool stops = reach != WIRE_REACH_FORWARDED && reach != WIRE_REACH_NONE;
                WireService service = {.n_listens = 1};
                ModeState state = {.reason = 999};

                ck_assert(!mode_stops_loopback(reach, mode, &service, &state));
                service.options[WIRE_OPTION_CONNECT] = WIRE_CONNECT_LOOPBACK;
                ck_assert(mode_stops_loopback(reach, mode, &service, &state) == stops);
                ck_assert_uint_eq(state.reason, stops ? WIRE_REASON_NETWORKING_MODE : 999);
                if (!stops)
                        continue;
                ck_assert_uint_eq(state.state, WIRE_SERVICE_WITHDRAWN);
                ck_assert_ptr_nonnull(strstr(state.text, wire_mode_name(mode)));
                ck_assert_uint_lt(strlen(state.text), WIRE_TEXT_MAX);
                ck_assert(mode_stops_loopback(WIRE_REACH_OWN, WIRE_MODE_UNKNOWN, &service, &state));
                ck_assert_ptr_nonnull(strstr(state.text, "a network of other machines: clients"));
        }
}
END_TEST

START_TEST(test_words) {
        for (uint8_t mode = 0; mode < _WIRE_MODE_END; mode++)
                ck_assert_uint_eq(mode_by_name(wire_mode_name(mode)), mode);
        for (unsigned reach = 0; reach < _WIRE_REACH_END; reach++) {
                WireReach parsed;

                ck_assert((*reach_meaning((WireReach) reach) == '\0') ==
                          (reach == WIRE_REACH_FORWARDED));
                ck_assert_int_eq(wire_reach_parse(wire_reach_name((WireReach) reach), &parsed), 0);
                ck_assert_uint_eq(parsed, reach);
                ck_assert_int_lt(wire_reach_parse("", &parsed), 0);
        }
        ck_assert_uint_eq(mode_by_name("consomme"), WIRE_MODE_UNKNOWN);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("mode-state");

        tcase_add_test(t, test_table);
        tcase_add_test(t, test_own_address);
        tcase_add_test(t, test_outside);
        tcase_add_test(t, test_header);
        tcase_add_test(t, test_loopback);
        tcase_add_test(t, test_words);
        return test_run(t, "mode-state");
}
