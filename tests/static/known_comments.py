# SPDX-License-Identifier: MIT
"""Comments that are being rewritten. This file goes when they are; see known.py."""

KNOWN_NAMES = """
windows-helper/core/controller/guests.c names agents.h
windows-helper/core/firewall/apply.c names firewall-apply.h
windows-helper/core/status/read.c names status-read.h
windows-helper/core/status/text.c names status-text.h
""".strip("\n").splitlines()
KNOWN_PURPOSES = """
tests/host/memory-host.c does not say what it is for
tests/host/text-map.c does not say what it is for
tests/unit/windows-helper/world/judge.c does not say what it is for
tests/unit/windows-helper/world/world.c does not say what it is for
windows-helper/core/base/result.c does not say what it is for
windows-helper/core/firewall/apply.c does not say what it is for
windows-helper/core/firewall/firewall.c does not say what it is for
windows-helper/core/policy/hostnet.c does not say what it is for
windows-helper/core/rules/listeners.c does not say what it is for
windows-helper/core/rules/verify.c does not say what it is for
windows-helper/core/rules/wanted.c does not say what it is for
windows-helper/core/status/read.c does not say what it is for
windows-helper/core/status/text.c does not say what it is for
windows-helper/core/vm/vm-list.c does not say what it is for
windows-helper/core/vm/vm.c does not say what it is for
windows-helper/service/backend.c does not say what it is for
windows-helper/service/helper.c does not say what it is for
windows-helper/service/service.c does not say what it is for
windows-helper/service/status-file.c does not say what it is for
windows-helper/service/surroundings.c does not say what it is for
""".strip("\n").splitlines()
