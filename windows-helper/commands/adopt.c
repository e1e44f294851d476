/* SPDX-License-Identifier: MIT */

/*
 * 'adopt': allow wslbridge to take over a port forwarding that another program made.
 */

#include "windows-helper/store/adopt.h"
#include "windows-helper/commands/commands.h"

#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/win/rights.h"

#include <errno.h>
#include <stdlib.h>

int command_adopt(int argc, char **argv) {
        IpEndpoint listens[ADOPTION_ENDPOINTS_MAX];
        bool good = argc == 1 && adoption_parse(argv[0], listens) >= 0;

        if (good && !rights_demand("adopt"))
                return EXIT_FAILURE;
        if (argc == 1 && adopt(argv[0]) == 0)
                return EXIT_SUCCESS;
        return good ? EXIT_FAILURE : command_usage("adopt");
}
