/* SPDX-License-Identifier: MIT */

/*
 * Reading and admitting requests.
 */

#include "windows-helper/core/setup/elevated-words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        bool argument;
} words[] = {
        [ELEVATED_INSTALL] = {"install", false}, [ELEVATED_KEY] = {"key", false},
        [ELEVATED_PUT] = {"put", true},          [ELEVATED_RESTORE] = {"restore", true},
        [ELEVATED_UNPAIR] = {"unpair", true},    [ELEVATED_ADOPT] = {"adopt", true},
        [ELEVATED_BYE] = {"bye", false},
};

const char *elevated_word_name(ElevatedWord word) {
        return words[word].name;
}

int elevated_parse(const char *line, ElevatedWord *ret_word, const char **ret_argument) {
        size_t n = strcspn(line, " ");
        const char *argument = line[n] ? line + n + 1 : "";

        for (ElevatedWord word = 0; word < _ELEVATED_WORD_END; word++) {
                if (strlen(words[word].name) != n || memcmp(line, words[word].name, n) != 0)
                        continue;
                if ((*argument != '\0') != words[word].argument || (line[n] && !*argument))
                        return -EINVAL;
                *ret_word = word;
                *ret_argument = argument;
                return 0;
        }
        return -EINVAL;
}

static const char *admit_put(ElevatedState *s, const char *owner, bool owner_valid) {
        if (!owner_valid)
                return "That is not the identity of a guest";
        if (!s->made_key || s->put)
                return "One key is stored for one guest, once";
        s->put = true;
        (void) snprintf(s->owner, sizeof(s->owner), "%s", owner);
        return NULL;
}

static const char *admit_adopt(ElevatedState *s, size_t n_ports) {
        if (n_ports == 0)
                return "Those are no endpoints";
        if (n_ports > ELEVATED_ADOPTS - s->adopted)
                return "Those are too many port forwardings at once";
        s->adopted += n_ports;
        return NULL;
}

const char *elevated_admit(ElevatedState *s, ElevatedWord word, const char *argument,
                           bool owner_valid, size_t n_ports) {
        bool *once = word == ELEVATED_INSTALL ? &s->installed
                     : word == ELEVATED_KEY   ? &s->made_key
                                              : NULL;

        if (once && *once)
                return "That was done already";
        if (once)
                *once = true;
        if (word == ELEVATED_PUT)
                return admit_put(s, argument, owner_valid);
        if (word == ELEVATED_RESTORE) {
                if (!s->put || strcmp(s->owner, argument) != 0)
                        return "Only what was stored a moment ago can be taken back";
                s->put = false;
        }
        if (word == ELEVATED_UNPAIR && !owner_valid)
                return "That is not the identity of a guest";
        return word == ELEVATED_ADOPT ? admit_adopt(s, n_ports) : NULL;
}

bool elevated_is_pipe(const char *name) {
        size_t n = strlen(ELEVATED_PIPE);

        return strncmp(name, ELEVATED_PIPE, n) == 0 && strlen(name + n) == ELEVATED_RANDOM &&
               strspn(name + n, "0123456789abcdef") == ELEVATED_RANDOM;
}
