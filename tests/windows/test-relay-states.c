/* SPDX-License-Identifier: MIT */

/*
 * The states of the relay's service, as test-service.c has it for the helper's.
 */

#include "tests/windows/fake-service-manager.h"

#include "windows-helper/relay/service.c"

struct Relay {
        FakeProgram program; /* the first member */
};

int relay_new(Relay **ret_relay, const RelayOptions *options) {
        *ret_relay = (Relay *) fake_new();
        return 0;
}

int relay_run(Relay *r) {
        return fake_run();
}

Relay *relay_free(Relay *r) {
        fake_free(&r->program);
        return NULL;
}

void relay_control(Relay *r, RelayControl control) {
        fake_controlled(&r->program);
}

static void run_service(bool race, void (*in_state)(void)) {
        RelayOptions options = {0};

        fake_prepare(race, in_state);
        (void) relay_service_run(&options);
}

static void walk(void) {
        static const FakeControl table[] = {
                {SERVICE_CONTROL_INTERROGATE, 0, {0, 0, 0}, {0, 0, 0}},
                {SERVICE_CONTROL_PARAMCHANGE, 0, {0, 0, 0}, {0, 1, 0}},
                {SERVICE_CONTROL_POWEREVENT, 0, {120, 120, 120}, {0, 0, 0}},
                {SERVICE_CONTROL_STOP, 0, {1061, 0, 1061}, {0, 1, 0}},
                {SERVICE_CONTROL_SHUTDOWN, 0, {1061, 0, 1061}, {0, 1, 0}},
        };

        fake_walk(table, ARRAYSIZE(table));
}

int main(void) {
        fake_check_states(run_service, walk);
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
