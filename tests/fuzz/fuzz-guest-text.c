/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what the guest's agent and doctor read of others: the output of WSL's tools and of
 * systemctl, the files .wslconfig, wsl.conf and ufw.conf, and the key. What is taken can be shown
 * and sent.
 */

#include "agent/channel/key.h"
#include "agent/ctl/doctor/firewall-checks.h"
#include "agent/ctl/doctor/unit.h"
#include "agent/ctl/doctor/wslconfig.h"
#include "agent/guest/wsl-words.h"
#include "protocol/wire/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_tools(const char *output, size_t n) {
        char word[WSL_WORD_MAX + 1], clean[WSL_WORD_MAX + 1], name[WIRE_DISTRO_MAX + 1];
        uint8_t mode = _WIRE_MODE_END, id[WIRE_ID_SIZE];

        if (wsl_parse_mode(output, n, &mode, word)) {
                require(mode < _WIRE_MODE_END && strlen(word) > 0);
                memcpy(clean, word, sizeof(word));
                wire_text_clean(clean, WSL_WORD_MAX);
                require(strcmp(clean, word) == 0);
        }
        if (wsl_parse_distro(output, n, name))
                require(wsl_name_valid(name));
        (void) wsl_parse_vm_id(output, n, id);
        (void) wsl_release_is_wsl(output);
}

static void fuzz_unit(const char *output) {
        char text[UNIT_END_TEXT_SIZE];
        Unit u;

        unit_parse(output, &u);
        require(memchr(u.load, '\0', sizeof(u.load)) && memchr(u.result, '\0', sizeof(u.result)));
        require(unit_state(&u) < _UNIT_STATE_END);
        unit_end_text(&u, text);
        require(memchr(text, '\0', sizeof(text)));
}

/* A key has 64 digits, and nothing but white space beside them. */
static void fuzz_key(const char *text, size_t n) {
        uint8_t key[WIRE_KEY_SIZE];
        size_t n_digits = 0, n_others = 0;

        if (key_parse(text, n, key) != 0)
                return;
        for (size_t i = 0; i < n; i++) {
                n_digits += isxdigit((unsigned char) text[i]) != 0;
                n_others += !isxdigit((unsigned char) text[i]) && !strchr(" \t\r\n\f\v", text[i]);
        }
        require(n_digits == 2 * WIRE_KEY_SIZE && n_others == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = malloc(n + 1);
        unsigned line;

        require(text != NULL);
        memcpy(text, data, n);
        text[n] = '\0';
        fuzz_tools(text, n);
        fuzz_unit(text);
        (void) wslconfig_is_before_idle(text);
        require(wslconfig_idle(text) == IDLE_STAYS || wslconfig_idle(text) == IDLE_STOPS);
        require(wslconf_systemd(text, &line) != WSL_SYSTEMD_UNREAD || line > 0);
        (void) wslconfig_firewall_off(text);
        (void) wslconfig_mirrored(text);
        (void) firewall_ufw_is_on(text);
        fuzz_key(text, n);
        free(text);
        return 0;
}
