/* SPDX-License-Identifier: MIT */

/*
 * The states of the helper's service, with the service manager and the helper replaced: every
 * control in every state, and a control that arrives at the moment in which the service ends.
 */

#include "tests/windows/fake-service-manager.h"

#include "windows-helper/service/service.c"

struct Helper {
        FakeProgram program; /* the first member */
};

int helper_new(Helper **ret_helper, const HelperOptions *options) {
        *ret_helper = (Helper *) fake_new();
        return 0;
}

int helper_run(Helper *h) {
        return fake_run();
}

Helper *helper_free(Helper *h) {
        fake_free(&h->program);
        return NULL;
}

void helper_control(Helper *h, HelperControl control) {
        fake_controlled(&h->program);
}

static void run_service(bool race, void (*in_state)(void)) {
        HelperOptions options = {0};

        memset(&service.status, 0, sizeof(service.status));
        fake_prepare(race, in_state);
        (void) service_run(&options);
}

static void walk(void) {
        static const FakeControl table[] = {
                {SERVICE_CONTROL_INTERROGATE, 0, {0, 0, 0}, {0, 0, 0}},
                {SERVICE_CONTROL_PARAMCHANGE, 0, {0, 0, 0}, {0, 1, 0}},
                {SERVICE_CONTROL_POWEREVENT, PBT_APMRESUMEAUTOMATIC, {0, 0, 0}, {0, 1, 0}},
                {SERVICE_CONTROL_POWEREVENT, PBT_APMSUSPEND, {0, 0, 0}, {0, 0, 0}},
                {200, 0, {120, 120, 120}, {0, 0, 0}},                  /* CALL_NOT_IMPLEMENTED */
                {SERVICE_CONTROL_STOP, 0, {1061, 0, 1061}, {0, 1, 0}}, /* CANNOT_ACCEPT_CTRL */
                {SERVICE_CONTROL_PRESHUTDOWN, 0, {1061, 0, 1061}, {0, 1, 0}},
                {SERVICE_CONTROL_HAND_OVER, 0, {1061, 0, 1061}, {0, 1, 0}},
        };

        fake_walk(table, ARRAYSIZE(table));
}

int main(void) {
        fake_check_states(run_service, walk);
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
