/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Doubt: whether a choice that looks like a moment in the middle of a change is believed yet. It
 * has to be seen for a window. A window may end right after the loss of an address, and in a storm
 * only the ends of windows are looked at. Such a loss waits for one more window. Pure.
 */

#include "agent/network/choice.h"

typedef struct Doubt {       /* all zero at the start */
        uint64_t since_usec; /* when the first such choice was seen that is not believed, or 0 */
} Doubt;

typedef struct DoubtLook { /* at what a dump shows */
        uint64_t now_usec;
        bool trailing; /* the dump ends a window, or comes alone */
        bool asked;    /* the agent wanted it, and nothing has happened that would be a change */
} DoubtLook;

/**
 * doubt_look() - judge a choice
 * @was: what is in force
 *
 * Return: whether @is has to be seen once more, at the end of a window, before it is believed.
 */
bool doubt_look(Doubt *d, const Choice *was, const Choice *is, const DoubtLook *look);
