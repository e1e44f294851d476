/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The lines of .wslconfig and /etc/wsl.conf, as WSL itself reads them (fact 7.2.1), with the place
 * of each part, so that one part can be replaced and the rest stays as it is. Pure.
 */

#include "common/buffer.h"

#define INI_FILE_MAX 65536 /* bytes; real files have less than 2,000 */

/* How the two files differ. */
typedef struct IniDialect {
        const char *newline; /* for a file that has none yet */
        bool stops;          /* WSL reads nothing behind a line that it does not understand, as one
                                with a byte order mark */
} IniDialect;

extern const IniDialect ini_wslconfig; /* %USERPROFILE%\.wslconfig, read by Windows */
extern const IniDialect ini_wsl_conf;  /* /etc/wsl.conf, read by Linux */

typedef enum IniLineType {
        INI_LINE_OTHER,   /* blank, a comment, or nothing that WSL understands or reads */
        INI_LINE_SECTION, /* .name is the section; a broken one is none that anybody has named */
        INI_LINE_KEY,     /* .name is the key */
        _INI_LINE_TYPE_END,
} IniLineType;

typedef struct IniSpan {
        size_t begin, end; /* bytes of the file; the end is one past the last one */
} IniSpan;

typedef struct IniLine {
        IniLineType type;
        IniSpan all; /* with its newline; several lines when a backslash continues a value */
        IniSpan name;
        IniSpan value; /* of a key, as written: with its quotes, without the space around it */
        bool broken;   /* WSL does not understand the line */
        bool bracket;  /* it begins with '[' */
} IniLine;

typedef struct IniReader {
        const uint8_t *data; /* borrowed */
        size_t n, at;
        bool stops;   /* as in IniDialect */
        bool stopped; /* the line that was read last, or one before it, is where WSL stops */
} IniReader;

/**
 * ini_check() - can the bytes be edited?
 * @ret_why: what is wrong and what to do, as a phrase that continues the name of the file
 *
 * Return: 0 or -EINVAL.
 */
int ini_check(const uint8_t *data, size_t n, const char **ret_why);

/* @data: borrowed; any bytes, but an edit is right only if ini_check() found it good */
void ini_reader_init(IniReader *r, const IniDialect *dialect, const uint8_t *data, size_t n);

/* Read the next line. Return: false at the end. The lines follow each other without a gap. Behind
 * that at which WSL stops each of them is INI_LINE_OTHER. */
bool ini_next(IniReader *r, IniLine *ret_line);

/* Names are the same in upper and lower case. */
bool ini_name_is(const IniReader *r, const IniLine *line, const char *name);

/* Whether WSL understands the value of a key as @value, in upper or lower case. */
bool ini_value_is(const IniReader *r, const IniLine *line, const char *value);

/* Return: the number of the line at which WSL stops reading, beginning with 1; 0 when it reads all.
 */
size_t ini_stop(const IniDialect *dialect, const uint8_t *data, size_t n);

/* "\r\n" or "\n": that of the first line, or else the dialect's. */
const char *ini_newline(const IniDialect *dialect, const uint8_t *data, size_t n);
