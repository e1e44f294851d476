# SPDX-License-Identifier: MIT
"""Values that many golden vectors use."""
from reference import Listen, Service

AGENT = bytes(range(0x10, 0x20))
BOOT = bytes(range(0x30, 0x40))
VM = bytes(range(0x50, 0x60))
AGENT_NONCE = bytes(range(0x60, 0x80))
HELPER_NONCE = bytes(range(0xa0, 0xc0))
KEY = bytes(range(0x00, 0x20))
MAC = bytes(range(0xc0, 0xe0))

ANY = Listen("0.0.0.0", 2222, 1, 22)
SSH = Service("ssh", (ANY,), profiles=3)
WEB = Service("web", (Listen("127.0.0.1", 8000, 11, 9000), Listen("::", 80)), profiles=7, remote=2,
              prefixes=("10.0.0.0/8", "2001:db8::/32"))
UDP = Service("dns", (Listen("0.0.0.0", 53), Listen("::", 5353, 1, 53)), profiles=2, protocol=1)
KEYS = Service("all-keys", (Listen("0.0.0.0", 8443, 2, 443),), profiles=7, remote=2,
               prefixes=("10.0.0.0/8", "2001:db8::/32"), client=1, connect=1, forwarder=1)
