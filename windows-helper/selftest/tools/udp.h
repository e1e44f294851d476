/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A UDP client of the self-test. IPv4 only.
 */

#include "common/ip.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>

/* A port on which nobody receives; 0: there is none. */
uint16_t udp_free_port(void);

/* A socket that sends from @address. Return: 0 or a Winsock error. */
DWORD udp_open(const IpAddr *address, SOCKET *ret_socket);

/* Send a byte, and wait for an answer from there. Return: whether it came within @limit_ms. */
bool udp_ask(SOCKET s, const IpAddr *to, uint16_t port, DWORD limit_ms);
