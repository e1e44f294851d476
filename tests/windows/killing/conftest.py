# SPDX-License-Identifier: MIT
"""These tests kill the helper while it talks to Wine's service manager. Once in some hundred runs on
a busy machine the manager of Wine 8 answered nobody after that. So each file has a prefix of its own,
and no other test can be hit."""

import windows_host

prefix, session_registry, session_service = windows_host.fixtures("module", "killing")
