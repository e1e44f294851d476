/* SPDX-License-Identifier: MIT */

/*
 * The lines to type in a plain Hyper-V guest and on this host.
 */

#include "windows-helper/setup/print.h"

#include "common/names.h"
#include "windows-helper/win/console.h"

#include <stdlib.h>

static const char print_text[] =
        "# For a Hyper-V guest with Debian or Ubuntu that is no WSL distro.\n\n"
        "# 1. Copy the package for its architecture into the guest. The packages are in\n"
        "#    " NAMES_HELPER_FOLDER "\\guest\n\n"
        "# 2. In the guest:\n"
        "  sudo apt-get install ./wslbridge_" PROJECT_VERSION "-1_*.deb\n"
        "  sudo systemctl enable --now wslbridge-agent\n"
        "  sudo grep -E '^ *.(agent_id|distro)' /run/wslbridge/status.json\n\n"
        "# 3. On this host, in a terminal opened with 'Run as administrator', with the two values\n"
        "#    in the place of ID and NAME:\n" NAMES_HELPER_CD "  .\\wslbridge-helper install\n"
        "  .\\wslbridge-helper pair --print ID/NAME\n\n"
        "# 4. In the guest; the first command asks for the line that you have just seen:\n"
        "  sudo wslbridgectl pair\n"
        "  sudo wslbridgectl doctor\n";

int print_hyperv(void) {
        (void) console_write(CONSOLE_OUTPUT, print_text, sizeof(print_text) - 1);
        return EXIT_SUCCESS;
}
