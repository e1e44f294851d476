/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what the guest's doctor reads: up to the first '{' the output of 'systemctl show',
 * then the agent's status.json. What it finds may be shown, a narrow window loses no word of it,
 * and no text of the host gets into a command.
 */

#include "agent/ctl/doctor/guest-checks.h"
#include "tests/fuzz/tools/findings.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static void fuzz_doctor(const char *output, const Report *report, bool wsl) {
        Config config = {.helper = {.kind = CONFIG_HELPER_VSOCK}};
        PortMap *ports = calloc(1, sizeof(*ports));
        GuestEvidence e = {
                .systemd = true,
                .pid1 = "systemd",
                .wsl = wsl,
                .vmbus = true,
                .vsock = true,
                .systemd_installed = true,
                .status_problem = "The agent does not run",
                .report = report,
                .config = &config,
                .ports = ports,
                .udp_ports = ports,
                .idle = wsl ? IDLE_STOPS : IDLE_STAYS,
                .firewall_off = "",
                .mirrored = "",
                .containers = wsl ? "" : "docker0",
                .way_out = wsl ? "" : "tailscale0",
                .ufw = !wsl,
                .shm_link = wsl,
        };
        Findings f;

        require(ports != NULL);
        unit_parse(output, &e.unit);
        e.loopback = e.loopback_path = e.firewalld = e.unit;
        port_map_start(ports, &(IpAddr){0});
        guest_checks_run(&e, &f);
        require_findings(&f);
        findings_done(&f);
        free(ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char *output = calloc(n + 1, 1);
        Report *report = NULL;
        size_t n_output = 0;

        require(output != NULL);
        while (n_output < n && data[n_output] != '{')
                n_output++;
        memcpy(output, data, n_output);
        (void) report_parse((const char *) data + n_output, n - n_output, &report);
        fuzz_doctor(output, report, true);
        fuzz_doctor(output, report, false);
        report_free(report);
        free(output);
        return 0;
}
