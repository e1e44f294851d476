/* SPDX-License-Identifier: MIT */

/*
 * Step 16: what the relay relies on with its sockets: a listener beside that of WSL's own relay, in
 * either order, and answers from the address that a client has asked.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/tcp.h"
#include "windows-helper/selftest/tools/udp.h"

#define RELAY_ANSWER_MS 400

static const IpAddr any = {IP_FAMILY_V4, {0}};

/* WSL's relay has a port on 127.0.0.1, and ours wants it on all addresses (fact 9.3.17). */
static void relay_beside(Step *s) {
        const IpAddr loopback = ip_v4(127, 0, 0, 1);
        SOCKET first = INVALID_SOCKET, second = INVALID_SOCKET;
        uint64_t began = step_clock();
        uint16_t port, same;
        DWORD error = tcp_listen(&loopback, 0, 0, &first, &port);

        if (error != 0) {
                step_line(s, "relay.first", "bind", error, began, "127.0.0.1");
                return;
        }
        began = step_clock();
        error = tcp_listen(&any, port, SO_EXCLUSIVEADDRUSE, &second, &same);
        step_line(s, "relay.exclusive", "bind", error, began,
                  "0.0.0.0 beside 127.0.0.1, with SO_EXCLUSIVEADDRUSE");
        tcp_close(&second);
        began = step_clock();
        error = tcp_listen(&any, port, 0, &second, &same);
        step_line(s, "relay.beside", "bind", error, began, "0.0.0.0 beside 127.0.0.1");
        tcp_close(&second);
        tcp_close(&first);
}

/* The other order: the relay has the port on all addresses, and WSL's relay, or a server of
 * Windows, wants it on 127.0.0.1 (fact 9.3.21); or another endpoint of ours does (fact 9.3.28). */
static void relay_later(Step *s) {
        const IpAddr loopback = ip_v4(127, 0, 0, 1);
        static const struct {
                const char *key, *what;
                int first, second;
        } cases[] = {
                {"relay.later", "SO_REUSEADDR, beside 0.0.0.0 with SO_EXCLUSIVEADDRUSE",
                 SO_EXCLUSIVEADDRUSE, SO_REUSEADDR},
                {"relay.later.plain", "SO_REUSEADDR, beside 0.0.0.0 without an option", 0,
                 SO_REUSEADDR},
                {"relay.both", "SO_EXCLUSIVEADDRUSE, beside 0.0.0.0 without an option", 0,
                 SO_EXCLUSIVEADDRUSE},
        };

        for (size_t i = 0; i < ARRAYSIZE(cases); i++) {
                SOCKET first = INVALID_SOCKET, second = INVALID_SOCKET;
                uint64_t began = step_clock();
                uint16_t port;

                if (tcp_listen(&any, 0, cases[i].first, &first, &port) != 0)
                        continue;
                step_line(s, cases[i].key, "bind",
                          tcp_listen(&loopback, port, cases[i].second, &second, &port), began,
                          "127.0.0.1 with %s", cases[i].what);
                tcp_close(&second);
                tcp_close(&first);
        }
}

/* What has come of a datagram that was sent to @to. @error: of answering. A source in 127.0.0.0/8
 * may be refused where others are not (fact 9.3.19), so it does not count. */
static void relay_judge(Step *s, SOCKET client, const IpAddr *to, uint16_t port,
                        const IpAddr *asked, DWORD error, uint64_t began) {
        bool right = asked->family != IP_FAMILY_NONE && ip_compare(asked, to) == 0;
        const char *key = ip_is_loopback(to) ? "relay.source.loopback" : "relay.source";

        step_line(s, "relay.asked", "WSARecvMsg", error && !right ? error : !right, began,
                  "which address was asked: %s",
                  right                             ? "it says so"
                  : asked->family == IP_FAMILY_NONE ? "it does not say it"
                                                    : "it says another one");
        if (error == 0) {
                right = udp_came_from(client, to, port, RELAY_ANSWER_MS);
                step_line(s, key, "WSASendMsg", !right, began,
                          "the answer comes from that address: %s", right ? "yes" : "no");
        } else if (right) {
                step_line(s, key, "WSASendMsg", error, began, "an answer");
                step_line(s, "relay.refused", "WSASendMsg", error, began,
                          "the source of the answer is refused");
        }
}

/* The client has another address than the one that it asks. Without a choice, Windows would answer
 * from the client's own (fact 9.3.14). A datagram that never comes says nothing about that. */
static void relay_answer(Step *s, SOCKET server, uint16_t port, const IpAddr addresses[2]) {
        SOCKET client = INVALID_SOCKET;
        IpAddr asked = {0};
        uint64_t began = step_clock();
        DWORD error = udp_open(&addresses[0], &client);

        if (error == 0)
                error = udp_send(client, &addresses[1], port);
        if (error != 0) {
                step_skip(s, "relay.asked", "sendto", "nothing could be sent: error %lu", error);
        } else {
                error = udp_answer(server, RELAY_ANSWER_MS, &asked);
                if (error == WSAETIMEDOUT)
                        step_skip(s, "relay.asked", "WSARecvMsg", "nothing came");
                else
                        relay_judge(s, client, &addresses[1], port, &asked, error, began);
        }
        if (client != INVALID_SOCKET)
                (void) closesocket(client);
}

void step_relay(Step *s) {
        uint64_t began = step_clock();
        IpAddr addresses[2];
        SOCKET server;
        uint16_t port;
        DWORD error;

        relay_beside(s);
        relay_later(s);
        step_backlog(s);
        if (!step_two_addresses(addresses))
                step_skip(s, "relay.source", "WSASendMsg",
                          "this host has no two addresses beside 127.0.0.0/8");
        error = udp_serve(&server, &port);
        step_line(s, "relay.message", "WSAIoctl", error, began,
                  "WSARecvMsg, WSASendMsg, IP_PKTINFO");
        if (error != 0)
                return;
        relay_answer(s, server, port, addresses);
        (void) closesocket(server);
}
