/* SPDX-License-Identifier: MIT */

/*
 * Finding the offer in a text.
 */

#include "common/adoption-text.h"

#include <string.h>

#define OFFER "adopt " /* the end of the command in quotes; the endpoint follows */

bool adoption_text_endpoint(const char *text, char ret_endpoint[IP_ENDPOINT_TEXT_MAX]) {
        const char *from = strstr(text, OFFER);
        size_t n;

        if (!from)
                return false;
        from += strlen(OFFER);
        n = strspn(from, "0123456789abcdefABCDEF.:[]");
        if (n > 0 && strncmp(from + n, IP_UDP_TEXT, strlen(IP_UDP_TEXT)) == 0)
                n += strlen(IP_UDP_TEXT);
        if (n == 0 || n >= IP_ENDPOINT_TEXT_MAX || from[n] != '\'')
                return false;
        memcpy(ret_endpoint, from, n);
        ret_endpoint[n] = '\0';
        return true;
}
