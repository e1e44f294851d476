/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as files of the guest that wslbridge has written itself, which anybody may have changed
 * since: a service file of 'expose', and the name that is kept. What is written reads the same
 * again. And any lines as the arguments of 'expose', and as where a symbolic link leads.
 */

#include "agent/ctl/client/service-request.h"
#include "agent/guest/kept.h"
#include "agent/util/link.h"

#include <stdlib.h>
#include <string.h>

#define INSTALLATION "0123456789abcdef0123456789abcdef/machine"
#define PORTS_MAX    31 /* bytes of "65535-65535:65535-65535", and some more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

/* Return: whether it has no problem. */
static bool parse_service(const uint8_t *data, size_t n, ServiceFile *ret_file) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        bool good;

        config_problems_begin(&problems, "fuzz.ini");
        service_file_parse(data, n, ret_file, &problems);
        require(!problems.oom);
        good = problems.n == 0;
        config_problems_done(&problems);
        return good;
}

/* What @file says has one text, which reads the same again and is known as ours. */
static void require_text(const ServiceFile *file) {
        Buffer text = BUFFER_NULL, again = BUFFER_NULL;
        ServiceFile same;

        service_file_format(file, &text);
        require(!text.oom && buffer_length(&text) <= CONFIG_FILE_MAX);
        require(parse_service(buffer_bytes(&text), buffer_length(&text), &same));
        service_file_format(&same, &again);
        require(strcmp(buffer_text(&text), buffer_text(&again)) == 0);
        require(same.enabled == file->enabled && same.n_listens == file->n_listens &&
                same.n_remotes == file->n_remotes && same.profiles == file->profiles &&
                same.remote == file->remote && strcmp(same.description, file->description) == 0 &&
                memcmp(same.options, file->options, sizeof(same.options)) == 0);
        require(service_file_is_ours(buffer_bytes(&text), buffer_length(&text)));
        buffer_printf(&text, "\n");
        require(!service_file_is_ours(buffer_bytes(&text), buffer_length(&text)));
        buffer_done(&text);
        buffer_done(&again);
}

static void fuzz_service(const uint8_t *data, size_t n) {
        bool ours = service_file_is_ours(data, n);
        ServiceFile file;

        if (!parse_service(data, n, &file)) {
                require(!ours);
                return;
        }
        require_text(&file);
}

/* Lines: the ports, two addresses, description, firewall, remote. An empty one is not given. */
static void fuzz_request(char *text) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        char name[WIRE_SERVICE_NAME_MAX + 1], *lines[6] = {NULL};
        ServiceRequest request = {0};
        ServiceFile file;

        for (size_t i = 0; i < 6 && text; i++) {
                lines[i] = strsep(&text, "\n");
                lines[i] = *lines[i] ? lines[i] : NULL;
        }
        if (!lines[0])
                return;
        request = (ServiceRequest){.ports = lines[0],
                                   .description = lines[3],
                                   .firewall = lines[4],
                                   .remote = lines[5],
                                   .addresses = {lines[1], lines[2]},
                                   .n_addresses = !lines[1]   ? 0
                                                  : !lines[2] ? 1
                                                              : 2};
        config_problems_begin(&problems, "expose");
        service_request_parse(&request, &file, &problems);
        if (problems.n == 0) {
                require(strcspn(request.ports, "/") <= PORTS_MAX);
                require(file.n_listens == (request.n_addresses ? request.n_addresses : 1));
                require(!service_request_name(request.ports, name) ||
                        wire_service_name_valid(name));
                require_text(&file);
        }
        config_problems_done(&problems);
}

static void fuzz_kept(const char *text) {
        char written[KEPT_SIZE_MAX + 1];
        Kept kept, again;

        if (!kept_parse(text, INSTALLATION, &kept))
                return;
        require(!kept.distro[0] || wsl_name_valid(kept.distro));
        require(wire_text_valid((const uint8_t *) kept.word, strlen(kept.word)));
        kept_format(INSTALLATION, &kept, written);
        require(kept_parse(written, INSTALLATION, &again));
        require(strcmp(kept.distro, again.distro) == 0 && strcmp(kept.word, again.word) == 0);
        require(!kept_parse(written, INSTALLATION "s", &again));
        written[strlen("installation=")] ^= 1;
        require(!kept_parse(written, INSTALLATION, &again));
}

static void fuzz_link(const char *target) {
        char path[256], same[256];

        if (!link_leads_to("/etc/wslbridge/services.d/x.ini", target, path, sizeof(path)))
                return;
        require(path[0] == '/' && !strstr(path, "//") && !strstr(path, "/./") &&
                !strstr(path, "/../"));
        require(strcmp(path, "/") == 0 || path[strlen(path) - 1] != '/');
        require(link_leads_to("/x", path, same, sizeof(same)) && strcmp(path, same) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *text = calloc(n + 1, 1);

        require(text != NULL);
        memcpy(text, data, n);
        if (n <= CONFIG_FILE_MAX)
                fuzz_service(data, n);
        fuzz_kept(text);
        fuzz_link(text);
        fuzz_request(text);
        free(text);
        return 0;
}
