/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: from the arguments of 'expose' to the bytes of a service file, and
 * whether the bytes of one are such. Pure.
 */

#include "agent/config/service-file.h"
#include "common/buffer.h"

#define SERVICE_ADDRESSES_MAX 16

typedef struct ServiceRequest { /* as given on the command line, all borrowed */
        const char *ports;      /* "8080", "2222:22", "8000-8010:9000-9010" */
        const char *name, *description, *firewall, *remote; /* NULL = not given */
        const char *addresses[SERVICE_ADDRESSES_MAX];       /* of the host */
        size_t n_addresses;
} ServiceRequest;

/**
 * service_request_name() - the name a service has that was given none
 *
 * "port-8080" for "8080" and "8080:80". Return: false when @ports has not that form.
 */
bool service_request_name(const char *ports, char ret_name[WIRE_SERVICE_NAME_MAX + 1]);

/**
 * service_request_parse() - check a request with the configuration's own parser
 * @ret: of use only when there is no problem
 * @problems: where a file was announced with config_problems_begin(); keys are those of the file,
 *            lines mean nothing
 */
void service_request_parse(const ServiceRequest *request, ServiceFile *ret,
                           ConfigProblems *problems);

/* The file of @s, always the same bytes for the same values. */
void service_file_format(const ServiceFile *s, Buffer *out);

/* Whether @data is what service_file_format() made, and nobody has changed since. */
bool service_file_is_ours(const uint8_t *data, size_t n);

/* Whether services @a and @b of two configurations ask the host for the same. */
bool service_same_request(const Config *a, const Config *b, const char *name);
