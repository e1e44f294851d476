/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Opens netlink sockets without bind(). In some networking modes WSL holds up every bind() of the
 * guest, also those that it has no interest in, while Windows does not answer (fact 6.2.14). A
 * watchdog would end the agent then. tests/static/test_netlink.py sees to it that nothing else
 * opens one.
 */

struct nl_sock;

/* @protocol: as NETLINK_ROUTE. @ret_sk: to be freed with nl_socket_free(). Return: 0 or negative
 * errno. */
int netlink_socket_open(int protocol, struct nl_sock **ret_sk);
