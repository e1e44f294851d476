/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Private to the codec of STATE: what both versions have in common, and the field lists of version
 * 2.
 */

#include "protocol/wire/fields-private.h"

/* Whether the values of a service fit together. Its listens and prefixes are checked one by one. */
bool wire_service_valid(const WireService *s);

/* @family: the family that belongs in this place. */
bool wire_guest_address_valid(const WireAddress *a, IpFamily family);
void wire_put_guest_address(WireWriter *w, const WireAddress *a, IpFamily family);
void wire_get_guest_address(WireReader *r, IpFamily family, WireAddress *ret);

void wire_put_listen(WireWriter *w, const WireListen *l);
void wire_put_prefix(WireWriter *w, const WirePrefix *p);

/* Read one, and append it to @m. Without arrays in @m it is only checked and counted. */
void wire_get_listen(WireReader *r, WireState *m);
void wire_get_prefix(WireReader *r, WireState *m);

/* The fields of STATE as a whole, and those of a service behind its name. */
void wire_put_state_fields(WireWriter *w, const WireState *m);
int wire_get_state_fields(WireReader *r, WireState *m);
void wire_put_service_fields(WireWriter *w, const WireState *m, const WireService *s);
int wire_get_service_fields(WireReader *r, WireState *m, WireService *s);
