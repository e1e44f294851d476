/* SPDX-License-Identifier: MIT */

/*
 * Advice about a port that is taken, by the process that has it.
 */

#include "windows-helper/core/base/holder.h"

#include <stdio.h>
#include <string.h>

#define HOLDER_SYSTEM            4  /* the process of Windows' kernel (fact 4.3.9) */
#define HOLDER_SERVICE_TWICE_MAX 30 /* a longer name fits only once */

/* File sharing, which is no matter of HTTP.sys. */
static bool is_file_sharing(uint16_t port) {
        return port == 139 || port == 445;
}

/* Not case-sensitive, as names of programs in Windows. ASCII is enough for these. */
static bool is_program(const char *name, const char *program) {
        for (; *name && *program; name++, program++)
                if ((*name | 0x20) != (*program | 0x20))
                        return false;
        return *name == *program;
}

bool holder_is_wsl(const Holder *h) {
        char first[] = "wsl";

        for (size_t i = 0; first[i]; i++)
                if ((h->process[i] | 0x20) != first[i])
                        return is_program(h->process, "dllhost.exe");
        return true;
}

static void kernel_text(uint16_t port, char ret_text[HOLDER_TEXT_MAX + 1]) {
        if (is_file_sharing(port))
                (void) snprintf(ret_text, HOLDER_TEXT_MAX + 1,
                                "in use by Windows' file sharing (process %d); listen elsewhere",
                                HOLDER_SYSTEM);
        else
                (void) snprintf(
                        ret_text, HOLDER_TEXT_MAX + 1,
                        "in use by process %d of Windows, most likely its web server (HTTP.sys); "
                        "'netsh http show servicestate' names the process behind it: end "
                        "that, or listen elsewhere",
                        HOLDER_SYSTEM);
}

static void services_text(const Holder *h, char ret_text[HOLDER_TEXT_MAX + 1]) {
        if (strchr(h->services, ',') || strlen(h->services) > HOLDER_SERVICE_TWICE_MAX)
                (void) snprintf(ret_text, HOLDER_TEXT_MAX + 1,
                                "in use by one of the services %s (%s, process %u); stop that one "
                                "if nobody needs it, or listen elsewhere",
                                h->services, h->process, (unsigned) h->pid);
        else
                (void) snprintf(ret_text, HOLDER_TEXT_MAX + 1,
                                "in use by the service %.*s (%s, process %u); stop it with 'sc.exe "
                                "stop %.*s' if nobody needs it, or listen elsewhere",
                                HOLDER_SERVICE_TWICE_MAX, h->services, h->process,
                                (unsigned) h->pid, HOLDER_SERVICE_TWICE_MAX, h->services);
}

static const char *program_advice(const char *process) {
        static const struct {
                const char *program, *advice;
        } programs[] = {
                /* Ending it would be of no use, because WSL starts it again. */
                {"wslrelay.exe", "WSL leads it to a program in a guest: end that one"},
                {"com.docker.backend.exe", "stop the container that publishes it"},
                {"svchost.exe",
                 "'tasklist /svc' names its services: stop the one that is not needed"},
        };

        for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
                if (is_program(process, programs[i].program))
                        return programs[i].advice;
        return "end it";
}

void holder_text(const Holder *h, uint16_t port, char ret_text[HOLDER_TEXT_MAX + 1]) {
        if (h->pid == HOLDER_SYSTEM)
                kernel_text(port, ret_text);
        else if (h->services[0])
                services_text(h, ret_text);
        else
                (void) snprintf(ret_text, HOLDER_TEXT_MAX + 1,
                                "in use by %s (process %u); %s, or listen elsewhere",
                                h->process[0] ? h->process : "another program", (unsigned) h->pid,
                                program_advice(h->process));
}
