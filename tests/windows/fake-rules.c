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

static int rule_compare(const void *a, const void *b) {
        const Rule *x = *(Rule *const *) a, *y = *(Rule *const *) b;

        return x->family != y->family ? (x->family < y->family ? -1 : 1) : wcscmp(x->name, y->name);
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

static void rules_add(Rules *t, Loop *loop, unsigned family, const wchar_t *name,
                      const wchar_t *data) {
        Rule *r;

        if (t->n_rules == t->size) {
                t->size = t->size ? 2 * t->size : 64;
                t->rules = realloc(t->rules, t->size * sizeof(*t->rules));
        }
        r = t->rules ? calloc(1, sizeof(*r)) : NULL;
        if (!r)
                abort(); /* for a test's tool, this is better than working by halves */
        (void) wcscpy(r->name, name);
        (void) wcscpy(r->data, data);
        r->family = family;
        r->valid = endpoint_parse(name, families[family].listen, &r->listen) &&
                   endpoint_parse(data, families[family].target, &r->target);
        r->loop = loop;
        r->listener = INVALID_SOCKET;
        r->op = (LoopOp){.fn = rule_on_accepted, .userdata = r};
        t->rules[t->n_rules++] = r;
}

static void rules_read_family(Rules *t, Loop *loop, unsigned family) {
        wchar_t path[NAME_MAX], name[NAME_MAX], data[NAME_MAX + 1];
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
                rules_add(t, loop, family, name, data);
        }
        (void) RegCloseKey(key);
}

/* Merge two sorted lists: rules that stay move from @old to @new, rules that are gone are closed.
 */
static void rules_merge(Rules *old, Rules *new) {
        for (size_t i = 0, j = 0; i < old->n_rules; i++) {
                Rule *was = old->rules[i], *is;
                int order = 1;

                while (j < new->n_rules && (order = rule_compare(&new->rules[j], &was)) < 0)
                        j++;
                if (j == new->n_rules || order != 0 || !new->rules[j]->valid) {
                        rule_close(was);
                        continue;
                }
                is = new->rules[j];
                if (wcscmp(was->data, is->data) != 0) {
                        was->valid = true;
                        session_cut_all(&was->sessions);
                        (void) wcscpy(was->data, is->data);
                        was->target = is->target;
                }
                free(is);
                new->rules[j] = was;
        }
}

void fake_rules_apply(Loop *loop, unsigned most) {
        Rules new = {0};

        for (unsigned i = 0; i < ARRAYSIZE(families); i++)
                rules_read_family(&new, loop, i);
        if (new.n_rules > 0)
                qsort(new.rules, new.n_rules, sizeof(*new.rules), rule_compare);
        rules_merge(&current, &new);
        free(current.rules);
        current = new;
        for (size_t i = 0; i < new.n_rules; i++)
                rule_listen(new.rules[i], most);
}
