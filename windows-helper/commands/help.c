/* SPDX-License-Identifier: MIT */

/*
 * The texts of the help, one for each command, and how they are shown.
 */

#include "windows-helper/commands/commands.h"
#include "windows-helper/win/console.h"

#include <stdlib.h>
#include <string.h>

typedef struct HelpText {
        const char *command;
        const char *usage; /* one line for each form */
        const char *text;
} HelpText;

#define HELP_ADMINISTRATOR "Needs a terminal opened with 'Run as administrator'.\n"

static const HelpText help_texts[] = {
        {"setup", "setup [DISTRO] [OPTION...]",
         "Sets wslbridge up in a WSL distro of yours, step by step: installs the service here "
         "(and\n"
         "asks for administrator rights for that), installs the agent in the distro, pairs the "
         "two\n"
         "and starts the agent. Does only what is not done yet, so it may be run again at any "
         "time.\n"
         "  DISTRO         its name; without one, your default distro, after a question\n"
         "  --dry-run      change nothing, and say what would be done\n"
         "  --yes          answer every question with yes\n"
         "  --json         print the result for programs\n"
         "  --keep-alive   also keep WSL from stopping the distro when nobody uses it\n"
         "  --at-logon     also start the distro when you log on\n"
         "  --import       also take over port forwardings of others that lead to WSL\n"
         "  --undo         take the distro's half out again\n"
         "  --print        print what to type in a Hyper-V guest that is no WSL distro\n"
         "Run it as the user who owns the distro, not as administrator.\n"},
        {"install", "install",
         "Copies the programs of wslbridge, which lie in one folder, to their place below Program\n"
         "Files, registers the service and starts it. Over an older version this is an update: "
         "the\n"
         "rules stay in force.\n" HELP_ADMINISTRATOR},
        {"uninstall", "uninstall [--keep]",
         "Withdraws all rules, stops the service and removes everything that 'install' and 'pair'\n"
         "have made, also the pairings of all guests and the local policy.\n"
         "  --keep   leave the pairings and the local policy, for a later 'install'\n"
         "Values set by Group Policy (HKLM\\SOFTWARE\\Policies\\wslbridge) are kept. Port\n"
         "forwardings that were adopted are not put back.\n" HELP_ADMINISTRATOR},
        {"run", "run",
         "Runs in the foreground until Ctrl-C, and withdraws all rules at its end. Only Windows\n"
         "runs 'run --service', as the service.\n" HELP_ADMINISTRATOR},
        {"pair", "pair DISTRO\npair --print ID/NAME\npair --list",
         "  DISTRO            give a WSL distro of yours a new key; its name is in 'wsl --list'\n"
         "  --print ID/NAME   print a new key for any other guest; 'agent' in the guest's\n"
         "                    status.json, and 'wslbridge-helper doctor', have its ID/NAME\n"
         "  --list            list the paired guests and when each was last seen\n"
         "Pairing again makes a new key.\n" HELP_ADMINISTRATOR},
        {"unpair", "unpair ID/NAME",
         "Deletes a guest's key and withdraws its rules at once. 'pair --list' has the "
         "ID/NAME.\n" HELP_ADMINISTRATOR},
        {"status", "status [--json]",
         "Shows virtual machines, guests, their services and the policy.\n"
         "  --json   print the status file as it is\n"
         "Exit code 3 means that the helper is not running.\n"},
        {"doctor", "doctor [--json]",
         "Finds problems and says what to do about them. Changes nothing.\n"
         "  --json   print the findings for programs\n"
         "Exit code 1 means that something does not work.\n"},
        {"selftest", "selftest --report FILE\nselftest [OPTION...]",
         "Tries what wslbridge relies on in this Windows, as an administrator and as a service, "
         "and\n"
         "says what holds. It takes one to three minutes. Two things stay: the facts "
         "that\n"
         "'doctor' shows, and an event in the log Application. If Windows Firewall asks\n"
         "about it, any answer will do, and stays, too.\n"
         "  --report FILE   write what it saw, without names, addresses and ids, to send it on\n"
         "  --json          print that instead of the text\n"
         "  --shutdown      also shut WSL down, to see what a listener then gets; this ends all\n"
         "                  distros that run\n"
         "  --mapping       also have WinNAT map a UDP port to the guest for some seconds\n"
         "  --watch TIME    also watch for a sleep of the machine, for a time such as 24h or 30m\n"
         "  --clean         only take back what a self-test that was killed has left\n"
         "Exit code 1 means that it was stopped, or could not take everything "
         "back.\n" HELP_ADMINISTRATOR},
        {"rules", "rules [--netsh | --json]",
         "Lists the port forwardings of wslbridge.\n"
         "  --netsh   as the netsh commands that would make them\n"
         "  --json    for programs\n"},
        {"adopt", "adopt ADDRESS:PORT",
         "Lets a guest's service take over a port forwarding that another program made. The\n"
         "address may also be written as netsh and the registry do:\n"
         "  0.0.0.0:2222, 0.0.0.0/2222, *:2222, [::]:80, ::/80, or only 2222 for "
         "0.0.0.0:2222\n"
         "For a port of UDP, put /udp behind it.\n" HELP_ADMINISTRATOR},
};

static const char help_overview[] =
        "Usage: wslbridge-helper COMMAND [OPTION...]\n\n"
        "Keeps the port forwarding of Windows up to date for WSL2 and Hyper-V guests.\n\n"
        "  setup [DISTRO]        all of it in one step, for a WSL distro of yours\n\n"
        "The service:\n"
        "  install               install, or update, and start it\n"
        "  uninstall [--keep]    withdraw all rules and remove all of wslbridge; --keep leaves\n"
        "                        the pairings and the local policy\n"
        "  run                   run in the foreground until Ctrl-C\n"
        "  run --service         run as the service; only Windows does this\n\n"
        "Guests:\n"
        "  pair DISTRO           give a WSL distro a new key\n"
        "  pair --print ID/NAME  print a new key for any other guest\n"
        "  pair --list           list the paired guests and when each was last seen\n"
        "  unpair ID/NAME        delete a guest's key and withdraw its rules at once\n\n"
        "Information:\n"
        "  status [--json]       show guests, their services and the policy\n"
        "  doctor [--json]       find problems and say what to do about them\n"
        "  selftest              try what wslbridge relies on in this Windows; --report FILE\n"
        "  rules                 list wslbridge's port forwardings; --netsh, --json\n\n"
        "Other port forwardings:\n"
        "  adopt ADDRESS:PORT    take over a port forwarding made by something else\n\n"
        "  help [COMMAND]        show this text, or explain a command; also COMMAND --help\n"
        "  version               show the version\n"
#ifdef WSLBRIDGE_TEST_TRANSPORT
        "\nOptions of 'run' in test builds:\n"
        "  --transport tcp:127.0.0.1:PORT   listen here; port 0 means any port\n"
        "  --transport tcp-vm:              VMs are ports, see transport-tcp-vm.c\n"
        "  --heartbeat-ms N  --handshake-ms N  --goodbye-ms N  --recovery-ms N\n"
        "  --debug                          log more\n"
#endif
        ;

static const HelpText *help_find(const char *command) {
        for (size_t i = 0; i < ARRAYSIZE(help_texts); i++)
                if (strcmp(help_texts[i].command, command) == 0)
                        return &help_texts[i];
        return NULL;
}

static void help_say(ConsoleStream stream, const char *text, size_t n) {
        (void) console_write(stream, text, n);
}

static void help_usage(ConsoleStream stream, const HelpText *h) {
        for (const char *line = h->usage; *line; line += *line == '\n') {
                size_t n = strcspn(line, "\n");

                help_say(stream, line == h->usage ? "Usage: " : "       ", 7);
                help_say(stream, "wslbridge-helper ", strlen("wslbridge-helper "));
                help_say(stream, line, n);
                help_say(stream, "\n", 1);
                line += n;
        }
}

bool help_is_asked(const char *word) {
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "/?") == 0 ||
               strcmp(word, "-?") == 0;
}

bool help_command(const char *command) {
        const HelpText *h = help_find(command);

        if (!h)
                return false;
        help_usage(CONSOLE_OUTPUT, h);
        help_say(CONSOLE_OUTPUT, "\n", 1);
        help_say(CONSOLE_OUTPUT, h->text, strlen(h->text));
        return true;
}

void help_show(bool as_error) {
        help_say(as_error ? CONSOLE_ERROR : CONSOLE_OUTPUT, help_overview,
                 sizeof(help_overview) - 1);
}

int command_usage(const char *command) {
        help_usage(CONSOLE_ERROR, help_find(command));
        return EXIT_FAILURE;
}
