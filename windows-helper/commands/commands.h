/* SPDX-License-Identifier: MIT */
#pragma once

/* Commands that have files of their own; arguments are those after the command. Return: the exit
 * status. */

int command_install(int argc, char **argv);
int command_uninstall(int argc, char **argv);
int command_pair(int argc, char **argv);
int command_unpair(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_adopt(int argc, char **argv);
int command_status(int argc, char **argv);
int command_doctor(int argc, char **argv);
