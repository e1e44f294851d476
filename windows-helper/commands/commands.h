/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The commands of wslbridge-helper. Each gets the arguments that follow its name, reports its
 * errors itself and returns the exit status of the process.
 */

#include <stdbool.h>

#define COMMANDS_SOFTWARE "wslbridge-helper " PROJECT_VERSION /* as guests and users see it */

int command_adopt(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_install(int argc, char **argv);
int command_msi(int argc, char **argv);
int command_pair(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_run(int argc, char **argv);
int command_selftest(int argc, char **argv);
int command_setup(int argc, char **argv);
int command_setup_elevated(int argc, char **argv); /* only 'setup' runs it */
int command_status(int argc, char **argv);
int command_uninstall(int argc, char **argv);
int command_unpair(int argc, char **argv);

/* --help, -h, /? and -?, as the first argument of the program or of a command. */
bool help_is_asked(const char *word);

/* Explain a command on standard output. Return: false when there is no such command. */
bool help_command(const char *command);

/* The list of all commands. @as_error: on standard error, because the command line was wrong */
void help_show(bool as_error);

/* Show how @command is used, on standard error. Return: EXIT_FAILURE. */
int command_usage(const char *command);
