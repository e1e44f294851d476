/* SPDX-License-Identifier: MIT */

/* Claim: the identity is stable, does not give the machine id away, and has a usable name. */

#include "agent/guest/identity.h"

#include "agent/util/cleanup.h"
#include "tests/unit/agent/testing.h"

#include <systemd/sd-id128.h>

START_TEST(test_ids) {
        static const uint8_t zero[WIRE_ID_SIZE];
        sd_id128_t machine, boot;
        WireHello a, b;

        ck_assert_int_ge(sd_id128_get_machine(&machine), 0);
        ck_assert_int_ge(sd_id128_get_boot(&boot), 0);
        ck_assert_int_eq(identity_load(&a), 0);
        ck_assert_int_eq(identity_load(&b), 0);
        ck_assert_mem_eq(a.agent_id, b.agent_id, WIRE_ID_SIZE);
        ck_assert_mem_ne(a.agent_id, machine.bytes, WIRE_ID_SIZE);
        ck_assert_mem_ne(a.agent_id, zero, WIRE_ID_SIZE);
        ck_assert_mem_eq(a.boot_id, boot.bytes, WIRE_ID_SIZE);
        ck_assert(!a.has_vm_id);
        ck_assert_str_eq(a.software, "wslbridge " PROJECT_VERSION);
}
END_TEST

/* Agents of version 0.1.0 took the id from systemd, and their keys belong to it. */
START_TEST(test_the_id_is_systemds) {
        const sd_id128_t application =
                SD_ID128_MAKE(fb, f4, b4, 76, 34, 14, 09, 12, 93, 89, 80, 04, af, 55, a8, 6d);
        sd_id128_t expected;
        WireHello hello;

        ck_assert_int_ge(sd_id128_get_machine_app_specific(application, &expected), 0);
        ck_assert_int_eq(identity_load(&hello), 0);
        ck_assert_mem_eq(hello.agent_id, expected.bytes, WIRE_ID_SIZE);
}
END_TEST

START_TEST(test_distro) {
        static const struct {
                const char *value;
                bool taken;
        } cases[] = {
                {"Debian", true},
                {"Ubuntu-22.04", true},
                {"", false},
                {"my distro", false},
                {"a/b", false}, /* the name follows a slash in the helper's registry */
                {"a\\b", false},
                {"\xff", false},
                {"0123456789012345678901234567890123456789012345678901234567890123", true},
                {"01234567890123456789012345678901234567890123456789012345678901234", false},
        };
        char host[256] = "";
        WireHello hello;

        ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                setenv("WSL_DISTRO_NAME", cases[i].value, 1);
                ck_assert_int_eq(identity_load(&hello), 0);
                if (cases[i].taken) {
                        ck_assert_str_eq(hello.distro, cases[i].value);
                } else {
                        ck_assert_str_ne(hello.distro, cases[i].value);
                        ck_assert(*hello.distro);
                }
        }
        unsetenv("WSL_DISTRO_NAME");
        ck_assert_int_eq(identity_load(&hello), 0);
        ck_assert(strcmp(hello.distro, host) == 0 || strlen(host) > WIRE_DISTRO_MAX);
}
END_TEST

/* A copied disk takes the machine id along; the virtual machine's UUID tells it from its original.
 */
START_TEST(test_machine) {
        static const char *const not_uuids[] = {"", "\n", "unknown", "Not Settable\n",
                                                "03000200-0400-0500-0006-00070008000"};
        static const char one[] = "4c4c4544-0042-3510-8053-b7c04f4e3332\n";
        static const char other[] = "4c4c4544-0042-3510-8053-b7c04f4e3333\n";
        static const uint8_t agent_id[WIRE_ID_SIZE] = {1, 2, 3};
        Installation a, b;
        const char *credentials;

        test_setup();
        identity_of_machine(test_directory, NULL, agent_id, &a);
        ck_assert_mem_eq(a.id, agent_id, WIRE_ID_SIZE);
        ck_assert(!a.of_machine);
        test_mkdir("sys");
        test_mkdir("sys/class");
        test_mkdir("sys/class/dmi");
        test_mkdir("sys/class/dmi/id");
        for (size_t i = 0; i < ELEMENTSOF(not_uuids); i++) {
                test_write(IDENTITY_UUID_FILE, not_uuids[i], strlen(not_uuids[i]), 0400);
                identity_of_machine(test_directory, NULL, agent_id, &a);
                ck_assert_mem_eq(a.id, agent_id, WIRE_ID_SIZE);
                ck_assert(!a.of_machine);
        }
        test_write(IDENTITY_UUID_FILE, one, strlen(one), 0400);
        identity_of_machine(test_directory, NULL, agent_id, &a);
        ck_assert_mem_ne(a.id, agent_id, WIRE_ID_SIZE);
        ck_assert(a.of_machine);
        test_write(IDENTITY_UUID_FILE, other, strlen(other), 0400);
        identity_of_machine(test_directory, NULL, agent_id, &b);
        ck_assert_mem_ne(a.id, b.id, WIRE_ID_SIZE);
        /* The service's way to the same. */
        test_mkdir("credentials");
        credentials = test_path("credentials");
        test_write("credentials/machine", one, strlen(one), 0400);
        identity_of_machine(test_directory, credentials, agent_id, &b);
        ck_assert_mem_eq(a.id, b.id, WIRE_ID_SIZE);
        ck_assert(b.of_machine);
        test_teardown();
}
END_TEST

int main(void) {
        sd_id128_t machine;
        TCase *t = tcase_create("identity");

        if (sd_id128_get_machine(&machine) < 0)
                return 77; /* an image that has not been set up */
        tcase_add_test(t, test_ids);
        tcase_add_test(t, test_the_id_is_systemds);
        tcase_add_test(t, test_distro);
        tcase_add_test(t, test_machine);
        return test_run(t, "identity");
}
