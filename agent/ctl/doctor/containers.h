/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: recognizes the networks of containers by their names. Pure.
 */

#include <stdbool.h>

/* Whether an interface of this name belongs to Docker, Podman or a network plugin of Kubernetes.
 * These publish ports with rules of the kernel (DNAT), often without a listening socket. */
bool container_interface(const char *name);
