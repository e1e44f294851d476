/* SPDX-License-Identifier: MIT */

/*
 * Step 8: port forwarding. When iphlpsvc listens, what happens to connections when rules change,
 * and what it does about a port that is taken. The rules lead to this process only.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/forwarders/iphlpsvc.h"
#include "windows-helper/install/scm.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/forward.h"
#include "windows-helper/store/ledger-store.h"

#define LISTENS_MS     5000
#define CONNECT_MS     3000
#define CUT_MS         1500
#define TAKEN_MS       2000 /* and as many times as long as the first rule has taken */
#define TAKEN_TIMES    4
#define RETRY_MS       60000
#define RETRY_OTHER_MS 2000 /* in the other pass, whose answer is the same */

static const IpAddr loopback = {IP_FAMILY_V4, {127, 0, 0, 1}};
static const IpAddr any = {IP_FAMILY_V4, {0, 0, 0, 0}};

typedef struct Proxied {
        SOCKET client, server;
} Proxied;

/* A connection through @port to the listener of this process. */
static bool portproxy_connect(SOCKET target, uint16_t port, Proxied *ret) {
        ret->server = INVALID_SOCKET;
        if (tcp_connect(NULL, &loopback, port, CONNECT_MS, &ret->client) == 0)
                ret->server = tcp_accept(target, CONNECT_MS);
        return tcp_exchange(ret->client, ret->server);
}

static void portproxy_drop(Proxied *p) {
        tcp_close(&p->client);
        tcp_close(&p->server);
}

static void portproxy_process(Step *s, uint32_t pid, uint64_t began) {
        IphlpsvcState state;

        if (pid == 0 || iphlpsvc_query(&state) < 0)
                step_skip(s, "portproxy.process", "GetExtendedTcpTable",
                          "Windows does not say which process listens");
        else
                step_line(s, "portproxy.process", "GetExtendedTcpTable", pid != state.pid, began,
                          "the listener belongs to the process of iphlpsvc: %s",
                          pid == state.pid ? "yes" : "no");
}

/* Return: whether iphlpsvc listens on the new rule; *ret_ms: how soon. */
static bool portproxy_first(Step *s, uint16_t port, uint16_t target, uint32_t *ret_ms) {
        uint64_t began = step_clock();
        uint32_t pid = 0;
        bool listens;

        if (!forward_add(s, &loopback, port, target))
                return false;
        listens = forward_wait(s, &loopback, port, 0, LISTENS_MS, &pid);
        *ret_ms = (uint32_t) ((step_clock() - began) / 1000);
        step_line(s, "portproxy.listens", "GetExtendedTcpTable", !listens, began,
                  "iphlpsvc listens on the new rule: %s", listens ? "yes" : "no");
        if (listens)
                portproxy_process(s, pid, began);
        return listens;
}

/* With a connection open, another rule comes, and the own one goes. */
static void portproxy_changes(Step *s, SOCKET listener, uint16_t port, uint16_t target) {
        uint16_t second = tcp_free_port();
        Proxied p = {INVALID_SOCKET, INVALID_SOCKET};
        uint64_t began = step_clock();
        bool works = portproxy_connect(listener, port, &p), cut;
        uint32_t pid;

        step_line(s, "portproxy.forwards", "connect", !works, began,
                  "a connection through it works: %s", works ? "yes" : "no");
        if (works && forward_add(s, &loopback, second, target)) {
                (void) forward_wait(s, &loopback, second, 0, LISTENS_MS, &pid);
                works = tcp_exchange(p.client, p.server);
                step_line(s, "portproxy.survives", "", !works, began,
                          "it survives the change of another rule: %s", works ? "yes" : "no");
                forward_remove(s, &loopback, second, target);
        }
        if (works) {
                forward_remove(s, &loopback, port, target);
                cut = tcp_is_cut(p.client, CUT_MS);
                step_line(s, "portproxy.cut", "", !cut, began,
                          "it is cut when its own rule goes: %s", cut ? "yes" : "no");
        }
        portproxy_drop(&p);
}

/* The helper has iphlpsvc read the rules again for rules of its own only (fact 4.3.7). Each of them
 * is in its ledger for as long as it may do so. Return: whether it may, which is reported. */
static bool portproxy_is_helped(Step *s, const char *key, const char *api) {
        RegistryKey ledger = REGISTRY_KEY_INIT(LEDGER_STORE_PATH);
        uint32_t n = 0, n_keys;
        uint64_t written;
        int r;

        if (!scm_is_running(SCM_HELPER))
                return false;
        r = registry_stamp(&ledger, &written, &n, &n_keys);
        registry_close(&ledger);
        if (r < 0)
                step_skip(s, key, api,
                          "the service wslbridge-helper runs, and its ledger cannot be read: %s",
                          error_text(r));
        else if (n > 0)
                step_skip(
                        s, key, api,
                        "the service wslbridge-helper has rules, and tells iphlpsvc to try again");
        return r < 0 || n > 0;
}

/* The port is free again. Beside a helper that has rules, what comes is no doing of iphlpsvc's own.
 * It may get its first rule while this waits. */
static void portproxy_free(Step *s, uint16_t port) {
        static const char key[] = "portproxy.retry", api[] = "GetExtendedTcpTable";
        bool whole = step_options(s)->pass == SELFTEST_USER, came;
        uint64_t began = step_clock();
        uint32_t pid;

        if (portproxy_is_helped(s, key, api))
                return;
        came = forward_wait(s, &loopback, port, 0, whole ? RETRY_MS : RETRY_OTHER_MS, &pid);
        /* Without the whole time, only "yes" says something. */
        if (came ? !portproxy_is_helped(s, key, api) : whole)
                step_line(s, key, api, !came, began,
                          "it listens by itself when the port is free: %s", came ? "yes" : "no");
}

/* The port is taken at first, and free later. @first_ms: iphlpsvc has listened on a rule as soon as
 * that. It must have tried this one before the port is free: else that try would be its first. */
static void portproxy_retry(Step *s, uint16_t target, uint32_t first_ms) {
        uint32_t taken_ms = first_ms * TAKEN_TIMES > TAKEN_MS ? first_ms * TAKEN_TIMES : TAKEN_MS;
        SOCKET taken = INVALID_SOCKET;
        uint64_t began = step_clock();
        uint16_t port = 0;
        uint32_t pid;
        bool came;

        if (tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &taken, &port) != 0)
                return;
        if (forward_add(s, &loopback, port, target)) {
                came = forward_wait(s, &loopback, port, 1, taken_ms, &pid);
                step_line(s, "portproxy.taken", "GetExtendedTcpTable", !came, began,
                          "iphlpsvc listens on a port that is taken: %s", came ? "yes" : "no");
                tcp_close(&taken);
                if (!came)
                        portproxy_free(s, port);
                forward_remove(s, &loopback, port, target);
        }
        tcp_close(&taken);
}

static void portproxy_bind(Step *s, const char *key, uint16_t port, int option, const char *what) {
        uint64_t began = step_clock();
        SOCKET socket;
        DWORD error = tcp_listen(&loopback, port, option, &socket, &port);

        step_line(s, key, "bind", error, began, "127.0.0.1, beside iphlpsvc on 0.0.0.0, %s", what);
        tcp_close(&socket);
}

/* WSL's relay listens on 127.0.0.1 like this (fact 4.3.4). Afterwards it comes second: then it is
 * refused (fact 4.3.12). */
static void portproxy_beside(Step *s, uint16_t target) {
        SOCKET relay = INVALID_SOCKET;
        uint64_t began = step_clock();
        uint16_t port = 0;
        uint32_t pid;
        bool listens;

        if (tcp_listen(&loopback, 0, SO_REUSEADDR, &relay, &port) != 0)
                return;
        if (forward_add(s, &any, port, target)) {
                listens = forward_wait(s, &any, port, 0, LISTENS_MS, &pid);
                step_line(s, "portproxy.beside", "GetExtendedTcpTable", !listens, began,
                          "iphlpsvc listens on 0.0.0.0 beside a listener on 127.0.0.1: %s",
                          listens ? "yes" : "no");
                tcp_close(&relay);
                if (listens) {
                        portproxy_bind(s, "portproxy.exclusive", port, SO_EXCLUSIVEADDRUSE,
                                       "with SO_EXCLUSIVEADDRUSE");
                        portproxy_bind(s, "portproxy.reuse", port, SO_REUSEADDR,
                                       "with SO_REUSEADDR");
                        portproxy_bind(s, "portproxy.plain", port, 0, "without an option");
                }
                forward_remove(s, &any, port, target);
        }
        tcp_close(&relay);
}

void step_portproxy(Step *s) {
        SOCKET listener = INVALID_SOCKET;
        uint16_t target = 0, port = tcp_free_port();
        uint32_t first_ms = 0;

        if (!forward_can_be(s, "portproxy.listens"))
                return;
        if (tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &listener, &target) != 0) {
                step_skip(s, "portproxy.listens", "bind", "no port is free");
                return;
        }
        if (portproxy_first(s, port, target, &first_ms)) {
                portproxy_changes(s, listener, port, target);
                portproxy_beside(s, target);
                portproxy_retry(s, target, first_ms);
                step_star(s);
        }
        tcp_close(&listener);
        if (step_options(s)->pass == SELFTEST_USER)
                step_netsh(s);
}
