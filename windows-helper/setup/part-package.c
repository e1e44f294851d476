/* SPDX-License-Identifier: MIT */

/*
 * The part 'package': the agent is installed in the distro from the package that came with us.
 */

#include "windows-helper/setup/guest-package.h"
#include "windows-helper/setup/guest-script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char package_awaited[] =
        "apt-get is at work in the distro. To end it in the middle would leave half a package, so "
        "it is waited for.\n";

/* The distro is no Debian and has the agent from its source. There is nothing that we could do. */
static SetupOutcome package_by_hand(Setup *s, SetupPart *part) {
        return setup_says(part, SETUP_ALREADY,
                          "The agent was installed without a package, version %s", s->guest.files);
}

static SetupOutcome package_locked(const char *text, SetupPart *part) {
        char by[SETUP_VALUE_MAX];

        (void) setup_answer(text, "by", by);
        setup_advises(part, "Wait until it has ended; a new distro often updates itself for some "
                            "minutes. Then run this again.\n");
        return setup_says(part, SETUP_FAILED,
                          "Another program ('%s') was installing packages for two minutes", by);
}

static SetupOutcome package_missing(const char *text, SetupPart *part) {
        char packages[SETUP_VALUE_MAX];

        (void) setup_answer(text, "packages", packages);
        setup_advises(part,
                      "Give the distro a network, or install these in it first:\n"
                      "  sudo apt-get install %s\n",
                      packages);
        return setup_says(part, SETUP_FAILED,
                          "Packages that it needs are missing and could not be fetched");
}

static SetupOutcome package_outcome(Setup *s, const GuestPackage *package, const GuestAnswer *a,
                                    SetupPart *part) {
        const char *text = buffer_text(&a->text);
        char result[SETUP_VALUE_MAX], before[SETUP_VALUE_MAX];

        (void) setup_answer(text, "result", result);
        (void) setup_answer(text, "version", before);
        if (strcmp(result, "same") == 0)
                return setup_says(part, SETUP_ALREADY, "The agent is installed, version %s",
                                  before);
        if (strcmp(result, "newer") == 0)
                return setup_says(
                        part, SETUP_ALREADY,
                        "The agent is installed, version %s, which is newer than ours (%s)", before,
                        package->version);
        if (strcmp(result, "would") == 0)
                return setup_says(part, SETUP_WOULD, "%s version %s of the agent in '%s'",
                                  before[0] ? "Update to" : "Install", package->version,
                                  s->distro.name);
        if (strcmp(result, "done") == 0)
                return setup_says(part, SETUP_DONE, "The agent is %s version %s",
                                  before[0] ? "updated to" : "installed,", package->version);
        if (strcmp(result, "locked") == 0)
                return package_locked(text, part);
        if (strcmp(result, "missing") == 0)
                return package_missing(text, part);
        if (strcmp(result, "space") == 0) {
                setup_advises(part, "Make room in it ('df -h' shows which disk is full), then run "
                                    "this again.\n");
                return setup_says(part, SETUP_FAILED, "'%s' has no space left", s->distro.name);
        }
        if (strcmp(result, "damaged") == 0) {
                setup_advises(part, "Run this again.\n");
                return setup_says(part, SETUP_FAILED,
                                  "The package was damaged on its way into the distro");
        }
        return setup_says(part, SETUP_FAILED, "The package could not be installed (exit code %ld)",
                          (long) a->code);
}

static SetupOutcome package_send(Setup *s, const GuestPackage *package, SetupPart *part) {
        char arguments[PACKAGE_VERSION_MAX + PACKAGE_SUM_MAX + 8];
        const GuestScript script = {.name = L"INSTALL",
                                    .arguments = arguments,
                                    .payload = buffer_text(&package->text),
                                    .limit_ms = GUEST_INSTALL_MS,
                                    .to_the_end = true,
                                    .awaited = package_awaited};
        GuestAnswer answer;
        SetupOutcome outcome;
        int r;

        (void) snprintf(arguments, sizeof(arguments), "%s %s %s", package->version, package->sum,
                        s->options->dry_run ? "look" : "install");
        r = guest_script_run(s, &script, &answer);
        if (r == -ETIMEDOUT) {
                setup_advises(part, "apt-get may still be at work in the distro. Look there, then "
                                    "run this again.\n");
                outcome = setup_says(part, SETUP_FAILED, "Installing the package took too long");
        } else if (r < 0) {
                outcome = setup_says(part, SETUP_FAILED, "wsl.exe could not be used for '%s'",
                                     s->distro.name);
        } else {
                outcome = package_outcome(s, package, &answer, part);
        }
        if (outcome == SETUP_FAILED)
                setup_advises(part, "%s", guest_answer_said(&answer));
        guest_answer_done(&answer);
        return outcome;
}

SetupOutcome setup_package(Setup *s, SetupPart *part) {
        GuestPackage package;
        SetupOutcome outcome = SETUP_FAILED;

        if (!s->guest.dpkg)
                return package_by_hand(s, part);
        if (guest_package_load(s->guest.arch, part, &package) == 0)
                outcome = package_send(s, &package, part);
        else if (part->outcome != SETUP_FAILED)
                (void) setup_says(part, SETUP_FAILED, "The package could not be prepared");
        guest_package_done(&package);
        return outcome;
}

SetupOutcome setup_package_undo(Setup *s, SetupPart *part) {
        bool dry = s->options->dry_run;
        bool purge =
                s->guest.package[0] && !dry &&
                setup_ask(s, "Delete the configuration and the key in '%s', too?", s->distro.name);
        const GuestScript script = {.name = L"REMOVE",
                                    .arguments = purge && dry ? "purge look"
                                                 : purge      ? "purge remove"
                                                 : dry        ? "keep look"
                                                              : "keep remove",
                                    .limit_ms = GUEST_INSTALL_MS,
                                    .to_the_end = true,
                                    .awaited = package_awaited};
        char result[SETUP_VALUE_MAX];
        GuestAnswer answer;
        int r = guest_script_run(s, &script, &answer);

        (void) setup_answer(buffer_text(&answer.text), "result", result);
        if (r == 0 && strcmp(result, "none") == 0)
                (void) setup_says(part, SETUP_ALREADY, "The agent is not installed");
        else if (r == 0 && strcmp(result, "would") == 0)
                (void) setup_says(part, SETUP_WOULD, "Remove the agent from '%s'", s->distro.name);
        else if (r == 0 && strcmp(result, "done") == 0)
                (void) setup_says(part, SETUP_DONE, "The agent is removed%s",
                                  purge ? ", with its configuration and key"
                                        : "; its configuration (/etc/wslbridge) is kept");
        else if (r == 0 && strcmp(result, "files") == 0)
                (void) setup_says(part, SETUP_SKIPPED,
                                  "The agent was installed without a package; what installed it "
                                  "removes it ('./dev uninstall' in its source)");
        else
                (void) setup_says(part, SETUP_FAILED, "The agent could not be removed");
        if (part->outcome == SETUP_FAILED)
                setup_advises(part, "%s", guest_answer_said(&answer));
        guest_answer_done(&answer);
        return part->outcome;
}
