/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A tool of the tests that answers each line of standard input with one line of JSON. Under Wine,
 * the start of a program costs a hundred times as much as what a tool does.
 */

#define CONVERSATION_FIELDS_MAX 5

/* Print the answer to one line. @fields: in UTF-8, at least one. */
typedef void (*ConversationFn)(char **fields, unsigned n_fields);

/* Answer until standard input ends. The fields of a line are separated by tabs. Return: main()'s
 * exit code. */
int conversation_run(ConversationFn answer);
