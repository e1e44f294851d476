/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A UDP client of the self-test, and a server that answers as the relay does. IPv4 only.
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

/* The parts of that. Return: 0 or a Winsock error; and whether a byte came from there. */
DWORD udp_send(SOCKET s, const IpAddr *to, uint16_t port);
bool udp_came_from(SOCKET s, const IpAddr *from, uint16_t port, DWORD limit_ms);

/* A socket on all addresses that is told which one was asked. Return: 0 or a Winsock error. */
DWORD udp_serve(SOCKET *ret_socket, uint16_t *ret_port);

/* Wait for a byte, and send it back from the address that was asked, which is then *ret_asked; as
 * far as Windows has said it. Return: 0 or a Winsock error. */
DWORD udp_answer(SOCKET s, DWORD limit_ms, IpAddr *ret_asked);
