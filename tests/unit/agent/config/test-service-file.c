/* SPDX-License-Identifier: MIT */

/*
 * The keys of a service file: what they mean, and every way to get them wrong with the message that
 * the user gets. test-drop-ins.c tests the form of a file, test-load.c what can be wrong between
 * files.
 */

#include "agent/config/service-file.h"

#include "protocol/wire/wire-options.h"

#include "tests/unit/agent/config/config-testing.h"

static void parse(const char *content, ServiceFile *ret_service, ConfigProblems *ret_problems) {
        *ret_problems = CONFIG_PROBLEMS_NULL;
        config_problems_begin(ret_problems, "x.ini");
        service_file_parse((const uint8_t *) content, strlen(content), ret_service, ret_problems);
        config_problems_sort(ret_problems);
}

/* The file after its "[service]" line, and how it is understood: "address:port+count>connect". */
typedef struct ListenCase {
        const char *content;
        const char *expected[4];
} ListenCase;

static const ListenCase listen_cases[] = {
        {"listen = 2222", {"0.0.0.0:2222+1>2222"}},
        {"listen = 0.0.0.0:2222", {"0.0.0.0:2222+1>2222"}},
        {"listen = 127.0.0.1:80", {"127.0.0.1:80+1>80"}},
        {"listen = [::]:2222", {"[::]:2222+1>2222"}},
        {"listen = [2001:DB8:0::1]:80", {"[2001:db8::1]:80+1>80"}},
        {"listen = 1", {"0.0.0.0:1+1>1"}},
        {"listen = 65535", {"0.0.0.0:65535+1>65535"}},
        {"listen = 8000-8010", {"0.0.0.0:8000+11>8000"}},
        {"listen = 8000 - 8010", {"0.0.0.0:8000+11>8000"}},
        {"listen = 192.0.2.1:8000-8010", {"192.0.2.1:8000+11>8000"}},
        {"listen = [::1]:65534-65535", {"[::1]:65534+2>65534"}},
        {"listen = 80-80", {"0.0.0.0:80+1>80"}},
        {"listen = 1-16384", {"0.0.0.0:1+16384>1"}},
        {"listen = 2222\nconnect-port = 22", {"0.0.0.0:2222+1>22"}},
        {"connect-port = 22\nlisten = 2222", {"0.0.0.0:2222+1>22"}},
        {"listen = 8000-8010\nconnect-port = 9000-9010", {"0.0.0.0:8000+11>9000"}},
        {"listen = 80\nlisten = [::]:80\nlisten = 8080\nconnect-port = 8000",
         {"0.0.0.0:80+1>8000", "[::]:80+1>8000", "0.0.0.0:8080+1>8000"}},
        {"listen = 80\nlisten = 127.0.0.1:80\nlisten = 81-90\nlisten = 91",
         {"0.0.0.0:80+1>80", "127.0.0.1:80+1>80", "0.0.0.0:81+10>81", "0.0.0.0:91+1>91"}},
};

START_TEST(listens) {
        const ListenCase *c = &listen_cases[_i];
        ConfigProblems problems;
        ServiceFile service;
        char content[512];

        (void) snprintf(content, sizeof(content), "[service]\n%s\n", c->content);
        parse(content, &service, &problems);
        check_problems(c->content, problems.items, problems.n, (const char *[]){NULL});
        for (uint32_t i = 0; i < service.n_listens; i++) {
                const WireListen *l = &service.listens[i];
                char endpoint[IP_ENDPOINT_TEXT_MAX], text[128];

                ip_endpoint_format(&(IpEndpoint){l->addr, l->port}, endpoint);
                (void) snprintf(text, sizeof(text), "%s+%u>%u", endpoint, l->count,
                                l->connect_port);
                ck_assert_str_eq(text, c->expected[i]);
        }
        ck_assert(service.n_listens == 4 || !c->expected[service.n_listens]);
        config_problems_done(&problems);
}
END_TEST

/* Line 1 is "[service]", so the lines of @content count from 2. */
typedef struct ProblemCase {
        const char *content;
        const char *expected[EXPECTED_MAX];
} ProblemCase;

static const ProblemCase problem_cases[] = {
        /* ports */
        {"listen = 0", {"x.ini:2: listen: there is no port 0; ports are 1 to 65535"}},
        {"listen = 65536", {"x.ini:2: listen: there is no port 65536; ports are 1 to 65535"}},
        {"listen = 99999999999999999999", {"x.ini:2: listen: there is no port 999"}},
        {"listen = 0.0.0.0:0", {"x.ini:2: listen: there is no port 0"}},
        {"listen = -1", {"x.ini:2: listen: '-1' is not a port; write a number from 1 to 65535"}},
        {"listen = +80", {"x.ini:2: listen: '+80' is not a port"}},
        {"listen = 0x50", {"x.ini:2: listen: '0x50' is not a port"}},
        {"listen = 8010-8000", {"x.ini:2: listen: ...reversed; write 8000-8010"}},
        {"listen = 8000-9",
         {"x.ini:2: listen: ...reversed; write both ports in full, such as 8000-8009"}},
        {"listen = 8080/udp",
         {"x.ini:2: listen: write 8080, and 'protocol = udp' in a line of its own"}},
        {"listen = 0.0.0.0:8080/TCP", {"x.ini:2: listen: TCP is the default; write 8080"}},
        {"listen = 8080/x", {"x.ini:2: listen: '8080/x' is not a port"}},
        {"listen = 65530-65540", {"x.ini:2: listen: there is no port 65540"}},
        {"listen = 0-10", {"x.ini:2: listen: there is no port 0"}},
        {"listen = 80-", {"x.ini:2: listen: '' is not a port...a range such as 8000-8010"}},
        {"listen = 80-81-82", {"x.ini:2: listen: '81-82' is not a port"}},
        {"listen = 1-16385",
         {"x.ini:2: listen: the range has 16385 ports, but the limit is 16384"}},
        {"listen = 80, 443", {"x.ini:2: listen: a line has one endpoint; repeat 'listen ='"}},
        {"listen = 80 443", {"x.ini:2: listen: '80 443' is not a port"}},
        {"listen = 80 # web",
         {"x.ini:2: listen: the value has a '#'; a comment...starts with ' ;'"}},
        {"listen =", {"x.ini:2: listen: has no value; give one, or remove the line"}},
        {"listen = ; nothing", {"x.ini:2: listen: has no value"}},
        /* addresses */
        {"listen = *:80", {"x.ini:2: listen: '*'...write 0.0.0.0:80...[::]:80"}},
        {"listen = :80",
         {"x.ini:2: listen: there is no address before ':'; write 0.0.0.0:80 or just 80"}},
        {"listen = localhost:80", {"x.ini:2: listen: 'localhost'...127.0.0.1:80 or [::1]:80"}},
        {"listen = nas.lan:80", {"x.ini:2: listen: 'nas.lan'...host names are not looked up"}},
        {"listen = http://x/", {"x.ini:2: listen: 'http' is not an address"}},
        {"listen = 192.0.2.300:80", {"x.ini:2: listen: '192.0.2.300' is not an IPv4 address"}},
        {"listen = 8080:80",
         {"x.ini:2: listen: only the port of Windows...write 'listen = 8080', and 'connect-port = "
          "80' in a line of its own"}},
        {"listen = 8000-8010:9000-9010",
         {"x.ini:2: listen: only the port of Windows...'connect-port = 9000-9010'"}},
        {"listen = ::1:8080",
         {"x.ini:2: listen: an IPv6 address needs brackets; write [::1]:8080, or [::1:8080]:PORT "
          "if"}},
        {"listen = 010.0.0.1:80", {"x.ini:2: listen: '010.0.0.1'...without leading zeros"}},
        {"listen = 0.0.0.0", {"x.ini:2: listen: '0.0.0.0' has no port; write 0.0.0.0:PORT"}},
        {"listen = 0.0.0.0:", {"x.ini:2: listen: '' is not a port"}},
        {"listen = :::80", {"x.ini:2: listen: ':::80' is not ADDRESS:PORT...needs brackets"}},
        {"listen = ::1", {"x.ini:2: listen: an IPv6 address needs brackets...[::1]:PORT"}},
        {"listen = 2001:db8::1:80", {"x.ini:2: listen: an IPv6 address needs brackets"}},
        {"listen = [::]", {"x.ini:2: listen: '[::]' has no port; write [ADDRESS]:PORT"}},
        {"listen = [::1:80", {"x.ini:2: listen: '[::1:80' has no port"}},
        {"listen = [::g]:80", {"x.ini:2: listen: '::g' is not an IPv6 address...[::]:80"}},
        {"listen = [10.0.0.1]:80", {"x.ini:2: listen: brackets are for IPv6...10.0.0.1:80"}},
        {"listen = [fe80::1%eth0]:80", {"x.ini:2: listen: 'fe80::1%eth0' has a zone"}},
        {"listen = 224.0.0.1:80", {"x.ini:2: listen: 224.0.0.1 is a multicast"}},
        {"listen = 255.255.255.255:80", {"x.ini:2: listen: 255.255.255.255 is a multicast, broad"}},
        {"listen = 0.0.0.7:80", {"x.ini:2: listen: 0.0.0.7...use 0.0.0.0 for all"}},
        {"listen = [ff02::1]:80", {"x.ini:2: listen: ff02::1 is a multicast address; use [::]"}},
        {"listen = [::ffff:10.0.0.1]:80", {"x.ini:2: listen: ...write the IPv4 address"}},
        /* several lines */
        {"listen = 80\nlisten = 0.0.0.0:80",
         {"x.ini:3: listen: line 2 already listens on port 80 of that address; remove one"}},
        {"listen = 8000-8010\nlisten = 8010-8020", {"x.ini:3: listen: line 2...port 8010"}},
        {"listen = 8005\nlisten = 8000-8010", {"x.ini:3: listen: line 2...port 8005"}},
        {"listen = 0\nlisten = x\nlisten = 80\nlisten = 70000",
         {"x.ini:2: listen: ", "x.ini:3: listen: ", "x.ini:5: listen: "}},
        {"description = a\ndescription = b\nlisten = 80\nenabled = yes\nenabled = yes",
         {"x.ini:3: description: was already given in line 2; keep one",
          "x.ini:6: enabled: ...line 5"}},
        /* connect-port */
        {"listen = 80\nconnect-port = 0", {"x.ini:3: connect-port: there is no port 0"}},
        {"listen = 80\nconnect-port = 127.0.0.1:8080",
         {"x.ini:3: connect-port: '127.0.0.1:8080' is not a port"}},
        {"listen = 80-89\nconnect-port = 8080",
         {"x.ini:3: connect-port: has 1 port, but 'listen' in line 2 has 10; write ranges of eq"}},
        {"listen = 80-89\nlisten = 100-110\nconnect-port = 8080-8089",
         {"x.ini:4: connect-port: has 10 ports, but 'listen' in line 3 has 11"}},
        {"listen = 80\nconnect-port = 65530-65540",
         {"x.ini:3: connect-port: there is no port 65540"}},
        {"listen = 80\nconnect-port = 80\nconnect-port = 81",
         {"x.ini:4: connect-port: was already given in line 3"}},
        {"connect-port = 80", {"x.ini: listen: is missing; add a line such as 'listen = 2222'"}},
        /* firewall */
        {"listen = 80\nfirewall = home",
         {"x.ini:3: firewall: 'home'...write private, domain, pub"}},
        {"listen = 80\nfirewall = privat", {"x.ini:3: firewall: ...did you mean 'private'?"}},
        {"listen = 80\nfirewall = none, private",
         {"x.ini:3: firewall: 'none' must be the only word"}},
        {"listen = 80\nfirewall = ,", {"x.ini:3: firewall: ...write 'none' to open nothing"}},
        /* remote */
        {"listen = 80\nremote = 10.1.2.3/8",
         {"x.ini:3: remote: 10.1.2.3/8...write 10.0.0.0/8 for the network, or 10.1.2.3 for"}},
        {"listen = 80\nremote = fd00::1/65", {"x.ini:3: remote: ...write fd00::/65"}},
        {"listen = 80\nremote = 10.0.0.0/33", {"x.ini:3: remote: '33'...0 to 32"}},
        {"listen = 80\nremote = 10.0.0.0/255.0.0.0", {"x.ini:3: remote: '255.0.0.0'...bits"}},
        {"listen = 80\nremote = 10.0.0.0/", {"x.ini:3: remote: '' is not a prefix length"}},
        {"listen = 80\nremote = laptop.lan", {"x.ini:3: remote: 'laptop.lan' is not an address"}},
        /* what nobody sees is shown, here a zero-width space */
        {"listen = 80\nremote = fd00::\xe2\x80\x8b/8",
         {"x.ini:3: remote: 'fd00::\\xe2\\x80\\x8b/8' is not an address"}},
        {"listen = 80\nremo\xe2\x80\x8bte = any", {"x.ini:3: remo\\xe2\\x80\\x8bte: "}},
        {"listen = 80\nremote = local-subnet", {"x.ini:3: remote: ...did you mean 'LocalSubnet'?"}},
        {"listen = 80\nremote = any, 10.0.0.0/8", {"x.ini:3: remote: 'any' must be the only word"}},
        {"listen = 80\nremote = 10.0.0.0/8 LocalSubnet",
         {"x.ini:3: remote: 'LocalSubnet' must be the only word"}},
        {"listen = 80\nremote = any\nremote = 10.0.0.0/8",
         {"x.ini:4: remote: line 3 says 'any', which excludes all others"}},
        {"listen = 80\nremote = 10.0.0.0/8\nremote = any",
         {"x.ini:4: remote: 'any' must be the only word"}},
        {"listen = 80\nremote = 1.2.3, 10.0.0.1/8, x",
         {"x.ini:3: remote: '1.2.3'", "x.ini:3: remote: 'x'", "x.ini:3: remote: 10.0.0.1/8"}},
        {"listen = 80\nremote = ,", {"x.ini:3: remote: has no value; write LocalSubnet, any"}},
        /* enabled, keys */
        {"listen = 80\nenabled = maybe", {"x.ini:3: enabled: 'maybe' is neither yes nor no"}},
        {"lisen = 80", {"x.ini: listen: is missing", "x.ini:2: lisen: ...did you mean 'listen'?"}},
        {"listen = 80\nconnect_port = 80", {"x.ini:3: connect_port: ...mean 'connect-port'?"}},
        {"listen = 80\nRemote = any", {"x.ini:3: Remote: unknown key; did you mean 'remote'?"}},
        {"listen = 80\ntransport = udp",
         {"x.ini:3: transport: unknown key; known keys are: description, listen, connect-port, "
          "protocol, client-address, connect, forwarder, firewall, remote, enabled"}},
        /* options */
        {"listen = 80\nprotocol = sctp", {"x.ini:3: protocol: 'sctp' is neither tcp nor udp"}},
        {"listen = 80\nprotocol =", {"x.ini:3: protocol: has no value"}},
        {"listen = 80\nprotocol = udp\nprotocol = tcp",
         {"x.ini:4: protocol: was already given in line 3"}},
        {"listen = 80\nclient-address = proxyv2",
         {"x.ini:3: client-address: 'proxyv2' is neither...did you mean 'proxy-v2'?"}},
        {"listen = 80\nconnect = 127.0.0.1",
         {"x.ini:3: connect: '127.0.0.1' is neither address nor loopback"}},
        {"listen = 80\nforwarder = portproxy",
         {"x.ini:3: forwarder: 'portproxy' is neither auto nor relay"}},
        {"listen = 80\nprotocol = udp\nclient-address = proxy-v2",
         {"x.ini:4: client-address: 'proxy-v2' is for TCP, but the protocol is udp; remove one"}},
};

START_TEST(problem) {
        const ProblemCase *c = &problem_cases[_i];
        ConfigProblems problems;
        ServiceFile service;
        char content[512];

        (void) snprintf(content, sizeof(content), "[service]\n%s\n", c->content);
        parse(content, &service, &problems);
        check_problems(c->content, problems.items, problems.n, c->expected);
        config_problems_done(&problems);
}
END_TEST

typedef struct RemoteCase {
        const char *content;
        uint8_t remote;
        const char *expected[4];
} RemoteCase;

static const RemoteCase remote_cases[] = {
        {"", WIRE_REMOTE_LOCAL_SUBNET, {NULL}},
        {"remote = localsubnet\n", WIRE_REMOTE_LOCAL_SUBNET, {NULL}},
        {"remote = ANY ,\n", WIRE_REMOTE_ANY, {NULL}},
        {"remote = 192.0.2.7\n", WIRE_REMOTE_LIST, {"192.0.2.7/32"}},
        {"remote = 0.0.0.0/0, fd00::/8\n", WIRE_REMOTE_LIST, {"0.0.0.0/0", "fd00::/8"}},
        {"remote = 10.0.0.0/8 172.16.0.0/12,192.168.0.0/16\nremote = 2001:db8::5\n",
         WIRE_REMOTE_LIST,
         {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "2001:db8::5/128"}},
};

START_TEST(remotes) {
        const RemoteCase *c = &remote_cases[_i];
        ConfigProblems problems;
        ServiceFile service;
        char content[512];

        (void) snprintf(content, sizeof(content), "[service]\nlisten = 80\n%s", c->content);
        parse(content, &service, &problems);
        check_problems(c->content, problems.items, problems.n, (const char *[]){NULL});
        ck_assert_uint_eq(service.remote, c->remote);
        for (uint32_t i = 0; i < service.n_remotes; i++) {
                char addr[IP_TEXT_MAX], text[64];

                ip_format(&service.remotes[i].addr, addr);
                (void) snprintf(text, sizeof(text), "%s/%u", addr, service.remotes[i].length);
                ck_assert_str_eq(text, c->expected[i]);
        }
        ck_assert(service.n_remotes == 4 || !c->expected[service.n_remotes]);
        config_problems_done(&problems);
}
END_TEST

/* The name of a key is that of its option, and each word of the option has its number. */
START_TEST(options) {
        for (uint8_t value = 0; wire_option_words((WireOption) _i)[value]; value++) {
                const char *name = wire_option_name((WireOption) _i);
                uint8_t expected[_WIRE_OPTION_END] = {0};
                ConfigProblems problems;
                ServiceFile service;
                char content[512];

                expected[_i] = value;
                (void) snprintf(content, sizeof(content), "[service]\nlisten = 80\n%s = %s\n", name,
                                wire_option_word((WireOption) _i, value));
                parse(content, &service, &problems);
                check_problems(name, problems.items, problems.n, (const char *[]){NULL});
                ck_assert_mem_eq(service.options, expected, sizeof(expected));
                config_problems_done(&problems);
        }
}
END_TEST

typedef struct WordCase {
        const char *line;
        bool enabled;
        uint8_t profiles;
} WordCase;

static const WordCase word_cases[] = {
        {"", true, WIRE_PROFILE_PRIVATE | WIRE_PROFILE_DOMAIN},
        {"firewall = private", true, WIRE_PROFILE_PRIVATE},
        {"firewall = Domain", true, WIRE_PROFILE_DOMAIN},
        {"firewall = public,private domain", true, WIRE_PROFILE_ALL},
        {"firewall = none", true, 0},
        {"enabled = yes\nfirewall = none", true, 0},
        {"enabled = True\nfirewall = none", true, 0},
        {"enabled = on\nfirewall = none", true, 0},
        {"enabled = 1\nfirewall = none", true, 0},
        {"enabled = no\nfirewall = none", false, 0},
        {"enabled = FALSE\nfirewall = none", false, 0},
        {"enabled = off\nfirewall = none", false, 0},
        {"enabled = 0\nfirewall = none", false, 0},
};

START_TEST(words) {
        const WordCase *c = &word_cases[_i];
        ConfigProblems problems;
        ServiceFile service;
        char content[512];

        (void) snprintf(
                content, sizeof(content),
                "[service]\nlisten = 80\ndescription = Web; not a comment ; a comment\n%s\n",
                c->line);
        parse(content, &service, &problems);
        check_problems(c->line, problems.items, problems.n, (const char *[]){NULL});
        ck_assert_int_eq(service.enabled, c->enabled);
        ck_assert_uint_eq(service.profiles, c->profiles);
        ck_assert_str_eq(service.description, "Web; not a comment");
        config_problems_done(&problems);
}
END_TEST

/* A second 'enabled' is a mistake, whatever it says, but it can close the service. */
START_TEST(enabled_twice) {
        static const struct {
                const char *first, *second;
                bool enabled;
        } table[] = {
                {"yes", "no", false},   {"1", "Off", false}, {"no", "yes", false},
                {"maybe", "no", false}, {"", "no", false},   {"yes", "yes", true},
                {"yes", "maybe", true}, {"yes", "", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                ConfigProblems problems;
                ServiceFile service;
                char content[128];

                (void) snprintf(content, sizeof(content),
                                "[service]\nlisten = 80\nenabled = %s\nenabled = %s\n",
                                table[i].first, table[i].second);
                parse(content, &service, &problems);
                ck_assert_msg(service.enabled == table[i].enabled, "%s", content);
                ck_assert_str_eq(problems.items[problems.n - 1].message,
                                 "was already given in line 3; keep one of the two");
                config_problems_done(&problems);
        }
}
END_TEST

/* The limits of the protocol on one service: as much as fits, and one more. */
START_TEST(limits) {
        ConfigProblems problems;
        ServiceFile service;

        for (int more = 0; more <= 1; more++) {
                char content[8192] = "[service]\n";
                size_t n = strlen(content);

                for (int i = 0; i < WIRE_LISTENS_MAX + more; i++)
                        n += (size_t) sprintf(content + n, "listen = %d\n", 1000 + i);
                for (int i = 0; i < WIRE_REMOTES_MAX + more; i++)
                        n += (size_t) sprintf(content + n, "remote = 10.0.0.%d\n", i);
                parse(content, &service, &problems);
                check_problems(
                        "limits", problems.items, problems.n,
                        more ? (const char *[]){"x.ini:66: listen: there are more than 64 'listen'",
                                                "x.ini:131: remote: there are more than 64", NULL}
                             : (const char *[]){NULL});
                ck_assert_uint_eq(service.n_listens, WIRE_LISTENS_MAX);
                ck_assert_uint_eq(service.n_remotes, WIRE_REMOTES_MAX);
                config_problems_done(&problems);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-service");
        TCase *tcase = tcase_create("keys");

        tcase_add_loop_test(tcase, listens, 0, (int) ELEMENTSOF(listen_cases));
        tcase_add_loop_test(tcase, problem, 0, (int) ELEMENTSOF(problem_cases));
        tcase_add_loop_test(tcase, remotes, 0, (int) ELEMENTSOF(remote_cases));
        tcase_add_loop_test(tcase, options, 0, _WIRE_OPTION_END);
        tcase_add_loop_test(tcase, words, 0, (int) ELEMENTSOF(word_cases));
        tcase_add_test(tcase, enabled_twice);
        tcase_add_test(tcase, limits);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
