/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a target whose inputs have frames tells the mutator of frames.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FramePlace {
        size_t at, n;  /* the bytes of the frame in the input */
        size_t max;    /* so many may be there */
        size_t length; /* the byte of the input that counts them, perhaps with others; 0: none */
        bool bare;     /* they are the payload of a STATE only, and the target makes the header */
} FramePlace;

/**
 * fuzz_frame_place() - where an input of this target has a frame
 * @choice: any number; it selects one of several
 *
 * Return: false when there is none.
 */
bool fuzz_frame_place(const uint8_t *data, size_t n, unsigned choice, FramePlace *ret_place);
