/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The PortProxy values as the fake iphlpsvc sees them, and the listeners they make.
 */

#include "windows-helper/win/loop.h"

/* More listeners than this are not opened, unless a test asks for another number: a test of
 * thousands of rules wants to see values, not to use up the machine's descriptors (Wine holds two
 * for each socket). */
#define FAKE_LISTENERS_MAX 1024

/**
 * fake_rules_apply() - read all values again and make the listeners so
 *
 * Unchanged rules keep listener and sessions; a rule with a new target keeps its listener and loses
 * its sessions; one that is gone loses both. A listener that could not be bound is tried again;
 * more than @most are not opened.
 */
void fake_rules_apply(Loop *loop, unsigned most);
