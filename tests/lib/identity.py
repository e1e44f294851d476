# SPDX-License-Identifier: MIT
"""The identity under which a helper knows an agent. A key belongs to one identity, so a test that pairs
an agent needs it."""
import hashlib
import hmac

# For sd_id128_get_machine_app_specific(); see agent/guest/identity.c.
APP_ID = bytes.fromhex("fbf4b476341409129389" "8004af55a86d")


def owner(machine_id, name):
    """Of the agent with this name, in a guest whose /etc/machine-id says @machine_id."""
    agent_id = bytearray(hmac.new(bytes.fromhex(machine_id.strip()), APP_ID, hashlib.sha256).digest()[:16])
    agent_id[6] = agent_id[6] & 0x0f | 0x40
    agent_id[8] = agent_id[8] & 0x3f | 0x80
    return f"{agent_id.hex()}/{name}"
