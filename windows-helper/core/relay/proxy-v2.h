/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The header of the PROXY protocol, version 2, for a stream: the first bytes of a connection, which
 * tell the service who the client is and which address it asked. The protocol is HAProxy's
 * (doc/proxy-protocol.txt, section 2.2).
 */

#include "common/ip.h"

#include <stddef.h>
#include <stdint.h>

#define PROXY_V2_MAX 52 /* bytes of the longest header: 16, and two IPv6 endpoints */

/**
 * proxy_v2_encode() - make the header of one connection
 * @client, @asked: source and destination, of one family. If they are not, or if there is no
 *                  client (NULL), the header says LOCAL: whoever connects speaks for itself, as in
 *                  a health check
 *
 * Return: the bytes of the header.
 */
size_t proxy_v2_encode(const IpEndpoint *client, const IpEndpoint *asked,
                       uint8_t ret_header[PROXY_V2_MAX]);
