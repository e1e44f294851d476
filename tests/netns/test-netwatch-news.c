/* SPDX-License-Identifier: MIT */

/*
 * Claim: a new address is reported at once, before the kernel's tables are read, unless something
 * else has happened by then; also when it replaces one whose loss has been seen already; the loss
 * is only confirmed at the end of a window; and only so many events are answered early.
 */

#include "agent/network/throttle.h"
#include "fixture.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

static Watch w;

/* Start anew with address A and its route, also for the second time. */
static void start_again(void) {
        if (w.netwatch)
                watch_stop(&w);
        run("ip addr flush dev " WATCHED);
        watch_start_with_route(&w);
}

#define PASSES_MAX 100 /* of a test that has to be quicker than a window */

typedef struct Pace {
        uint64_t begin;
        unsigned n_again;
} Pace;

static void pace_begin(Pace *p) {
        p->begin = now_usec();
}

/* Whether a window may have ended since. Then the process, or the kernel, has waited for something
 * else on this machine, and has not made what the test is about. It makes that again. A watch that
 * is late by itself is late each time. */
static bool pace_is_lost(Pace *p) {
        if (now_usec() - p->begin < NETWATCH_WINDOW_USEC)
                return false;
        ck_assert_msg(++p->n_again < PASSES_MAX, "the watch, or this machine, is too slow");
        return true;
}

/* A message about an address that is there already, as at each renewal of a lease, does not make a
 * second one of it. */
START_TEST(test_address_again) {
        watch_start_with_route(&w);
        run("ip addr change 192.0.2.10/24 dev " WATCHED " valid_lft 900 preferred_lft 600");
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 3);
        for (unsigned i = 0; i < w.n_calls; i++) {
                ck_assert_uint_eq(w.calls[i].n_addresses, 2);
                assert_address(&w.calls[i], "192.0.2.10");
        }
        watch_stop(&w);
}
END_TEST

/* The message alone would show the address with a gateway that is no longer in force. */
START_TEST(test_address_before_a_route) {
        uint64_t n_dumps;

        watch_start_with_route(&w);
        n_dumps = watch_stats(&w).dumps;
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        run("ip route add default via 192.0.2.7 dev " WATCHED " metric 50");
        watch_settle(&w);
        ck_assert_uint_eq(w.calls[0].n_dumps, n_dumps + 1);
        for (unsigned i = 0; i < w.n_calls; i++) {
                ck_assert_uint_eq(w.calls[i].n_addresses, 3);
                assert_gateway(&w.calls[i], "192.0.2.7");
        }
        watch_stop(&w);
}
END_TEST

/* Nobody may connect to an address that is gone by the time its message is read. With so many
 * messages of something else in between, a wake-up does not get as far as the second one. */
static void check_address_gone_again(unsigned n_between) {
        watch_start_with_route(&w);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        if (n_between > 0)
                run("seq -f 'route add 198.51.100.%%g dev " WATCHED "' %u | ip -batch -",
                    n_between);
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_b, 24), 0);
        watch_settle(&w);
        ck_assert_uint_ge(w.n_calls, 1);
        for (unsigned i = 0; i < w.n_calls; i++)
                ck_assert_uint_eq(w.calls[i].n_addresses, 2);
        watch_stop(&w);
}

START_TEST(test_address_gone_again) {
        check_address_gone_again(0);
}
END_TEST

START_TEST(test_address_gone_again_in_a_storm) {
        check_address_gone_again(100);
}
END_TEST

/* The number of the watch's socket for events. */
static uint32_t events_port(void) {
        for (int fd = 3; fd < 64; fd++) {
                struct sockaddr_nl local = {0};
                socklen_t size = sizeof(local);

                if (getsockname(fd, (struct sockaddr *) &local, &size) == 0 &&
                    local.nl_family == AF_NETLINK && local.nl_groups != 0)
                        return local.nl_pid;
        }
        ck_abort_msg("no socket has joined a group");
        return 0;
}

/* Who may change the network may also send such messages, but they are not the kernel's. */
START_TEST(test_message_of_another_process) {
        struct {
                struct nlmsghdr header;
                struct ifaddrmsg address;
                struct rtattr attribute;
                uint8_t bytes[4];
        } message = {
                .header = {.nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWADDR},
                .address = {.ifa_family = AF_INET, .ifa_prefixlen = 24},
                .attribute = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL},
                .bytes = {192, 0, 2, 66},
        };
        struct sockaddr_nl to = {.nl_family = AF_NETLINK};
        NetWatchStats before, after;
        int fd;

        watch_start_with_route(&w);
        before = watch_stats(&w);
        to.nl_pid = events_port();
        message.address.ifa_index = if_nametoindex(WATCHED);
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(
                sendto(fd, &message, sizeof(message), 0, (struct sockaddr *) &to, sizeof(to)), -1);
        ck_assert_int_eq(errno, ECONNREFUSED); /* the socket is connected to the kernel */
        to = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
        ck_assert_int_eq(
                sendto(fd, &message, sizeof(message), 0, (struct sockaddr *) &to, sizeof(to)),
                sizeof(message)); /* a group lets everybody in */
        watch_settle(&w);
        after = watch_stats(&w);
        ck_assert_uint_eq(after.events, before.events);
        ck_assert_uint_eq(w.n_calls, 0);
        (void) close(fd);
        watch_stop(&w);
}
END_TEST

START_TEST(test_replace_at_once) {
        watch_start_with_route(&w);
        w.interface = WATCHED;
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 2);
        ck_assert(!w.calls[0].trailing && w.calls[1].trailing);
        assert_address(&w.calls[0], "192.0.2.20");
        assert_address(&w.calls[1], "192.0.2.20");
        watch_stop(&w);
}
END_TEST

/* The new address comes after the dump that has seen the loss. It is reported at once all the same,
 * while the loss is not yet confirmed. */
START_TEST(test_replace_within_window) {
        Pace pace = {0};

        do {
                start_again();
                w.interface = WATCHED;
                pace_begin(&pace);
                ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
                watch_calls(&w, 1);
                ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
                watch_calls(&w, 3);
        } while (pace_is_lost(&pace));
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 4);
        ck_assert_int_eq(w.calls[0].choice.problem, CHOICE_NO_ADDRESS);
        ck_assert_uint_eq(w.calls[1].n_dumps, w.calls[0].n_dumps); /* by the message alone */
        ck_assert_uint_gt(w.calls[1].event_usec, w.calls[0].event_usec);
        for (unsigned i = 1; i < w.n_calls; i++)
                assert_address(&w.calls[i], "192.0.2.20");
        for (unsigned i = 0; i < w.n_calls; i++)
                ck_assert(w.calls[i].trailing == (i == 3)); /* the window has not ended before */
        watch_stop(&w);
}
END_TEST

/* The default route by 192.0.2.1. */
static void add_route(void) {
        struct {
                struct nlmsghdr header;
                struct rtmsg route;
                struct rtattr gateway;
                uint8_t address[4];
                struct rtattr link;
                int index;
        } message = {
                .header = {.nlmsg_len = sizeof(message),
                           .nlmsg_type = RTM_NEWROUTE,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK},
                .route = {.rtm_family = AF_INET,
                          .rtm_table = RT_TABLE_MAIN,
                          .rtm_protocol = RTPROT_STATIC,
                          .rtm_type = RTN_UNICAST},
                .gateway = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_GATEWAY},
                .address = {192, 0, 2, 1},
                .link = {.rta_len = RTA_LENGTH(sizeof(int)), .rta_type = RTA_OIF},
                .index = (int) if_nametoindex(WATCHED),
        };
        struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
                char more[256];
        } answer;
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(send(fd, &message, sizeof(message), 0), sizeof(message));
        ck_assert_int_gt(recv(fd, &answer, sizeof(answer), 0), 0);
        ck_assert_int_eq(answer.error.error, 0);
        (void) close(fd);
}

/* As a DHCP client does it: without a default route the new address is not yet the guest's. */
START_TEST(test_replace_with_route) {
        Pace pace = {0};

        do {
                start_again();
                pace_begin(&pace);
                ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
                watch_calls(&w, 1);
                ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
                watch_calls(&w, 3);
                add_route(); /* a program that has to start would be too slow */
                watch_calls(&w, 4);
        } while (pace_is_lost(&pace));
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 5);
        ck_assert_int_eq(w.calls[2].choice.problem, CHOICE_NO_ROUTE);
        ck_assert(!w.calls[3].trailing);
        assert_address(&w.calls[3], "192.0.2.20");
        assert_gateway(&w.calls[3], "192.0.2.1");
        ck_assert(w.last.trailing);
        watch_stop(&w);
}
END_TEST

/* A loss without anything better is confirmed when the window ends. */
START_TEST(test_loss_is_confirmed) {
        watch_start_with_route(&w);
        w.interface = WATCHED;
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 2);
        ck_assert(!w.calls[0].trailing && w.calls[1].trailing);
        ck_assert_int_eq(w.calls[0].choice.problem, CHOICE_NO_ADDRESS);
        ck_assert_int_eq(w.calls[1].choice.problem, CHOICE_NO_ADDRESS);
        watch_stop(&w);
}
END_TEST

/* Only so many events are answered early. The next one waits for the end of the window. */
START_TEST(test_early_dumps_are_limited) {
        Pace pace = {0};
        unsigned n_trailing;
        uint64_t n_dumps;

        do {
                start_again();
                w.interface = WATCHED;
                n_trailing = 0;
                n_dumps = watch_stats(&w).dumps;
                pace_begin(&pace);
                for (unsigned i = 0; i <= THROTTLE_EARLY_MAX; i++) {
                        ck_assert_int_eq((i % 2 ? addr_trigger_add
                                                : addr_trigger_delete)(w.trigger, &address_a, 24),
                                         0);
                        watch_dumps(&w, ++n_dumps);
                        n_trailing += w.last.trailing;
                }
        } while (pace_is_lost(&pace));
        ck_assert_uint_eq(n_trailing, 0);
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_dumps(&w, n_dumps + 1);
        ck_assert(w.last.trailing);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_NO_ADDRESS);
        watch_stop(&w);
}
END_TEST

/* After a window without an event the next change is as fast as the first one. */
START_TEST(test_replaced_again_and_again) {
        watch_start_with_route(&w);
        w.interface = WATCHED;
        for (unsigned i = 0; i < 6; i++) {
                Pace pace = {0};
                bool again;
                Call news;

                do {
                        uint64_t n_dumps = watch_stats(&w).dumps;

                        pace_begin(&pace);
                        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
                        watch_dumps(&w, n_dumps + 1);
                        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_a, 24), 0);
                        watch_dumps(&w, n_dumps + 2);
                        news = w.last;
                        again = pace_is_lost(&pace);
                        watch_settle(&w);
                        ck_assert(w.last.trailing);
                } while (again);
                ck_assert(!news.trailing);
                assert_address(&news, "192.0.2.10");
        }
        watch_stop(&w);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("netwatch-news");

        namespace_require();
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, test_address_again);
        tcase_add_test(tcase, test_address_before_a_route);
        tcase_add_test(tcase, test_address_gone_again);
        tcase_add_test(tcase, test_address_gone_again_in_a_storm);
        tcase_add_test(tcase, test_message_of_another_process);
        tcase_add_test(tcase, test_replace_at_once);
        tcase_add_test(tcase, test_replace_within_window);
        tcase_add_test(tcase, test_replace_with_route);
        tcase_add_test(tcase, test_loss_is_confirmed);
        tcase_add_test(tcase, test_early_dumps_are_limited);
        tcase_add_test(tcase, test_replaced_again_and_again);
        return run_suite("netwatch-news", tcase);
}
