/* SPDX-License-Identifier: MIT */

/*
 * What Windows may refuse and Wine never does, with the calls replaced: a key of the registry that
 * is closed to us, a control while Windows shuts down; and the mark of a file from the Internet,
 * which Wine's files do not have. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CloseServiceHandle  fake_close
#define ControlService      fake_control
#define CopyFileW           fake_copy
#define DeleteFileW         fake_delete
#define QueryServiceConfigW fake_config
#define RegOpenKeyExW       fake_open
#define SetFileAttributesW  fake_attributes
#define TEST_KEY            L"SOFTWARE\\wslbridge-test-refused"

static BOOL WINAPI fake_close(SC_HANDLE handle);
static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status);
static BOOL WINAPI fake_copy(LPCWSTR from, LPCWSTR to, BOOL fail_if_exists);
static BOOL WINAPI fake_delete(LPCWSTR path);
static BOOL WINAPI fake_config(SC_HANDLE service, LPQUERY_SERVICE_CONFIGW ret_config, DWORD size,
                               LPDWORD ret_needed);
static LSTATUS WINAPI fake_open(HKEY root, LPCWSTR path, DWORD options, REGSAM access,
                                PHKEY ret_key);
static BOOL WINAPI fake_attributes(LPCWSTR path, DWORD attributes);

#include "windows-helper/forwarders/iphlpsvc.c"
#include "windows-helper/install/exchange/program-file.c"
#include "windows-helper/win/registry.c"
#include "windows-helper/win/regwatch.c"

#include "windows-helper/vm/vms.h"

static struct {
        bool closed;         /* keys may not be opened */
        bool read_only;      /* … the test's own not for writing */
        DWORD control_error; /* of a control */
        DWORD copy_error;
        unsigned n_deleted;
        wchar_t deleted[PATHS_MAX]; /* the last one */
} fake;

typedef LSTATUS(WINAPI *OpenFn)(HKEY root, LPCWSTR path, DWORD options, REGSAM access,
                                PHKEY ret_key);

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

SC_HANDLE service_open(const wchar_t *name, DWORD access, int *ret_error) {
        return (SC_HANDLE) &fake;
}

void report_done(const char *what, const wchar_t *where) {
}

void report_remark(const char *text) {
}

static BOOL WINAPI fake_close(SC_HANDLE handle) {
        return TRUE;
}

static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status) {
        SetLastError(fake.control_error);
        return fake.control_error == ERROR_SUCCESS;
}

static BOOL WINAPI fake_config(SC_HANDLE service, LPQUERY_SERVICE_CONFIGW ret_config, DWORD size,
                               LPDWORD ret_needed) {
        *ret_config = (QUERY_SERVICE_CONFIGW){.dwStartType = SERVICE_AUTO_START};
        return TRUE;
}

static BOOL WINAPI fake_copy(LPCWSTR from, LPCWSTR to, BOOL fail_if_exists) {
        SetLastError(fake.copy_error);
        return fake.copy_error == ERROR_SUCCESS;
}

static BOOL WINAPI fake_attributes(LPCWSTR path, DWORD attributes) {
        return TRUE;
}

static BOOL WINAPI fake_delete(LPCWSTR path) {
        (void) wcsncpy(fake.deleted, path, PATHS_MAX - 1);
        fake.n_deleted++;
        SetLastError(ERROR_FILE_NOT_FOUND);
        return FALSE;
}

static LSTATUS WINAPI fake_open(HKEY root, LPCWSTR path, DWORD options, REGSAM access,
                                PHKEY ret_key) {
        HMODULE library = GetModuleHandleW(L"advapi32.dll");
        OpenFn real = (OpenFn) (void (*)(void)) GetProcAddress(library, "RegOpenKeyExW");

        if (wcscmp(path, TEST_KEY) != 0)
                return fake.closed ? ERROR_ACCESS_DENIED : ERROR_FILE_NOT_FOUND;
        if (fake.read_only && (access & KEY_SET_VALUE))
                return ERROR_ACCESS_DENIED;
        return real(root, path, options, access, ret_key);
}

static void on_listed(void *userdata, const VmList *list) {
}

static bool is_connected(void *userdata, const VmId *id) {
        return false;
}

static void on_accepted(void *userdata, SOCKET socket, const Peer *peer) {
}

static void on_change(void *userdata) {
}

/* The two keys only make a look at the VMs come earlier (fact 2.2.8). */
static void test_closed_keys(void) {
        static const VmsEvents events = {on_accepted, on_listed, is_connected};
        RegWatch *watch = NULL;
        Loop *loop = NULL;
        Vms *v = NULL;

        check("there is a loop", loop_new(&loop) == 0);
        fake.closed = true;
        check("a watch of a closed key cannot be had",
              regwatch_new(&watch, loop, L"SOFTWARE", on_change, NULL) == -EACCES && !watch);
        check("VMs are looked for without it",
              vms_new(&v, loop, &transport_hyperv, &events, NULL) == 0);
        if (!v)
                return;
        vms_tick(v, loop_now_usec());
        check("at the latest after 5 s", vms_deadline(v) <= loop_now_usec() + 5000000);
        vms_close(v);
        vms_free(v);
}

/* Somebody closes a key to us, and opens it again while we run. */
static void test_rights_that_come_back(void) {
        RegistryKey k = REGISTRY_KEY_INIT(TEST_KEY);
        char text[8];

        check("there is a key", registry_set_string(&k, "a", "1") == 0);
        registry_close(&k);
        fake.read_only = true;
        check("a key that is closed for writing can be read",
              registry_get_string(&k, "a", text, sizeof(text)) == 0 && strcmp(text, "1") == 0);
        check("and not be written", registry_set_string(&k, "a", "2") == -EACCES);
        check("however often", registry_delete(&k, "a") == -EACCES);
        fake.read_only = false;
        check("when it is open again, it is written", registry_set_string(&k, "a", "2") == 0);
        registry_close(&k);
        (void) RegDeleteKeyW(HKEY_LOCAL_MACHINE, TEST_KEY);
}

/* It reads the values at its next start (fact 9.1.21). */
static void test_shutdown(void) {
        Iphlpsvc s = {.was_running = true};

        fake.control_error = ERROR_SHUTDOWN_IN_PROGRESS;
        check("while Windows shuts down, IP Helper counts as stopped",
              iphlpsvc_send_change(&s) == -ESRCH);
        check("as it does to whoever asks for the number",
              win_errno(ERROR_SHUTDOWN_IN_PROGRESS) == -ESRCH);
}

static void test_mark(void) {
        check("a copy loses the mark of a file from the Internet",
              program_try_copy(L"C:\\down.exe", L"C:\\ours.exe", 0) == ERROR_SUCCESS &&
                      fake.n_deleted == 1 &&
                      wcscmp(fake.deleted, L"C:\\ours.exe:Zone.Identifier") == 0);
        fake.copy_error = ERROR_SHARING_VIOLATION;
        check("a file that was not copied keeps it",
              program_try_copy(L"C:\\down.exe", L"C:\\ours.exe", 0) == ERROR_SHARING_VIOLATION &&
                      fake.n_deleted == 1);
}

int main(void) {
        test_closed_keys();
        test_rights_that_come_back();
        test_shutdown();
        test_mark();
        printf("%d failed\n", n_failed);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
