/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Hyper-V sockets on the self-test's own vsock port, made with the functions of the helper.
 */

#include "windows-helper/net/transport.h"

/* Each returns 0 or a Winsock error. */
DWORD hyperv_socket_new(SOCKET *ret_socket);
DWORD hyperv_socket_suspend(SOCKET socket); /* set the option of fact 1.3.1 */
DWORD hyperv_socket_listen(const VmId *vm, SOCKET *ret_socket);
