/* SPDX-License-Identifier: MIT */

/*
 * From marker lines to facts, and from facts to a verdict.
 */

#include "windows-helper/core/setup/guest.h"

#include "windows-helper/core/setup/version.h"

#include <errno.h>
#include <string.h>

#define GUEST_LIBC_MIN "2.34" /* of our package; older are Debian 11 and Ubuntu 20.04 */

static GuestInit guest_init(const char *text) {
        if (setup_answer_is(text, "init", "running"))
                return GUEST_INIT_RUNNING;
        if (setup_answer_is(text, "init", "offline"))
                return GUEST_INIT_OFFLINE;
        return setup_answer_is(text, "init", "none") ? GUEST_INIT_NONE : GUEST_INIT_OTHER;
}

int guest_read(const char *text, GuestFacts *ret_facts) {
        GuestFacts g = {.init = guest_init(text)};

        if (!setup_answer_is(text, "end", "yes"))
                return -EPROTO;
        (void) setup_answer(text, "id", g.os_id);
        (void) setup_answer(text, "name", g.os_name);
        (void) setup_answer(text, "arch", g.arch);
        (void) setup_answer(text, "package", g.package);
        (void) setup_answer(text, "files", g.files);
        (void) setup_answer(text, "libc", g.libc);
        (void) setup_answer(text, "owner", g.owner);
        if (strcmp(g.owner, "/") == 0)
                g.owner[0] = '\0';
        g.dpkg = setup_answer_is(text, "dpkg", "yes");
        g.systemd_asked = setup_answer_is(text, "asked", "yes");
        g.enabled = setup_answer_is(text, "enabled", "yes");
        g.active = setup_answer_is(text, "active", "yes");
        g.connected = g.active && setup_answer_is(text, "connected", "yes");
        *ret_facts = g;
        return 0;
}

static const char *guest_os(const GuestFacts *g) {
        return g->os_name[0] ? g->os_name : g->os_id[0] ? g->os_id : "an unknown Linux";
}

static bool guest_has_package_for(const char *arch) {
        return strcmp(arch, "amd64") == 0 || strcmp(arch, "arm64") == 0;
}

/* apt-get would say so only after the service was installed, and in many words. */
static bool guest_is_too_old(const GuestFacts *g) {
        return g->libc[0] && version_compare(g->libc, GUEST_LIBC_MIN) < 0;
}

static SetupOutcome guest_without_packages(const GuestFacts *g, SetupPart *part) {
        setup_advises(part,
                      "On another Linux build the agent from the source, wslbridge-%s.tar.gz of "
                      "the same release, with './dev install' in it. Then run this again.",
                      PROJECT_VERSION);
        return setup_says(part, SETUP_FAILED,
                          "It is %s, and wslbridge has packages for Debian and Ubuntu only",
                          guest_os(g));
}

bool guest_fits(const GuestFacts *g) {
        return g->files[0] || (g->dpkg && guest_has_package_for(g->arch) && !guest_is_too_old(g));
}

static SetupOutcome guest_does_not_fit(const GuestFacts *g, SetupPart *part) {
        if (!g->dpkg)
                return guest_without_packages(g, part);
        if (!guest_has_package_for(g->arch)) {
                setup_advises(part, "Packages exist for amd64 and arm64.");
                return setup_says(part, SETUP_FAILED,
                                  "Its architecture is %s, for which there is no package", g->arch);
        }
        setup_advises(part, "Upgrade it, or install a newer one with 'wsl.exe --install'.");
        return setup_says(part, SETUP_FAILED,
                          "%s is too old; the agent needs Debian 12, Ubuntu 22.04 or newer",
                          guest_os(g));
}

SetupOutcome guest_verdict(const GuestFacts *g, SetupPart *part) {
        if (!guest_fits(g))
                return guest_does_not_fit(g, part);
        switch (g->init) {
        case GUEST_INIT_RUNNING:
                return setup_says(part, SETUP_ALREADY, "%s on %s, and systemd runs", guest_os(g),
                                  g->arch);
        case GUEST_INIT_OFFLINE:
                setup_advises(part,
                              "Close all its windows, end it with 'wsl.exe --shutdown', and run "
                              "this again. If that does not help, 'journalctl -b' in the distro "
                              "says what keeps systemd from starting.");
                return setup_says(part, SETUP_FAILED,
                                  "Its systemd was started and does not answer");
        case GUEST_INIT_NONE:
                return setup_says(part, SETUP_FAILED, "Its systemd is turned off");
        case GUEST_INIT_OTHER:
                break;
        }
        setup_advises(part, "Install it in the distro, then run this again:\n"
                            "  sudo apt-get update\n  sudo apt-get install systemd-sysv");
        return setup_says(part, SETUP_FAILED, "It has no systemd, which starts the agent");
}

const char *guest_lacks(const GuestFacts *g) {
        if (!guest_fits(g))
                return !g->dpkg                          ? "not Debian or Ubuntu"
                       : !guest_has_package_for(g->arch) ? "no package for its architecture"
                                                         : "a newer release";
        if (g->init == GUEST_INIT_OFFLINE)
                return "systemd does not answer";
        if (g->init != GUEST_INIT_RUNNING)
                return g->init == GUEST_INIT_NONE ? "systemd is off" : "no systemd";
        if (!g->package[0] && !g->files[0])
                return "the agent";
        if (!g->active)
                return "the agent does not run";
        return g->connected ? "nothing: it is connected" : "the connection to this host";
}
