/* SPDX-License-Identifier: MIT */

/*
 * 'wslbridgectl expose': its arguments become a file that the agent reads as it was meant, and that
 * is recognized later.
 */

#include "agent/ctl/client/service-request.h"

#include "tests/unit/agent/testing.h"

/* @request as a file; "" when it has problems, which are then in @problems. */
static Buffer make(const ServiceRequest *request, ConfigProblems *problems) {
        static ServiceFile file;
        Buffer text = BUFFER_NULL;

        config_problems_begin(problems, "request");
        service_request_parse(request, &file, problems);
        if (problems->n == 0)
                service_file_format(&file, &text);
        return text;
}

START_TEST(names_from_ports) {
        static const struct {
                const char *ports, *name; /* NULL = the form is wrong */
        } table[] = {
                {"8080", "port-8080"},
                {"2222:22", "port-2222"},
                {"8000-8010:9000-9010", "port-8000-8010"},
                {"5060/udp", "port-5060-udp"},
                {"8053:53/UDP", "port-8053-udp"},
                {"8080/tcp", "port-8080"},
                {"/udp", NULL},
                {"", NULL},
                {":80", NULL},
                {"web", NULL},
                {"../x", NULL},
                {"1.2.3.4:80", NULL},
                {"111111111111111111111111", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char name[WIRE_SERVICE_NAME_MAX + 1] = "";

                ck_assert_int_eq(service_request_name(table[i].ports, name), !!table[i].name);
                if (table[i].name)
                        ck_assert_str_eq(name, table[i].name);
                if (table[i].name)
                        ck_assert(wire_service_name_valid(name));
        }
}
END_TEST

START_TEST(files) {
        static const struct {
                ServiceRequest request;
                const char *lines; /* after [service] */
        } table[] = {
                {{.ports = "8080"}, "listen = 0.0.0.0:8080\n"},
                {{.ports = "8080:8080"}, "listen = 0.0.0.0:8080\n"},
                {{.ports = "2222:22", .description = "OpenSSH \xc3\xa4"},
                 "description = OpenSSH \xc3\xa4\nlisten = 0.0.0.0:2222\nconnect-port = 22\n"},
                {{.ports = "5060/udp"}, "listen = 0.0.0.0:5060\nprotocol = udp\n"},
                {{.ports = "8053:53/UDP", .loopback = true},
                 "listen = 0.0.0.0:8053\nconnect-port = 53\nprotocol = udp\nconnect = loopback\n"},
                {{.ports = "8080/tcp", .client_address = "Proxy-v2", .forwarder = "auto"},
                 "listen = 0.0.0.0:8080\nclient-address = proxy-v2\n"},
                {{.ports = "1", .forwarder = "relay"}, "listen = 0.0.0.0:1\nforwarder = relay\n"},
                {{.ports = "80-90:180-190",
                  .addresses = {"::", "[::1]", "192.0.2.1"},
                  .n_addresses = 3},
                 "listen = [::]:80-90\nlisten = [::1]:80-90\nlisten = 192.0.2.1:80-90\n"
                 "connect-port = 180-190\n"},
                {{.ports = "1", .firewall = "private,domain", .remote = "localsubnet"},
                 "listen = 0.0.0.0:1\n"},
                {{.ports = "1", .firewall = "NONE", .remote = "any"},
                 "listen = 0.0.0.0:1\nfirewall = none\nremote = any\n"},
                {{.ports = "1", .firewall = "public", .remote = "10.0.0.0/8, fd00::/8 192.0.2.7"},
                 "listen = 0.0.0.0:1\nfirewall = public\nremote = 10.0.0.0/8\n"
                 "remote = fd00::/8\nremote = 192.0.2.7/32\n"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ConfigProblems problems = CONFIG_PROBLEMS_NULL;
                Buffer text = make(&table[i].request, &problems);

                ck_assert_uint_eq(problems.n, 0);
                ck_assert_str_eq(strstr(buffer_text(&text), "[service]\n") + strlen("[service]\n"),
                                 table[i].lines);
                ck_assert(service_file_is_ours(buffer_bytes(&text), buffer_length(&text)));
                buffer_done(&text);
                config_problems_done(&problems);
        }
}
END_TEST

START_TEST(mistakes) {
        static const struct {
                ServiceRequest request;
                const char *key, *says; /* key NULL: none */
        } table[] = {
                {{.ports = "80800"}, "listen", "80800"},
                {{.ports = "8000-8010:99"},
                 NULL,
                 "11 ports of the host cannot lead to 1 of the guest"},
                {{.ports = "80:x"}, "listen", "'x'"},
                /* the port would be 1, if it were cut anywhere */
                {{.ports = "80:00000000000000000000000000010090"}, "listen", "31 characters"},
                {{.ports = "000000000000000000000000000001080/udp"}, "listen", "31 characters"},
                {{.ports = "80/sctp"}, "protocol", "neither tcp nor udp"},
                {{.ports = "80", .client_address = "yes"}, "client-address", "neither hidden nor"},
                {{.ports = "80/udp", .client_address = "proxy-v2"}, "client-address", "is for TCP"},
                {{.ports = "80\nlisten = 81"}, "listen", "control character"},
                {{.ports = "80", .description = "a\nlisten = 81"}, "description", "control"},
                {{.ports = "80", .description = "a ; b"}, "description", "semicolon"},
                {{.ports = "80", .firewall = "privat"}, "firewall", "did you mean 'private'"},
                {{.ports = "80", .remote = "example.org"}, "remote", "example.org"},
                {{.ports = "80", .addresses = {"localhost"}, .n_addresses = 1},
                 "listen",
                 "localhost"},
                {{.ports = "80", .addresses = {"::1", "[::1]"}, .n_addresses = 2},
                 "listen",
                 "already"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ConfigProblems problems = CONFIG_PROBLEMS_NULL;
                Buffer text = make(&table[i].request, &problems);

                ck_assert_msg(problems.n > 0, "case %zu", i);
                ck_assert_uint_eq(buffer_length(&text), 0);
                ck_assert_msg(strstr(problems.items[0].message, table[i].says) != NULL, "%s",
                              problems.items[0].message);
                if (table[i].key)
                        ck_assert_str_eq(problems.items[0].key, table[i].key);
                else
                        ck_assert_ptr_null(problems.items[0].key);
                config_problems_done(&problems);
        }
}
END_TEST

START_TEST(changed_files_are_not_ours) {
        static const char *const added[] = {"# a note\n", "enabled = no \n", "listen = 81\n", " "};
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        Buffer text = make(&(ServiceRequest){.ports = "80"}, &problems);

        for (size_t i = 0; i < ELEMENTSOF(added); i++) {
                Buffer changed = BUFFER_NULL;

                buffer_printf(&changed, "%s%s", buffer_text(&text), added[i]);
                ck_assert_msg(
                        !service_file_is_ours(buffer_bytes(&changed), buffer_length(&changed)),
                        "%s", buffer_text(&changed));
                buffer_done(&changed);
        }
        ck_assert(!service_file_is_ours(buffer_bytes(&text), buffer_length(&text) - 1));
        ck_assert(!service_file_is_ours((const uint8_t *) "[service]\nlisten = 80\n", 22));
        ck_assert(!service_file_is_ours((const uint8_t *) "", 0));
        buffer_done(&text);
        config_problems_done(&problems);
}
END_TEST

static Config *load(const char *name, const char *lines) {
        ConfigCandidate candidate = {
                .name = name, .data = (const uint8_t *) lines, .n = strlen(lines)};
        Config *config = NULL;

        ck_assert_int_eq(config_load_candidate(test_directory, &candidate, NULL, &config), 0);
        return config;
}

START_TEST(candidate_stands_for_a_file) {
        static const char web[] = "[service]\nlisten = 80\n", other[] = "[service]\nlisten = 81\n";
        static const char clash[] = "[service]\nlisten = 80-90\n";
        Config *config;

        test_mkdir("etc/wslbridge/services.d");
        test_write("etc/wslbridge/services.d/m.ini", web, strlen(web), 0644);
        config = load("z", other); /* it sorts after */
        ck_assert_uint_eq(config->n_services, 2);
        ck_assert_str_eq(config->services[1].name, "z");
        ck_assert_str_eq(config->services[1].file, "/etc/wslbridge/services.d/z.ini");
        config_free(config);
        config = load("a", clash); /* it sorts before the other one, which then has the problem */
        ck_assert_uint_eq(config->n_problems, 1);
        ck_assert_str_eq(config->problems[0].file, "/etc/wslbridge/services.d/m.ini");
        config_free(config);
        config = load("m", clash); /* in its place */
        ck_assert_uint_eq(config->n_services, 1);
        ck_assert_uint_eq(config->n_problems, 0);
        ck_assert_uint_eq(config->wire.listens[0].count, 11);
        config_free(config);
        config = load("m", "[service]\n");
        ck_assert_uint_eq(config->n_services, 0);
        ck_assert_uint_eq(config->n_problems, 1);
        config_free(config);
}
END_TEST

START_TEST(same_request) {
        static const struct {
                const char *lines;
                bool same;
        } table[] = {
                {"[service]\nlisten = 80\n", true},
                {"[service]\ndescription = other\nlisten=0.0.0.0:80\nconnect-port = 80\n", true},
                {"[service]\nlisten = 80\nconnect-port = 81\n", false},
                {"[service]\nlisten = 80\nfirewall = none\n", false},
                {"[service]\nlisten = 80\nremote = 10.0.0.0/8\n", false},
                {"[service]\nlisten = 80\nenabled = no\n", false},
        };
        Config *was = load("web", "[service]\nlisten = 80\n");

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Config *is = load("web", table[i].lines);

                ck_assert_msg(service_same_request(was, is, "web") == table[i].same, "case %zu", i);
                ck_assert(!service_same_request(was, is, "other"));
                config_free(is);
        }
        config_free(was);
}
END_TEST

int main(void) {
        Suite *s = suite_create("service-request");
        TCase *c = tcase_create("service");

        tcase_add_checked_fixture(c, test_setup, test_teardown);
        tcase_add_test(c, names_from_ports);
        tcase_add_test(c, files);
        tcase_add_test(c, mistakes);
        tcase_add_test(c, changed_files_are_not_ours);
        tcase_add_test(c, candidate_stands_for_a_file);
        tcase_add_test(c, same_request);
        suite_add_tcase(s, c);
        return suite_run(s);
}
