/* SPDX-License-Identifier: MIT */

/*
 * How the helper keeps the relay running, with the service manager and the clock replaced: a crash
 * that goes on for an hour would take an hour. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdio.h>

#define CloseServiceHandle   fake_close
#define ControlService       fake_control
#define GetTickCount64       fake_now
#define OpenProcess          fake_open_process
#define QueryServiceStatusEx fake_query
#define StartServiceW        fake_start

static BOOL WINAPI fake_close(SC_HANDLE handle);
static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status);
static ULONGLONG WINAPI fake_now(void);
static HANDLE WINAPI fake_open_process(DWORD access, BOOL inherit, DWORD pid);
static BOOL WINAPI fake_query(SC_HANDLE service, SC_STATUS_TYPE level, LPBYTE ret_info, DWORD size,
                              LPDWORD ret_needed);
static BOOL WINAPI fake_start(SC_HANDLE service, DWORD n, LPCWSTR *arguments);

#include "windows-helper/forwarders/relay-service.c"

#define HOUR_MS 3600000u

/* The relay, as Windows has it. */
static struct {
        bool installed;
        DWORD state, pid;
        HANDLE end;            /* of its process; an event, which waits like a process */
        bool closed;           /* its process may not be opened */
        bool late;             /* the service manager has not noticed the end yet */
        bool shutdown;         /* Windows shuts down: no service is told anything */
        ULONGLONG now, due_ms; /* the clock; when the relay crashes next; 0: never */
        DWORD lives_ms;        /* how long each one lives; 0: for ever */
        ULONGLONG starts[128];
        unsigned n_starts, n_refused, n_stops, n_looks;
        HANDLE hangs;        /* the service manager does not answer before this event is set */
        DWORD n_looks_of_us; /* asked by the thread of the loop */
} world;

static DWORD loop_thread;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

SC_HANDLE service_open(const wchar_t *name, DWORD access, int *ret_error) {
        world.n_looks++;
        world.n_looks_of_us += GetCurrentThreadId() == loop_thread;
        if (world.hangs)
                (void) WaitForSingleObject(world.hangs, INFINITE);
        *ret_error = -ENOENT;
        return world.installed ? (SC_HANDLE) &world : NULL;
}

static BOOL WINAPI fake_close(SC_HANDLE handle) {
        return TRUE;
}

static ULONGLONG WINAPI fake_now(void) {
        return world.now;
}

static HANDLE WINAPI fake_open_process(DWORD access, BOOL inherit, DWORD pid) {
        HANDLE process;

        if (world.closed || pid != world.pid ||
            !DuplicateHandle(GetCurrentProcess(), world.end, GetCurrentProcess(), &process, 0,
                             FALSE, DUPLICATE_SAME_ACCESS))
                return NULL;
        return process;
}

static BOOL WINAPI fake_query(SC_HANDLE service, SC_STATUS_TYPE level, LPBYTE ret_info, DWORD size,
                              LPDWORD ret_needed) {
        *(SERVICE_STATUS_PROCESS *) ret_info =
                (SERVICE_STATUS_PROCESS){.dwCurrentState = world.state, .dwProcessId = world.pid};
        return TRUE;
}

static BOOL WINAPI fake_start(SC_HANDLE service, DWORD n, LPCWSTR *arguments) {
        if (world.state != SERVICE_STOPPED) { /* fact 9.1.13 */
                world.n_refused++;
                SetLastError(ERROR_SERVICE_ALREADY_RUNNING);
                return FALSE;
        }
        world.end = CreateEventW(NULL, TRUE, FALSE, NULL);
        world.state = SERVICE_RUNNING;
        world.pid = 1000 + world.n_starts;
        world.starts[world.n_starts++ % ARRAYSIZE(world.starts)] = world.now;
        world.due_ms = world.lives_ms > 0 ? world.now + world.lives_ms : 0;
        return TRUE;
}

static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status) {
        if (world.shutdown) {
                SetLastError(ERROR_SHUTDOWN_IN_PROGRESS);
                return FALSE;
        }
        if (control != SERVICE_CONTROL_STOP)
                return TRUE;
        world.n_stops++;
        (void) SetEvent(world.end);
        world.state = SERVICE_STOPPED;
        world.pid = 0;
        return TRUE;
}

void loop_gate_post(LoopGate *g, LoopOp *op) {
}

void loop_gate_close(LoopGate *g) {
}

void log_write(LogLevel level, const char *format, ...) {
}

int log_win_error(DWORD error, const char *format, ...) {
        return win_errno(error);
}

static void crash(void) {
        (void) SetEvent(world.end);
        world.due_ms = 0;
        if (world.late)
                return;
        world.state = SERVICE_STOPPED;
        world.pid = 0;
}

/* As the thread does it until @until: a step, and then a wait that the end of the relay's process
 * cuts short. Return: what the last wait was. */
static DWORD live(RelayService *s, ULONGLONG until) {
        DWORD wait = 0;

        while (world.now <= until) {
                ULONGLONG next;

                wait = relay_service_step(s);
                next = wait == INFINITE ? until + 1 : world.now + wait;
                if (world.due_ms > 0 && world.due_ms <= until &&
                    (s->process ? world.due_ms <= next : world.due_ms < next)) {
                        ULONGLONG at = world.due_ms;

                        crash();
                        next = s->process ? at : next;
                }
                world.now = next;
        }
        return wait;
}

static RelayService begin(bool wanted) {
        if (world.end)
                (void) CloseHandle(world.end);
        memset(&world, 0, sizeof(world));
        world.installed = true;
        world.state = SERVICE_STOPPED;
        world.now = HOUR_MS; /* after the start of Windows */
        return (RelayService){.wanted = wanted};
}

static void test_calm(void) {
        RelayService s = begin(true);

        printf("# nothing happens\n");
        check("it is started", live(&s, world.now + 1000) == INFINITE && world.n_starts == 1);
        world.n_looks = 0;
        world.now = 2 * HOUR_MS;
        check("while it runs, nobody looks",
              live(&s, 3 * HOUR_MS) == INFINITE && world.n_looks == 1);
        check("and who it is needs no look",
              relay_service_pid(&s) == world.pid && world.n_looks == 1);
        s.wanted = false;
        check("it is stopped when nobody needs it any more",
              live(&s, world.now + 1000) == INFINITE && world.n_stops == 1);
        world.n_looks = 0;
        check("and nobody looks from then on", live(&s, world.now + HOUR_MS) == INFINITE &&
                                                       world.n_looks == 1 && world.n_starts == 1);
        world.installed = false;
        check("nor where there is none", relay_service_step(&s) == INFINITE);
        s.wanted = true;
        check("unless it is needed", relay_service_step(&s) == RELAY_SERVICE_PAUSE_MAX_MS);
        relay_service_close(&s);
}

/* Whatever the helper asks for then is refused (fact 9.1.21). */
static void test_shutdown(void) {
        RelayService s = begin(true);

        printf("# Windows shuts down\n");
        (void) live(&s, world.now + 1000);
        world.shutdown = true;
        s.wanted = false;
        (void) live(&s, world.now + 1000);
        check("that it cannot be stopped is no error", s.told_error == ERROR_SUCCESS);
        relay_service_close(&s);
}

static bool started_after(unsigned from, const DWORD *gaps, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (world.starts[from + i + 1] - world.starts[from + i] != gaps[i])
                        return false;
        return true;
}

static void test_crashes(void) {
        /* Each lives for 10 ms. */
        static const DWORD gaps[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
        RelayService s = begin(true);

        printf("# it crashes\n");
        world.lives_ms = 70000;
        (void) live(&s, world.now + 100000);
        check("after a good minute it is started again at once",
              world.n_starts == 2 && world.starts[1] - world.starts[0] == 70000);
        relay_service_close(&s);

        s = begin(true);
        world.lives_ms = 10;
        (void) live(&s, world.now + HOUR_MS);
        check("the first one is started at once", world.starts[0] == HOUR_MS);
        check("and further ones after longer and longer pauses",
              started_after(0, gaps, ARRAYSIZE(gaps)));
        check("some sixty in an hour", world.n_starts > 60 && world.n_starts < 70);
        relay_service_close(&s);

        s = begin(true);
        world.lives_ms = 500;
        world.late = true;
        (void) live(&s, world.now + 1500);
        check("while the service manager calls it running, starting it is tried",
              world.n_starts == 1 && world.n_refused > 1);
        world.state = SERVICE_STOPPED;
        world.pid = 0;
        world.late = false;
        (void) live(&s, world.now + RELAY_SERVICE_SOON_MS);
        check("and it is started soon after that", world.n_starts == 2);
        relay_service_close(&s);
}

static void test_process(void) {
        RelayService s = begin(true);

        printf("# its process cannot be opened\n");
        world.closed = true;
        check("then it is looked at each minute",
              live(&s, world.now + 1000) == RELAY_SERVICE_PAUSE_MAX_MS);
        crash();
        (void) live(&s, world.now + RELAY_SERVICE_PAUSE_MAX_MS);
        check("and a crash is noticed", world.n_starts == 2);
        relay_service_close(&s);
}

/* The loop goes on meanwhile. */
static void test_hanging_service_manager(void) {
        RelayService *s = NULL;

        printf("# the service manager hangs\n");
        (void) begin(false);
        world.hangs = CreateEventW(NULL, TRUE, FALSE, NULL);
        world.state = SERVICE_RUNNING; /* an earlier helper has left it */
        world.pid = 1;
        world.end = CreateEventW(NULL, TRUE, FALSE, NULL);
        loop_thread = GetCurrentThreadId();
        check("there is an object", relay_service_new(&s, NULL, NULL, NULL) == 0);
        relay_service_want(s, false);
        relay_service_want(s, true);
        relay_service_want(s, false);
        check("asking for it does not wait", world.n_looks_of_us == 0 && world.n_stops == 0);
        check("nor does asking who it is", relay_service_pid(s) == 0);
        (void) SetEvent(world.hangs);
        relay_service_free(s);
        check("and in the end it has been stopped", world.n_stops == 1);
}

int main(void) {
        test_calm();
        test_shutdown();
        test_crashes();
        test_process();
        test_hanging_service_manager();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
