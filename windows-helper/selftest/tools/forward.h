/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A port forwarding that the self-test makes for itself: from a free port to a listener of its own.
 */

#include "windows-helper/selftest/tools/step.h"
#include "windows-helper/selftest/tools/tcp.h"

/* Whether iphlpsvc runs. Otherwise that is reported, and there is nothing to be seen. */
bool forward_can_be(Step *s, const char *key);

/* Write a rule (journaled) and have iphlpsvc read it. Each call is reported. Return: whether both
 * worked. */
/* The same with the texts of the registry, such as a name with "*". */
bool forward_put(Step *s, const char *name, const char *data);
void forward_take(Step *s, const char *name, const char *data);

bool forward_add(Step *s, const IpAddr *listen, uint16_t port, uint16_t target);
void forward_remove(Step *s, const IpAddr *listen, uint16_t port, uint16_t target);

/* Wait until somebody other than this process listens on the endpoint. @own: how many listeners of
 * this process do; that counts where Windows does not say whose a listener is. *ret_pid: who; 0:
 * Windows does not say. */
bool forward_wait(const Step *s, const IpAddr *listen, uint16_t port, size_t own, uint32_t limit_ms,
                  uint32_t *ret_pid);
