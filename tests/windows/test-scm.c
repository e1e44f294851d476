/* SPDX-License-Identifier: MIT */

/*
 * What we ask of the service manager, with its calls replaced: Wine keeps no security descriptor of
 * a service, starts none again after a crash, and a service that takes its time would take the
 * test's time. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define ChangeServiceConfig2W    fake_change2
#define ChangeServiceConfigW     fake_change
#define CreateServiceW           fake_create
#define OpenSCManagerW           fake_manager
#define OpenServiceW             fake_open
#define CloseServiceHandle       fake_close
#define ControlService           fake_control
#define QueryServiceStatus       fake_status
#define QueryServiceStatusEx     fake_process
#define StartServiceW            fake_start
#define SetServiceObjectSecurity fake_protect
#define Sleep                    fake_sleep
#define GetTickCount64           fake_tick

static BOOL WINAPI fake_change2(SC_HANDLE service, DWORD level, LPVOID info);
static BOOL WINAPI fake_change(SC_HANDLE service, DWORD type, DWORD start, DWORD control,
                               LPCWSTR path, LPCWSTR group, LPDWORD tag, LPCWSTR needs,
                               LPCWSTR user, LPCWSTR password, LPCWSTR title);
static SC_HANDLE WINAPI fake_create(SC_HANDLE manager, LPCWSTR name, LPCWSTR title, DWORD access,
                                    DWORD type, DWORD start, DWORD control, LPCWSTR path,
                                    LPCWSTR group, LPDWORD tag, LPCWSTR needs, LPCWSTR user,
                                    LPCWSTR password);
static SC_HANDLE WINAPI fake_manager(LPCWSTR machine, LPCWSTR database, DWORD access);
static SC_HANDLE WINAPI fake_open(SC_HANDLE manager, LPCWSTR name, DWORD access);
static BOOL WINAPI fake_close(SC_HANDLE handle);
static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status);
static BOOL WINAPI fake_status(SC_HANDLE service, LPSERVICE_STATUS ret_status);
static BOOL WINAPI fake_process(SC_HANDLE service, SC_STATUS_TYPE level, LPBYTE ret_info,
                                DWORD size, LPDWORD ret_needed);
static BOOL WINAPI fake_start(SC_HANDLE service, DWORD n, LPCWSTR *arguments);
static BOOL WINAPI fake_protect(SC_HANDLE service, SECURITY_INFORMATION what,
                                PSECURITY_DESCRIPTOR descriptor);
static void fake_sleep(DWORD ms);
static ULONGLONG fake_tick(void);

#include "windows-helper/install/scm-config.c"
#include "windows-helper/install/scm-run.c"
#include "windows-helper/install/scm.c"

#include <string.h>

/* What every user may do. */
static const DWORD test_look = SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS |
                               SERVICE_ENUMERATE_DEPENDENTS | SERVICE_INTERROGATE | READ_CONTROL;

#define HANDLE_OF(n) ((SC_HANDLE) (uintptr_t) (n))

static struct {
        bool exists, refuse;
        DWORD access;                                /* asked for the service */
        BOOL after_errors;                           /* it is restarted */
        DWORD n_actions, reset_period;               /* after a crash */
        bool keeps_actions;                          /* no array: the old ones stay */
        const wchar_t *needs;                        /* dependencies; points to what was passed */
        const wchar_t *account, *password;           /* the same */
        const wchar_t *privileges;                   /* the same */
        wchar_t name[64], command[512];              /* of the service */
        DWORD start_type, sid_type;                  /* asked for */
        BOOL waits;                                  /* its start is delayed */
        unsigned n_needs, n_protect, n_change;       /* calls */
        DWORD system, administrators, users, others; /* what the descriptor allows */
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static SC_HANDLE WINAPI fake_manager(LPCWSTR machine, LPCWSTR database, DWORD access) {
        return HANDLE_OF(1);
}

static SC_HANDLE WINAPI fake_open(SC_HANDLE manager, LPCWSTR name, DWORD access) {
        fake.access = access;
        return HANDLE_OF(2);
}

static BOOL WINAPI fake_close(SC_HANDLE handle) {
        return TRUE;
}

static void fake_note(LPCWSTR needs, DWORD start, LPCWSTR path, LPCWSTR user, LPCWSTR password) {
        fake.needs = needs;
        fake.start_type = start;
        fake.account = user;
        fake.password = password;
        if (path)
                (void) wcsncpy(fake.command, path, ARRAYSIZE(fake.command) - 1);
        fake.n_needs++;
}

static SC_HANDLE WINAPI fake_create(SC_HANDLE manager, LPCWSTR name, LPCWSTR title, DWORD access,
                                    DWORD type, DWORD start, DWORD control, LPCWSTR path,
                                    LPCWSTR group, LPDWORD tag, LPCWSTR needs, LPCWSTR user,
                                    LPCWSTR password) {
        fake_note(needs, start, path, user, password);
        (void) wcsncpy(fake.name, name, ARRAYSIZE(fake.name) - 1);
        fake.access = access;
        SetLastError(ERROR_SERVICE_EXISTS);
        return fake.exists ? NULL : HANDLE_OF(2);
}

static BOOL WINAPI fake_change(SC_HANDLE service, DWORD type, DWORD start, DWORD control,
                               LPCWSTR path, LPCWSTR group, LPDWORD tag, LPCWSTR needs,
                               LPCWSTR user, LPCWSTR password, LPCWSTR title) {
        fake_note(needs, start, path, user, password);
        return TRUE;
}

/* A restart may be ordered only with the right to start the service, which Wine does not check. */
static BOOL WINAPI fake_change2(SC_HANDLE service, DWORD level, LPVOID info) {
        if (level == SERVICE_CONFIG_FAILURE_ACTIONS && !(fake.access & SERVICE_START)) {
                SetLastError(ERROR_ACCESS_DENIED);
                return FALSE;
        }
        if (level == SERVICE_CONFIG_FAILURE_ACTIONS) {
                const SERVICE_FAILURE_ACTIONSW *actions = info;

                fake.keeps_actions = !actions->lpsaActions;
                fake.n_actions = actions->cActions;
                fake.reset_period = actions->dwResetPeriod;
        }
        if (level == SERVICE_CONFIG_FAILURE_ACTIONS_FLAG)
                fake.after_errors =
                        ((SERVICE_FAILURE_ACTIONS_FLAG *) info)->fFailureActionsOnNonCrashFailures;
        if (level == SERVICE_CONFIG_SERVICE_SID_INFO)
                fake.sid_type = ((SERVICE_SID_INFO *) info)->dwServiceSidType;
        if (level == SERVICE_CONFIG_DELAYED_AUTO_START_INFO)
                fake.waits = ((SERVICE_DELAYED_AUTO_START_INFO *) info)->fDelayedAutostart;
        if (level == SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO)
                fake.privileges =
                        ((SERVICE_REQUIRED_PRIVILEGES_INFOW *) info)->pmszRequiredPrivileges;
        fake.n_change++;
        return TRUE;
}

/* Which of the fake's members an entry of the list is about. */
static DWORD *fake_whose(PSID sid) {
        static const WELL_KNOWN_SID_TYPE types[] = {WinLocalSystemSid, WinBuiltinAdministratorsSid,
                                                    WinAuthenticatedUserSid};
        DWORD *const members[] = {&fake.system, &fake.administrators, &fake.users};

        for (size_t i = 0; i < ARRAYSIZE(types); i++)
                if (IsWellKnownSid(sid, types[i]))
                        return members[i];
        return &fake.others;
}

static BOOL WINAPI fake_protect(SC_HANDLE service, SECURITY_INFORMATION what,
                                PSECURITY_DESCRIPTOR descriptor) {
        BOOL present = FALSE, defaulted;
        PACL list = NULL;

        fake.n_protect++;
        if (fake.refuse || what != DACL_SECURITY_INFORMATION ||
            !GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) || !present ||
            !list) {
                SetLastError(ERROR_ACCESS_DENIED);
                return FALSE;
        }
        for (DWORD i = 0; i < list->AceCount; i++) {
                ACCESS_ALLOWED_ACE *ace = NULL;

                if (!GetAce(list, i, (void **) &ace) ||
                    ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE)
                        return FALSE;
                *fake_whose(&ace->SidStart) |= ace->Mask;
        }
        return TRUE;
}

#include "tests/windows/fake-service-life.h"

void log_write(LogLevel level, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(life.said, sizeof(life.said), format, args);
        va_end(args);
}

int log_win_error(DWORD error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(life.said, sizeof(life.said), format, args);
        va_end(args);
        return win_errno(error);
}

static int write_entry(ScmId id, bool exists, bool refuse) {
        memset(&fake, 0, sizeof(fake));
        fake.exists = exists;
        fake.refuse = refuse;
        return scm_write(id, L"C:\\x y.exe", L"");
}

/* Whether a list of texts, as Windows has them, is this one and no longer. */
static bool is_list(const wchar_t *list, const wchar_t *wanted, size_t n) {
        return list && wmemcmp(list, wanted, n) == 0;
}

static void test_relay(bool exists) {
        static const wchar_t wanted[] = L"SeChangeNotifyPrivilege\0";

        printf("# the relay, %s\n", exists ? "an update" : "new");
        check("its entry is made", write_entry(SCM_RELAY, exists, false) == 0);
        check("under its name", wcscmp(fake.name, L"wslbridge-relay") == 0);
        check("it runs as LocalService, which has an empty password",
              fake.account && wcscmp(fake.account, L"NT AUTHORITY\\LocalService") == 0 &&
                      fake.password && !fake.password[0]);
        check("its path is in quotes, and its arguments are behind it",
              wcscmp(fake.command, L"\"C:\\x y.exe\" run --service") == 0);
        check("it starts on demand only", fake.start_type == SERVICE_DEMAND_START);
        check("its token is restricted", fake.sid_type == SERVICE_SID_TYPE_RESTRICTED);
        check("it has the one privilege that everybody has",
              is_list(fake.privileges, wanted, ARRAYSIZE(wanted)));
        check("nothing is asked for that needs a service which starts by itself",
              fake.n_change == 5);
        check("Windows does not restart it after a crash, and no more if it did",
              fake.n_actions == 0 && fake.reset_period == 0 && !fake.keeps_actions);
        check("nor after an error", !fake.after_errors);
        check("it depends on nothing", is_list(fake.needs, L"\0", 2));
        check("users may look and nothing else", fake.users == test_look && fake.others == 0);
        check("a relay that cannot be protected is an error",
              write_entry(SCM_RELAY, exists, true) < 0);
}

static void test_entry(bool exists) {
        static const wchar_t helper_privileges[] =
                L"SeChangeNotifyPrivilege\0SeImpersonatePrivilege\0";

        printf("# %s\n", exists ? "an update" : "a new service");
        check("it succeeds", write_entry(SCM_HELPER, exists, false) == 0);
        /* NULL would mean: as they were. */
        check("no dependency, said as an empty list",
              fake.needs && fake.needs[0] == L'\0' && fake.needs[1] == L'\0');
        check("by all calls", fake.n_needs == (exists ? 2 : 1));
        check("as LocalSystem, with two privileges, and with a token that is not restricted",
              !fake.account && !fake.password && fake.sid_type == SERVICE_SID_TYPE_UNRESTRICTED &&
                      is_list(fake.privileges, helper_privileges, ARRAYSIZE(helper_privileges)));
        check("all settings are accepted", fake.n_change == 7);
        check("it starts with Windows, and not two minutes later", !fake.waits);
        check("a restart after each crash", fake.n_actions == 3 && !fake.keeps_actions);
        check("no restart after an error, before it was started", !fake.after_errors);
        check("the right to change the descriptor is asked for", fake.access & WRITE_DAC);
        check("the descriptor is set once", fake.n_protect == 1);
        check("SYSTEM and administrators may do everything",
              fake.system == SERVICE_ALL_ACCESS && fake.administrators == SERVICE_ALL_ACCESS);
        check("users may look and nothing else", fake.users == test_look);
        check("nobody else is named", fake.others == 0);
        check("a service that cannot be protected is an error",
              write_entry(SCM_HELPER, exists, true) < 0);
}

static void test_restore(void) {
        QUERY_SERVICE_CONFIGW config = {.lpDependencies = NULL};
        ScmEntry entry = {.exists = true, .config = &config};
        static wchar_t before[] = L"iphlpsvc\0";

        memset(&fake, 0, sizeof(fake));
        check("an entry without a dependency is put back without one",
              scm_restore(SCM_HELPER, &entry) == 0 && fake.needs && fake.needs[0] == L'\0');
        config.lpDependencies = before;
        check("and one with a dependency with it",
              scm_restore(SCM_HELPER, &entry) == 0 && fake.needs == before);
        check("with a restart after an error, which all versions have", fake.after_errors);
        check("but not of the relay, whose helper does it",
              scm_restore(SCM_RELAY, &entry) == 0 && !fake.after_errors);
}

static void begin(DWORD state, int start_ms, int stop_ms) {
        memset(&life, 0, sizeof(life));
        life.state = state;
        life.start_ms = start_ms;
        life.stop_ms = stop_ms;
        life.left_ms = state == SERVICE_START_PENDING ? start_ms : stop_ms;
}

static bool said(const char *text) {
        return strstr(life.said, text) != NULL;
}

static void test_stop(void) {
        printf("# stopping\n");
        begin(SERVICE_RUNNING, 0, 50000);
        check("a stop that takes its time is waited for", scm_stop(SCM_HELPER, true) == 0 &&
                                                                  life.state == SERVICE_STOPPED &&
                                                                  life.n_hand_over == 1);
        begin(SERVICE_RUNNING, 0, 1000);
        life.old = true;
        check("an old version is stopped", scm_stop(SCM_HELPER, true) == 0 && life.n_stop == 1);
        begin(SERVICE_STOPPED, 0, 0);
        check("one that is stopped is left alone",
              scm_stop(SCM_HELPER, true) == 0 && life.n_stop + life.n_hand_over == 0);
        begin(SERVICE_START_PENDING, 20000, 1000);
        check("one that is starting is asked when it runs", scm_stop(SCM_HELPER, true) == 0 &&
                                                                    life.state == SERVICE_STOPPED &&
                                                                    life.n_unheard == 0);
        begin(SERVICE_STOP_PENDING, 0, 20000);
        check("one that somebody else is stopping is waited for",
              scm_stop(SCM_HELPER, true) == 0 && life.state == SERVICE_STOPPED &&
                      life.n_unheard == 0);
        begin(SERVICE_RUNNING, 0, FOREVER);
        check("a stop without an end is an error", scm_stop(SCM_HELPER, true) == -ETIMEDOUT);
        check("that says what it does, and what to do",
              said("is still stopping after 60 s") && said("sc.exe query wslbridge-helper"));
        begin(SERVICE_START_PENDING, FOREVER, 0);
        check("so is a start without an end, when it is to be stopped",
              scm_stop(SCM_HELPER, true) == -ETIMEDOUT && said("is still starting after 60 s"));
        begin(SERVICE_RUNNING, 0, FOREVER);
        check("the relay's own name is said",
              scm_stop(SCM_RELAY, false) == -ETIMEDOUT && said("sc.exe query wslbridge-relay"));
}

static void test_start(void) {
        printf("# starting\n");
        begin(SERVICE_STOPPED, 20000, 0);
        check("a start that takes its time is waited for", scm_start(SCM_HELPER, true) == 0 &&
                                                                   life.state == SERVICE_RUNNING &&
                                                                   life.n_start == 1);
        check("and restarted after an error from then on", fake.after_errors);
        begin(SERVICE_STOPPED, 0, 0);
        check("the relay is not", scm_start(SCM_RELAY, true) == 0 && !fake.after_errors);
        fake.after_errors = FALSE;
        begin(SERVICE_RUNNING, 1000, 1000);
        check("what the service manager has started is ended first",
              scm_start(SCM_HELPER, true) == 0 && life.n_hand_over == 1 && life.n_start == 1);
        begin(SERVICE_START_PENDING, 1000, 1000);
        check("also when it is only starting",
              scm_start(SCM_HELPER, true) == 0 && life.n_hand_over == 1 && life.n_start == 1);
        begin(SERVICE_RUNNING, 1000, 1000);
        check("what was never stopped may go on",
              scm_start(SCM_HELPER, false) == 0 && life.n_hand_over == 0 && life.n_start == 0);
        begin(SERVICE_STOP_PENDING, 1000, 50000);
        check("one that is still stopping is started when it has stopped",
              scm_start(SCM_HELPER, false) == 0 && life.state == SERVICE_RUNNING &&
                      life.n_start == 1);
        begin(SERVICE_STOP_PENDING, 1000, FOREVER);
        check("one that never stops is an error",
              scm_start(SCM_HELPER, false) == -ETIMEDOUT && life.n_start == 0);
        check("that says so", said("is still stopping after 60 s"));
        begin(SERVICE_STOPPED, FOREVER, 0);
        check("so is a start without an end",
              scm_start(SCM_HELPER, true) == -ETIMEDOUT && said("is still starting after 60 s"));
        begin(SERVICE_STOPPED, 1000, 0);
        life.n_locked = 2;
        check("a service manager that is busy is asked again",
              scm_start(SCM_HELPER, true) == 0 && life.n_start == 1 && life.n_locked == 0);
        begin(SERVICE_STOPPED, 1000, 0);
        life.n_locked = 100000;
        check("not for ever", scm_start(SCM_HELPER, true) < 0 && life.n_start == 0 &&
                                      life.n_locked >= 99996 && said("Cannot start the service"));
        begin(SERVICE_STOPPED, 1000, 0);
        life.n_late = 1;
        check("one that did not begin in time is tried again",
              scm_start(SCM_HELPER, true) == 0 && life.n_start == 2);
        begin(SERVICE_STOPPED, 1000, 0);
        life.n_late = 9;
        check("once", scm_start(SCM_HELPER, true) < 0 && life.n_start == 2 &&
                              said("second attempt") && said("antivirus"));
        begin(SERVICE_STOPPED, 0, 0);
        life.refused = ERROR_ACCESS_DENIED;
        check("a denied start is an antivirus's",
              scm_start(SCM_HELPER, true) == -EACCES && said("gone or blocked"));
        begin(SERVICE_STOPPED, 1000, 0);
        life.fails = true;
        fake.after_errors = FALSE;
        check("one that ends at once is not restarted", scm_start(SCM_HELPER, true) == -ECHILD &&
                                                                said("ended at once") &&
                                                                !fake.after_errors);
}

int main(void) {
        test_stop();
        test_start();
        test_entry(false);
        test_entry(true);
        test_relay(false);
        test_relay(true);
        test_restore();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
