/* SPDX-License-Identifier: MIT */

/*
 * Log lines that anybody in a guest can cause as often as he likes, or that what somebody has left
 * behind causes again and again: there are a few of them, and a count of the others. Each case
 * prints a line.
 */

#include "tests/windows/fake-firewall.h"
#include "windows-helper/host/firewall-com.h"
#include "windows-helper/net/stream.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAUSES 1000

static struct {
        unsigned n;
        char last[2][LOG_LINE_MAX]; /* the newest line first */
} lines;
static int n_failed;

static void take_line(void *userdata, const char *line) {
        lines.n++;
        memcpy(lines.last[1], lines.last[0], sizeof(lines.last[1]));
        (void) snprintf(lines.last[0], sizeof(lines.last[0]), "%s", line);
}

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        if (!good)
                printf("    %u lines, the last: %s | %s\n", lines.n, lines.last[1], lines.last[0]);
        n_failed += !good;
}

/* A refill may come while the test runs. */
static bool few(void) {
        return lines.n >= LOG_BURST && lines.n <= LOG_BURST + 4;
}

static void test_count(void) {
        LogLimit limit = LOG_LIMIT_NULL;

        memset(&lines, 0, sizeof(lines));
        for (int i = 0; i < LOG_BURST + 7; i++)
                if (log_may(&limit))
                        log_write(LOG_LEVEL_WARNING, "a line");
        check("as many lines as may come at once", lines.n == LOG_BURST);
        limit.since_usec -= LOG_LIMIT_REFILL_USEC;
        if (log_may(&limit))
                log_write(LOG_LEVEL_WARNING, "a line");
        check("before the next one, a count of those between",
              strcmp(lines.last[1], "7 lines like the next one were left out") == 0 &&
                      strcmp(lines.last[0], "a line") == 0);
}

static void on_received(Stream *s, const uint8_t *data, size_t n) {
}

static void on_ended(Stream *s) {
}

static void test_connections_that_end_at_once(void) {
        static const StreamEvents events = {.received = on_received, .ended = on_ended};
        StreamList list = STREAM_LIST_NULL;
        Loop *loop = NULL;
        unsigned n = 0;

        memset(&lines, 0, sizeof(lines));
        (void) loop_new(&loop);
        for (int i = 0; i < CAUSES; i++) {
                SOCKET s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                                      WSA_FLAG_OVERLAPPED); /* not connected: it cannot be read */
                Stream *stream = NULL;

                n += stream_new(&stream, &list, loop, s, &events, NULL) < 0;
        }
        loop_free(loop);
        check("connections that end before they are read", n == CAUSES && few());
}

static void test_a_key_that_refuses(void) {
        wchar_t path[400] = L"SOFTWARE\\";
        RegistryKey key = REGISTRY_KEY_INIT(path);
        unsigned n = 0;

        memset(&lines, 0, sizeof(lines));
        for (size_t i = wcslen(path); i < ARRAYSIZE(path) - 1; i++)
                path[i] = L'x'; /* too long for the name of a key */
        for (int i = 0; i < CAUSES; i++)
                n += registry_set_string(&key, "name", "data") < 0;
        check("a key that cannot be written", n == CAUSES && few());
        check("the line says which", strstr(lines.last[0], "Cannot create key 'HKLM\\SOFTWARE"));
}

/* What somebody has left in place of a key is looked at for each HELLO. */
static void test_a_key_that_is_none(void) {
        KeyStore store = KEY_STORE_INIT;
        uint8_t key[WIRE_KEY_SIZE];
        unsigned n = 0;
        HKEY hkey;

        memset(&lines, 0, sizeof(lines));
        if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge\\Keys", 0, NULL, 0,
                            KEY_ALL_ACCESS, NULL, &hkey, NULL) == ERROR_SUCCESS)
                (void) RegSetValueExW(hkey, L"nobody", 0, REG_SZ, (const BYTE *) L"x", 4);
        for (int i = 0; i < CAUSES; i++)
                n += key_store_find(&store, "nobody", key) == -EINVAL;
        (void) RegDeleteValueW(hkey, L"nobody");
        (void) RegCloseKey(hkey);
        check("a key of another type", n == CAUSES && few());
}

/* A guest may ask for a thousand rules, and they are tried every 30 seconds. */
static void test_a_firewall_that_refuses_one_by_one(void) {
        const FirewallRule rule = {.listen = {{IP_FAMILY_V4, {0}}, 2222},
                                   .profiles = WIRE_PROFILE_PRIVATE,
                                   .service = "web"};
        FirewallChange addition = {FIREWALL_ADD, &rule};
        FirewallCom *com = NULL;
        FirewallStore store;
        unsigned n = 0;

        memset(&lines, 0, sizeof(lines));
        (void) firewall_com_new(&com, &store);
        (void) fake_firewall_register();
        for (int i = 0; i < CAUSES; i++) {
                fake_firewall_reset(); /* it has room for a few rules only */
                fake_firewall.fail_after = 0;
                n += store.change(store.userdata, &addition) < 0;
        }
        firewall_com_free(com);
        check("a firewall that refuses rule by rule", n == CAUSES && few());
}

int main(void) {
        WSADATA wsa;

        (void) WSAStartup(MAKEWORD(2, 2), &wsa);
        log_to_function(take_line, NULL);
        test_count();
        test_connections_that_end_at_once();
        test_a_key_that_refuses();
        test_a_key_that_is_none();
        test_a_firewall_that_refuses_one_by_one();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
