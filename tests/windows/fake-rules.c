/* SPDX-License-Identifier: MIT */

/*
 * Reading the PortProxy values and following their changes.
 */

#include "tests/windows/fake-rules.h"
#include "tests/windows/fake-session.h"

#include <mswsock.h>
#include <stdint.h>
#include <stdlib.h>
#include <ws2tcpip.h>

#define NAME_MAX 128 /* characters of names and data that can be endpoints */

typedef struct Rule {
        wchar_t name[NAME_MAX], data[NAME_MAX];
        unsigned family;
        bool valid; /* both are endpoints */
        bool found; /* the value is still there */
        SOCKADDR_STORAGE listen, target;

        Loop *loop;
        SOCKET listener, next; /* owned */
        bool accepting, closed;
        LoopOp op;
        SessionList sessions;
        uint8_t addresses[2 * (sizeof(SOCKADDR_STORAGE) + 16)];
} Rule;

typedef struct Rules {
        Rule **rules;
        size_t n_rules, size;
} Rules;

static Rules current; /* sorted */
static unsigned n_listeners;
static bool shuts, shut; /* rules with a new target lose their listener; one has */

static const struct {
        const wchar_t *key;
        int listen, target;
} families[] = {
        {L"v4tov4", AF_INET, AF_INET},
        {L"v4tov6", AF_INET, AF_INET6},
        {L"v6tov4", AF_INET6, AF_INET},
        {L"v6tov6", AF_INET6, AF_INET6},
};

/* "address/port", "*" for any address. */
static bool endpoint_parse(const wchar_t *text, int family, SOCKADDR_STORAGE *ret) {
        wchar_t address[NAME_MAX];
        const wchar_t *slash = wcschr(text, L'/');
        unsigned long port;
        wchar_t *end;

        if (!slash)
                return false;
        wcsncpy(address, text, (size_t) (slash - text));
        address[slash - text] = L'\0';
        port = wcstoul(slash + 1, &end, 10);
        if (*end || port == 0 || port > UINT16_MAX)
                return false;
        *ret = (SOCKADDR_STORAGE){.ss_family = (short) family};
        if (wcscmp(address, L"*") == 0)
                (void) wcscpy(address, family == AF_INET ? L"0.0.0.0" : L"::");
        if (family == AF_INET) {
                SOCKADDR_IN *sin = (SOCKADDR_IN *) ret;

                sin->sin_port = htons((u_short) port);
                return InetPtonW(AF_INET, address, &sin->sin_addr) == 1;
        } else {
                SOCKADDR_IN6 *sin6 = (SOCKADDR_IN6 *) ret;

                sin6->sin6_port = htons((u_short) port);
                return InetPtonW(AF_INET6, address, &sin6->sin6_addr) == 1;
        }
}

static int rule_compare_key(const Rule *r, unsigned family, const wchar_t *name) {
        return r->family != family ? (r->family < family ? -1 : 1) : wcscmp(r->name, name);
}

static int rule_compare(const void *a, const void *b) {
        const Rule *y = *(Rule *const *) b;

        return rule_compare_key(*(Rule *const *) a, y->family, y->name);
}

static void rule_accept(Rule *r);

static void rule_on_accepted(LoopOp *op, DWORD error, DWORD n_bytes) {
        Rule *r = op->userdata;

        r->accepting = false;
        if (r->closed) {
                (void) closesocket(r->next);
                free(r);
                return;
        }
        if (error != ERROR_SUCCESS || setsockopt(r->next, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                                                 (char *) &r->listener, sizeof(r->listener)) != 0)
                (void) closesocket(r->next);
        else
                session_start(&r->sessions, r->loop, r->next, &r->target);
        rule_accept(r);
}

static void rule_accept(Rule *r) {
        GUID id = WSAID_ACCEPTEX;
        static LPFN_ACCEPTEX accept_ex;
        DWORD n, size = sizeof(SOCKADDR_STORAGE) + 16;

        if (!accept_ex && WSAIoctl(r->listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id),
                                   &accept_ex, sizeof(accept_ex), &n, NULL, NULL) != 0)
                return;
        r->next = WSASocketW(r->listen.ss_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                             WSA_FLAG_OVERLAPPED);
        r->accepting =
                r->next != INVALID_SOCKET && (accept_ex(r->listener, r->next, r->addresses, 0, size,
                                                        size, &n, loop_op_prepare(&r->op)) ||
                                              WSAGetLastError() == ERROR_IO_PENDING);
}

static void rule_listen(Rule *r, unsigned most) {
        BOOL yes = TRUE;

        if (r->listener != INVALID_SOCKET || !r->valid || n_listeners >= most)
                return;
        r->listener = WSASocketW(r->listen.ss_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                                 WSA_FLAG_OVERLAPPED);
        if (r->listener == INVALID_SOCKET)
                return;
        if (r->listen.ss_family == AF_INET6) {
                (void) setsockopt(r->listener, IPPROTO_IPV6, IPV6_V6ONLY, (char *) &yes,
                                  sizeof(yes));
        }
        if (bind(r->listener, (SOCKADDR *) &r->listen, session_address_size(&r->listen)) != 0 ||
            listen(r->listener, SOMAXCONN) != 0 || loop_attach(r->loop, (HANDLE) r->listener) < 0) {
                (void) closesocket(r->listener);
                r->listener = INVALID_SOCKET;
                return;
        }
        n_listeners++;
        rule_accept(r);
}

static void rule_close(Rule *r) {
        session_cut_all(&r->sessions);
        r->closed = true;
        if (r->listener != INVALID_SOCKET) {
                (void) closesocket(r->listener);
                n_listeners--;
        }
        if (!r->accepting)
                free(r);
}

static void rules_append(Rules *t, Rule *r) {
        if (t->n_rules == t->size) {
                t->size = t->size ? 2 * t->size : 64;
                t->rules = realloc(t->rules, t->size * sizeof(*t->rules));
        }
        if (!t->rules)
                abort(); /* for a test's tool, this is better than working by halves */
        t->rules[t->n_rules++] = r;
}

static void rules_add(Rules *t, Loop *loop, unsigned family, const wchar_t *name,
                      const wchar_t *data) {
        Rule *r = calloc(1, sizeof(*r));

        if (!r)
                abort();
        (void) wcscpy(r->name, name);
        (void) wcscpy(r->data, data);
        r->family = family;
        r->valid = endpoint_parse(name, families[family].listen, &r->listen) &&
                   endpoint_parse(data, families[family].target, &r->target);
        r->found = true;
        r->loop = loop;
        r->listener = INVALID_SOCKET;
        r->op = (LoopOp){.fn = rule_on_accepted, .userdata = r};
        rules_append(t, r);
}

/* The values often come in the order of the last time, so @next, behind the last one, is tried
 * first. */
static Rule *rules_find(unsigned family, const wchar_t *name, size_t *next) {
        size_t from = 0, to = current.n_rules, i = *next < to ? *next : to / 2;

        while (from < to) {
                int order = rule_compare_key(current.rules[i], family, name);

                if (order == 0) {
                        *next = i + 1;
                        return current.rules[i];
                }
                if (order < 0)
                        from = i + 1;
                else
                        to = i;
                i = from + (to - from) / 2;
        }
        return NULL;
}

/* There is a value: keep its rule, lead it elsewhere, or make one. */
static void rules_found(Rules *added, Loop *loop, unsigned family, const wchar_t *name,
                        const wchar_t *data, size_t *next) {
        Rule *r = rules_find(family, name, next);
        SOCKADDR_STORAGE target;

        if (r && wcscmp(r->data, data) != 0) {
                r->valid = endpoint_parse(name, families[family].listen, &r->listen) &&
                           endpoint_parse(data, families[family].target, &target);
                if (!r->valid || shuts) {
                        r = NULL; /* it is closed */
                        shut = shuts;
                } else {
                        session_cut_all(&r->sessions);
                        (void) wcscpy(r->data, data);
                        r->target = target;
                }
        }
        if (r)
                r->found = true;
        else
                rules_add(added, loop, family, name, data);
}

static void rules_read_family(Rules *added, Loop *loop, unsigned family) {
        wchar_t path[NAME_MAX], name[NAME_MAX], data[NAME_MAX + 1];
        size_t next = 0;
        HKEY key;

        (void) swprintf(path, NAME_MAX, L"SYSTEM\\CurrentControlSet\\Services\\PortProxy\\%ls\\tcp",
                        families[family].key);
        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key) != ERROR_SUCCESS)
                return;
        for (DWORD i = 0;; i++) {
                DWORD n_name = NAME_MAX, n_data = NAME_MAX * sizeof(wchar_t), type;
                LSTATUS error;

                error = RegEnumValueW(key, i, name, &n_name, NULL, &type, (BYTE *) data, &n_data);
                if (error == ERROR_MORE_DATA || (error == ERROR_SUCCESS && type != REG_SZ))
                        continue; /* not a rule */
                if (error != ERROR_SUCCESS)
                        break;
                data[n_data / sizeof(wchar_t)] = L'\0';
                rules_found(added, loop, family, name, data, &next);
        }
        (void) RegCloseKey(key);
}

/* Close the rules whose values are gone, and take the new ones in. */
static void rules_renew(Rules *added) {
        size_t n = 0;

        for (size_t i = 0; i < current.n_rules; i++)
                if (current.rules[i]->found)
                        current.rules[n++] = current.rules[i];
                else
                        rule_close(current.rules[i]);
        current.n_rules = n;
        for (size_t i = 0; i < added->n_rules; i++)
                rules_append(&current, added->rules[i]);
        if (added->n_rules > 0)
                qsort(current.rules, current.n_rules, sizeof(*current.rules), rule_compare);
        free(added->rules);
}

void fake_rules_apply(Loop *loop, unsigned most, unsigned shut_ms) {
        Rules added = {0};

        shuts = shut_ms > 0;
        shut = false;
        for (size_t i = 0; i < current.n_rules; i++)
                current.rules[i]->found = false;
        for (unsigned i = 0; i < ARRAYSIZE(families); i++)
                rules_read_family(&added, loop, i);
        rules_renew(&added);
        if (shut)
                Sleep(shut_ms);
        for (size_t i = 0; i < current.n_rules && n_listeners < most; i++)
                rule_listen(current.rules[i], most);
}
