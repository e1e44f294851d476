/* SPDX-License-Identifier: MIT */

/*
 * Step 7: what a listener is told when its VM stops.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/vm/hcs.h"

#define LIFE_WAIT_MS 30000
#define LIFE_POLL_MS 100
#define LIFE_CPU_MS  3000

/* Processor time of this process, in milliseconds. */
static uint64_t life_cpu(void) {
        FILETIME created, ended, kernel, user;

        if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
                return 0;
        return (((uint64_t) kernel.dwHighDateTime << 32 | kernel.dwLowDateTime) +
                ((uint64_t) user.dwHighDateTime << 32 | user.dwLowDateTime)) /
               10000;
}

/* @ended: the accept. One that still waits has its socket and its result, so no other one can have
 * them. */
static void life_after(Step *s, Accept *a, bool ended, uint64_t began) {
        uint64_t cpu = life_cpu();

        if (ended)
                step_line(s, "life.next", "AcceptEx", step_pending_again(a), began,
                          "the next accept of that listener (997 means that it waits)");
        else
                step_skip(s, "life.next", "AcceptEx", "the accept before it still waits");
        (void) step_pause(s, step_limit(LIFE_CPU_MS));
        step_line(s, "life.cpu", "GetProcessTimes", 0, began,
                  "processor time in 3 s with that listener: %lu ms",
                  (unsigned long) (life_cpu() - cpu));
}

/* Whether the list of VMs is there and no longer has @vm, which may take a moment. */
static bool life_is_gone(const Step *s, const Vm *vm) {
        ULONGLONG end = GetTickCount64() + step_limit(LIFE_WAIT_MS);

        do {
                VmList list;

                if (hcs_list(&list) == 0 && !vm_list_find(&list, &vm->id))
                        return true;
        } while (GetTickCount64() < end && step_pause(s, LIFE_POLL_MS));
        return false;
}

/* Only the end of the VM itself decides: 'wsl --shutdown' may fail, or take its time. Whoever
 * connects before it ends the accept, too. What else does is worth knowing. */
static void life_pending(Step *s, bool gone, bool ended, DWORD error, uint64_t began) {
        static const char key[] = "life.pending", api[] = "AcceptEx";

        if (!gone && ended && error != 0)
                step_line(s, "life.early", api, error, began,
                          "how the accept has ended although the VM is still in the list");
        if (!gone)
                step_skip(s, key, api, "the list of VMs does not show that the VM has gone");
        else if (ended && error == 0)
                step_skip(s, key, api, "a distro has connected before the VM has gone");
        else if (ended)
                step_line(s, key, api, error, began, "how the accept that waited has ended");
        else
                step_line(s, key, api, 0, began, "the accept still waits after the VM has gone");
}

/* WSL is shut down while an accept waits. */
static void life_watch(Step *s, const Vm *vm) {
        uint64_t began = step_clock();
        Child child = CHILD_NULL;
        bool gone, ended;
        DWORD error;
        Accept *a = step_pending_new(&vm->id, &error);

        if (!a) {
                step_line(s, "life.listen", "AcceptEx", error, began, "-");
                return;
        }
        child_run(s, L"wsl.exe", L"--shutdown", "", LIFE_WAIT_MS, &child);
        step_line(s, "life.shutdown", "wsl.exe", child_error(&child), began,
                  "shutting WSL down has ended with exit code %lu", child.exit_code);
        child_done(&child);
        gone = life_is_gone(s, vm);
        ended = step_pending_ended(s, a, gone ? LIFE_WAIT_MS : 0, &error);
        life_pending(s, gone, ended, error, began);
        life_after(s, a, ended, began);
        step_pending_free(a);
}

void step_life(Step *s) {
        Vm vm;

        if (!step_options(s)->shutdown)
                step_skip(s, "life.pending", "AcceptEx",
                          "this shuts WSL down, so it needs the option --shutdown");
        else if (step_find_vm(s, "life.pending", &vm))
                life_watch(s, &vm);
}
