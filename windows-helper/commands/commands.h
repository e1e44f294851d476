/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The commands of wslbridge-helper. Each gets the arguments that follow its name, reports its
 * errors itself and returns the exit status of the process.
 */

#define COMMANDS_SOFTWARE "wslbridge-helper " PROJECT_VERSION /* as guests and users see it */

int command_adopt(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_install(int argc, char **argv);
int command_pair(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_run(int argc, char **argv);
int command_status(int argc, char **argv);
int command_uninstall(int argc, char **argv);
int command_unpair(int argc, char **argv);
