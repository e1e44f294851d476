# SPDX-License-Identifier: MIT
"""The guest's programs open netlink sockets with netlink_socket_open() only: libnl's own way calls bind(),
which WSL may hold up without an end (fact 6.2.14)."""
import re

import tree

OPENER = "agent/network/netlink-socket.c"
# libnl's ways that bind, and the pieces of one that does not.
BINDS = re.compile(r"\b(?:nl_connect|genl_connect|nl_cache_mngr_alloc)\(")
PIECES = re.compile(r"\b(?:nl_socket_alloc\w*|nl_socket_set_fd)\(|\bsocket\((?:AF|PF)_NETLINK")
# Sockets of other families: what listens for the helper's side, and the source port (fact 3.1.4).
MAY_BIND = {"agent/channel/connect.c", "agent/loopback/socket.c"}


def programs():
    return [f for f in tree.matching("*.c") if f.startswith(("agent/", "common/", "protocol/"))]


def using(pattern):
    return {f for f in programs() if pattern.search(tree.read(f))}


def test_only_one_place_opens_netlink_sockets():
    assert using(PIECES) == {OPENER}
    assert not using(BINDS)


def test_nothing_else_binds():
    assert using(re.compile(r"\bbind\((?!\))")) == MAY_BIND
