/* SPDX-License-Identifier: MIT */

/*
 * Step 4: what the registry and the Event Log tell of virtual machines, and how soon. The user's
 * pass starts a distro for it, if no VM runs yet.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/child.h"
#include "windows-helper/vm/hcs.h"
#include "windows-helper/vm/vms.h"

#include <winevt.h>

#define STORE_CHANNEL  L"Microsoft-Windows-Hyper-V-Compute-Operational"
#define STORE_WAIT_MS  30000
#define STORE_START_MS 60000
#define STORE_VM_MS    60000 /* until the user's distro has started */
#define STORE_POLL_MS  200
#define STORE_HELD_MS  1000 /* for a program that cannot run to end */

typedef struct StoreWatch {
        HKEY key;
        HANDLE changed, logged; /* events */
        EVT_HANDLE events;
        BOOL(WINAPI *close)(EVT_HANDLE);
        bool armed, subscribed;
} StoreWatch;

/* Return: 1 or 0, or negative errno. */
static int store_ask(void) {
        VmList list;
        int r = hcs_list(&list);

        for (size_t i = 0; r == 0 && i < list.n; i++)
                if (list.items[i].wsl)
                        return 1;
        return r;
}

static bool store_vm_runs(void) {
        return store_ask() > 0;
}

/* A distro takes its time to start. Without a list, or when no program in it runs, waiting is in
 * vain. @program: its process; NULL: it is the user's pass's. */
static void store_wait(Step *s, HANDLE program) {
        uint64_t began = step_clock(), end = began + step_limit(STORE_VM_MS) * 1000ULL;
        int r = store_ask();

        while (r == 0 && (program || step_options(s)->held) && step_clock() < end &&
               step_pause(s, STORE_POLL_MS)) {
                if (program && WaitForSingleObject(program, 0) == WAIT_OBJECT_0)
                        break;
                r = store_ask();
        }
        if (r >= 0)
                step_line(s, "store.vm", "HcsEnumerateComputeSystems", r == 0, began,
                          "a VM of WSL is in the list: %s", r > 0 ? "yes" : "no");
}

/* The key, and how many systems it has. */
static void store_look(Step *s, bool vm_runs) {
        uint64_t began = step_clock();
        DWORD n = 0;
        HKEY key;
        LSTATUS error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, VMS_STORE_KEY, 0, KEY_READ, &key);

        if (error == ERROR_SUCCESS) {
                error = RegQueryInfoKeyW(key, NULL, NULL, NULL, &n, NULL, NULL, NULL, NULL, NULL,
                                         NULL, NULL);
                (void) RegCloseKey(key);
        }
        step_line(s, "store.key", "RegOpenKeyExW", (DWORD) error, began,
                  "VolatileStore, systems in it: %lu", n);
        if (vm_runs)
                step_line(s, "store.lists", "", n == 0, began,
                          "a VM runs, and the registry lists one: %s", n > 0 ? "yes" : "no");
}

/* The key may not exist yet; then its parent is watched. */
static void store_arm(Step *s, StoreWatch *w) {
        const DWORD what = REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET;
        uint64_t began = step_clock();
        LSTATUS error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, VMS_STORE_KEY, 0, KEY_NOTIFY, &w->key);

        if (error != ERROR_SUCCESS)
                error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, VMS_STORE_PARENT, 0, KEY_NOTIFY, &w->key);
        w->changed = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (error == ERROR_SUCCESS)
                error = RegNotifyChangeKeyValue(w->key, TRUE, what, w->changed, TRUE);
        w->armed = error == ERROR_SUCCESS;
        step_line(s, "store.arm", "RegNotifyChangeKeyValue", (DWORD) error, began, "VolatileStore");
}

static void store_subscribe(Step *s, StoreWatch *w) {
        EVT_HANDLE(WINAPI * subscribe)
        (EVT_HANDLE, HANDLE, LPCWSTR, LPCWSTR, EVT_HANDLE, PVOID, EVT_SUBSCRIBE_CALLBACK, DWORD);
        uint64_t began = step_clock();

        if (!step_function(s, "store.events", L"wevtapi.dll", "EvtSubscribe", &subscribe) ||
            !step_function(s, "store.events", L"wevtapi.dll", "EvtClose", &w->close))
                return;
        w->logged = CreateEventW(NULL, TRUE, FALSE, NULL);
        w->events = subscribe(NULL, w->logged, STORE_CHANNEL, L"*", NULL, NULL, NULL,
                              EvtSubscribeToFutureEvents);
        w->subscribed = w->events != NULL;
        (void) ResetEvent(w->logged);
        step_line(s, "store.events", "EvtSubscribe", w->events ? 0 : GetLastError(), began,
                  "log Hyper-V-Compute-Operational");
}

static void store_release(StoreWatch *w) {
        if (w->events)
                (void) w->close(w->events);
        if (w->key)
                (void) RegCloseKey(w->key);
        if (w->changed)
                (void) CloseHandle(w->changed);
        if (w->logged)
                (void) CloseHandle(w->logged);
}

typedef struct StoreStart {
        const Step *step;
        Child child;
} StoreStart;

static DWORD WINAPI store_start(void *parameter) {
        StoreStart *start = parameter;

        child_run(start->step, L"wsl.exe", L"--exec true", "", STORE_START_MS, &start->child);
        return 0;
}

/* A distro starts in another thread. What comes first? */
static void store_watch(Step *s, StoreWatch *w, const StoreStart *start, HANDLE thread,
                        uint64_t began) {
        bool changed = !w->armed, logged = !w->subscribed, listed = false;

        while (!(changed && logged && listed) && step_clock() - began < STORE_WAIT_MS * 1000ULL &&
               step_pause(s, 20)) {
                if (WaitForSingleObject(thread, 0) == WAIT_OBJECT_0 &&
                    (child_error(&start->child) != ERROR_SUCCESS || start->child.exit_code != 0))
                        return; /* nothing starts */
                if (!changed && WaitForSingleObject(w->changed, 0) == WAIT_OBJECT_0) {
                        changed = true;
                        step_line(s, "store.notify", "RegNotifyChangeKeyValue", 0, began,
                                  "the registry has changed");
                }
                if (!logged && WaitForSingleObject(w->logged, 0) == WAIT_OBJECT_0) {
                        logged = true;
                        step_line(s, "store.logged", "EvtSubscribe", 0, began, "an event has come");
                }
                if (!listed && store_vm_runs()) {
                        listed = true;
                        step_line(s, "store.hcs", "HcsEnumerateComputeSystems", 0, began,
                                  "the VM is in the list");
                }
        }
        if (listed && !changed)
                step_line(s, "store.notify", "RegNotifyChangeKeyValue", 1, began,
                          "a VM has started without a notification");
}

static void store_with_a_start(Step *s) {
        StoreWatch w = {.key = NULL};
        StoreStart start = {s, CHILD_NULL};
        uint64_t began;
        HANDLE thread;

        store_arm(s, &w);
        store_subscribe(s, &w);
        began = step_clock();
        thread = CreateThread(NULL, 0, store_start, &start, 0, NULL);
        if (thread) {
                /* The key is watched for as long as this thread lives (fact 9.3.6). */
                store_watch(s, &w, &start, thread, began);
                (void) WaitForSingleObject(thread, INFINITE);
                (void) CloseHandle(thread);
                step_line(s, "store.start", "wsl.exe", child_error(&start.child), began,
                          "starting a distro has ended with exit code %lu", start.child.exit_code);
        }
        child_done(&start.child);
        store_release(&w);
}

/* A VM stops soon after the last client of its distros (fact 7.1.2), long before the service of the
 * second pass looks for it. So one stays until then: it waits at a pipe that the caller keeps open.
 * The client before it, if any, may have been told of a shutdown and not have ended yet. */
void step_hold(Step *s) {
        ChildPipes *distro = step_options(s)->distro, held;
        uint64_t began = step_clock();
        DWORD error, code;

        child_let_go(distro);
        error = child_hold(L"wsl.exe", L"--exec cat", &held);
        if (!step_is_open(s)) { /* nobody would look there any more */
                child_let_go(&held);
                return;
        }
        *distro = held;
        if (error == ERROR_SUCCESS)
                store_wait(s, held.process);
        if (error != ERROR_SUCCESS || !step_pause(s, STORE_HELD_MS) || child_is_held(&held, &code))
                step_line(s, "store.hold", "wsl.exe", error, began,
                          "a program of the default distro, with which its VM runs on");
        else
                step_line(s, "store.hold", "wsl.exe", code ? code : 1, began,
                          "a program of the default distro has ended by itself, with exit code %lu",
                          code);
}

void step_store(Step *s) {
        bool runs;

        if (step_options(s)->pass == SELFTEST_SERVICE)
                store_wait(s, NULL);
        runs = store_vm_runs();
        if (step_options(s)->pass == SELFTEST_USER && !runs)
                store_with_a_start(s);
        else
                step_skip(s, "store.notify", "RegNotifyChangeKeyValue", "%s",
                          runs ? "a VM of WSL runs already; 'wsl --shutdown' before the self-test "
                                 "would let it see the start of one"
                               : "only the user's pass starts a distro");
        store_look(s, store_vm_runs());
}
