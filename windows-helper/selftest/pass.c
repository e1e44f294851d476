/* SPDX-License-Identifier: MIT */

/*
 * The table of steps, and the limit of each.
 */

#include "windows-helper/selftest/pass.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/win/log.h"

#include <stdlib.h>

#define PASS_BOTH  (1u << SELFTEST_USER | 1u << SELFTEST_SERVICE)
#define PASS_RELAY (1u << SELFTEST_RELAY)

static const struct {
        StepFn fn;
        uint32_t limit_s; /* more than the limits in it together */
        unsigned passes;  /* that have it */
} pass_steps[SELFTEST_STEPS] = {
        {step_machine, 20, PASS_BOTH},   {step_token, 10, PASS_BOTH | PASS_RELAY},
        {step_hcs, 60, PASS_BOTH},       {step_store, 120, PASS_BOTH},
        {step_hyperv, 30, PASS_BOTH},    {step_accept, 60, PASS_BOTH},
        {step_life, 120, PASS_BOTH},     {step_portproxy, 180, PASS_BOTH},
        {step_firewall, 120, PASS_BOTH}, {step_hyperv_firewall, 90, PASS_BOTH},
        {step_wsl_text, 60, PASS_BOTH},  {step_files, 30, PASS_BOTH},
        {step_sleep, 30, PASS_BOTH},     {step_nat, 90, PASS_BOTH},
        {step_lan, 60, PASS_BOTH},       {step_relay, 30, PASS_BOTH},
        {step_account, 20, PASS_RELAY},
};

#define STEP_STORE 4  /* sees a VM start */
#define STEP_LIFE  7  /* may shut it down */
#define STEP_SLEEP 13 /* takes as long as the user has asked for, in addition */
#define STEP_NAT   14 /* with a mapping, has a UDP socket on all addresses */
#define STEP_RELAY 16 /* listens on all addresses */

#define PASS_HOLD_MS 70000 /* more than the limits in it together */

static uint32_t pass_step_limit(uint8_t number, const StepOptions *options) {
        uint32_t seconds = pass_steps[number - 1].limit_s;

#ifdef WSLBRIDGE_TEST_TRANSPORT
        wchar_t text[16];

        if (GetEnvironmentVariableW(L"WSLBRIDGE_TEST_SELFTEST_STEP_S", text, ARRAYSIZE(text)) > 0)
                seconds = (uint32_t) wcstoul(text, NULL, 10);
#endif
        return (seconds + (number == STEP_SLEEP ? options->watch_s : 0)) * 1000;
}

/* A test of one step does not have to wait for the others. */
static bool pass_has(uint8_t number, SelftestPass pass) {
        bool has = (pass_steps[number - 1].passes & 1u << pass) != 0;

#ifdef WSLBRIDGE_TEST_TRANSPORT
        DWORD only, size = sizeof(only);

        if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", L"SelftestOnly",
                         RRF_RT_REG_DWORD, NULL, &only, &size) == ERROR_SUCCESS)
                has = has && number == only;
#endif
        return has;
}

uint32_t pass_limit(const StepOptions *options) {
        uint32_t sum = 0;

        for (uint8_t i = 1; i <= SELFTEST_STEPS; i++)
                if (pass_has(i, options->pass))
                        sum += pass_step_limit(i, options);
        return sum;
}

/* Whether the VM has to run on behind this step. */
static bool pass_holds(uint8_t number, const StepOptions *options) {
        return options->distro &&
               (number == STEP_STORE || (number == STEP_LIFE && options->shutdown));
}

/* Before a step that has Windows Firewall ask, unless there is a rule for this program
 * (fact 5.1.19). Nobody is asked for a service. */
static void pass_warn(uint8_t number, const StepOptions *options) {
        wchar_t exe[MAX_PATH];
        DWORD n;

        if (options->pass != SELFTEST_USER ||
            (number != STEP_RELAY && (number != STEP_NAT || !options->mapping)))
                return;
        n = GetModuleFileNameW(NULL, exe, ARRAYSIZE(exe));
        log_write(LOG_LEVEL_NOTICE,
                  "Windows Firewall may ask now whether this program may use networks. Any answer "
                  "will do. It leaves two rules, which this removes: 'netsh advfirewall firewall "
                  "delete rule name=all program=\"%s\"'",
                  n > 0 && n < ARRAYSIZE(exe) ? WIN_UTF8(exe) : "PATH");
}

static bool pass_run_all(const StepOptions *options, SelftestLines *lines, PassFn fn,
                         Buffer *left) {
        for (uint8_t i = 1; i <= SELFTEST_STEPS; i++) {
                unsigned mark = journal_mark();
                size_t from = lines->n;

                if (!pass_has(i, options->pass))
                        continue;
                pass_warn(i, options);
                (void) step_run(i, pass_steps[i - 1].fn, pass_step_limit(i, options), options,
                                lines);
                if (pass_holds(i, options))
                        (void) step_run(i, step_hold, PASS_HOLD_MS, options, lines);
                (void) journal_undo(mark, left);
                if (fn)
                        fn(lines, from);
                if (WaitForSingleObject(options->stop, 0) == WAIT_OBJECT_0)
                        return false;
        }
        return true;
}

bool pass_run(const StepOptions *options, SelftestLines *lines, PassFn fn, Buffer *left) {
        WSADATA wsa;
        bool ended;

        if (WSAStartup(MAKEWORD(2, 2), &wsa) != 0)
                return false;
        ended = pass_run_all(options, lines, fn, left);
        (void) WSACleanup();
        return ended;
}
