/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: turns the arguments of 'expose' into the bytes of a service file, and
 * recognizes such bytes. Pure.
 */

#include "agent/config/service-file.h"
#include "common/buffer.h"

#define SERVICE_ADDRESSES_MAX 16

typedef struct ServiceRequest { /* from the command line; all borrowed */
        const char *ports;      /* "8080", "2222:22", "8000-8010:9000-9010", "5060/udp" */
        const char *name, *description, *client_address, *forwarder, *firewall,
                *remote; /* NULL: no */
        bool loopback;
        const char *addresses[SERVICE_ADDRESSES_MAX]; /* of the host */
        size_t n_addresses;
} ServiceRequest;

/**
 * service_request_name() - the default name of a service
 *
 * "port-8080" for "8080" and for "8080:80", "port-5060-udp" for "5060/udp". Return: false when
 * @ports does not have that form.
 */
bool service_request_name(const char *ports, char ret_name[WIRE_SERVICE_NAME_MAX + 1]);

/**
 * service_request_parse() - check a request with the parser of the configuration
 * @ret: usable only when there is no problem
 * @problems: a file was announced to it with config_problems_begin(); its keys are those of the
 * file, its lines mean nothing
 */
void service_request_parse(const ServiceRequest *request, ServiceFile *ret,
                           ConfigProblems *problems);

/* Append the bytes of the file of @s: the same values always give the same bytes. */
void service_file_format(const ServiceFile *s, Buffer *out);

/* Whether @data comes from service_file_format() and has not been changed. */
bool service_file_is_ours(const uint8_t *data, size_t n);

/* Whether the service @name of two configurations asks the host for the same. */
bool service_same_request(const Config *a, const Config *b, const char *name);
