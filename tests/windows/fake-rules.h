/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The PortProxy values as the fake iphlpsvc reads them, and its listeners for them.
 */

#include "windows-helper/win/loop.h"

/* At most this many listeners are opened, unless a test asks for another number. A test of
 * thousands of rules looks at the values and should not use up the machine's descriptors (Wine
 * needs two for each socket). */
#define FAKE_LISTENERS_MAX 1024

/**
 * fake_rules_apply() - read all values again and open or close listeners accordingly
 *
 * An unchanged rule keeps its listener and its sessions. A rule with a new target keeps its
 * listener but loses its sessions. A rule that is gone loses both. A listener that could not be
 * bound is tried again. At most @most listeners are opened. Rules are told apart by their names: of
 * "*" and 0.0.0.0 for one port, the one that is first has it, which is the worst of what Windows
 * may do (fact 4.1.11). With @shut_ms, a rule with a new target loses its listener, too, and gets
 * another one so much later.
 */
void fake_rules_apply(Loop *loop, unsigned most, unsigned shut_ms);
