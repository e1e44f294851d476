/* SPDX-License-Identifier: MIT */

/* What setup understands of a distro's answers, and which distros it takes. */

#include "tests/suite.h"
#include "windows-helper/core/setup/distros.h"
#include "windows-helper/core/setup/guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define M SETUP_MARKER
#define GOOD                                                                             \
        M "id=debian\n" M "name=Debian GNU/Linux 12\n" M "dpkg=yes\n" M "arch=amd64\n" M \
          "init=running\n"

START_TEST(test_answers) {
        static const struct {
                const char *text, *value; /* of "key"; NULL: none */
        } cases[] = {
                {"", NULL},
                {M "key=a\n", "a"},
                {M "key=\n", ""},
                {M "key=a", NULL}, /* cut off */
                {M "key=a\n" M "key=b\n", "b"},
                {M "key=a b=c\nnoise\n", "a b=c"},
                {"x" M "key=a\n", NULL},
                {" " M "key=a\n", NULL},
                {"noise\n" M "key=a\nnoise\n", "a"},
                {M "keys=a\n", NULL},
                {M "key\n", NULL},
                {"wslbridge-setup:key=a\n", NULL},
        };
        char value[SETUP_VALUE_MAX], text[2 * SETUP_VALUE_MAX];

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                bool found = setup_answer(cases[i].text, "key", value);

                ck_assert_msg(found == (cases[i].value != NULL), "%zu", i);
                ck_assert_str_eq(value, found ? cases[i].value : "");
        }
        /* The longest value fits, one more byte does not. */
        (void) snprintf(text, sizeof(text), M "key=%0*d\n", SETUP_VALUE_MAX - 1, 0);
        ck_assert(setup_answer(text, "key", value) && strlen(value) == SETUP_VALUE_MAX - 1);
        (void) snprintf(text, sizeof(text), M "key=%0*d\n", SETUP_VALUE_MAX, 0);
        ck_assert(!setup_answer(text, "key", value));
}
END_TEST

static SetupOutcome verdict(const char *text, const char *says, const char *lacks) {
        SetupPart part = {.outcome = SETUP_OPEN};
        SetupOutcome outcome;
        GuestFacts facts;

        ck_assert_int_eq(guest_read(text, &facts), 0);
        outcome = guest_verdict(&facts, &part);
        ck_assert_msg(strstr(buffer_text(&part.said), says) != NULL, "%s", buffer_text(&part.said));
        ck_assert_str_eq(guest_lacks(&facts), lacks);
        ck_assert(outcome == part.outcome);
        buffer_done(&part.said);
        buffer_done(&part.advice);
        return outcome;
}

/* A list of 8,000 services. wsl-run.c drops 128 KiB when more than 256 are there. */
START_TEST(test_a_long_list) {
        Buffer list = BUFFER_NULL;

        buffer_printf(&list, SETUP_MARKER "begin=yes\n");
        for (unsigned i = 0; i < 8000; i++)
                buffer_printf(&list, SETUP_MARKER "listen=0.0.0.0:%u\n", 20000 + i);
        ck_assert(!setup_answer_is_whole(buffer_text(&list)));
        buffer_printf(&list, SETUP_MARKER "end=yes\n");
        ck_assert_uint_gt(buffer_length(&list), 256 * 1024);
        ck_assert(setup_answer_is_whole(buffer_text(&list)));
        buffer_consume(&list, 128 * 1024);
        ck_assert(setup_answer_is(buffer_text(&list), "end", "yes"));
        ck_assert(!setup_answer_is_whole(buffer_text(&list)));
        buffer_done(&list);
}
END_TEST

START_TEST(test_verdicts) {
        static const struct {
                const char *text, *says, *lacks;
                SetupOutcome outcome;
        } cases[] = {
                {GOOD M "end=yes\n", "Debian GNU/Linux 12 on amd64", "the agent", SETUP_ALREADY},
                {GOOD M "package=1\n" M "end=yes\n", "systemd runs", "the agent does not run",
                 SETUP_ALREADY},
                {GOOD M "package=1\n" M "active=yes\n" M "end=yes\n", "systemd runs",
                 "the connection to this host", SETUP_ALREADY},
                {GOOD M "files=1\n" M "active=yes\n" M "connected=yes\n" M "end=yes\n",
                 "systemd runs", "nothing: it is connected", SETUP_ALREADY},
                {GOOD M "dpkg=no\n" M "name=Arch Linux\n" M "end=yes\n", "It is Arch Linux",
                 "not Debian or Ubuntu", SETUP_FAILED},
                {GOOD M "dpkg=no\n" M "name=\n" M "end=yes\n", "It is debian",
                 "not Debian or Ubuntu", SETUP_FAILED},
                {M "end=yes\n", "It is an unknown Linux", "not Debian or Ubuntu", SETUP_FAILED},
                {GOOD M "dpkg=no\n" M "files=0.1\n" M "end=yes\n", "systemd runs",
                 "the agent does not run", SETUP_ALREADY},
                {GOOD M "arch=i386\n" M "end=yes\n", "architecture is i386",
                 "no package for its architecture", SETUP_FAILED},
                {GOOD M "libc=2.34-0ubuntu3\n" M "end=yes\n", "systemd runs", "the agent",
                 SETUP_ALREADY},
                {GOOD M "libc=2.31-13+deb11u5\n" M "end=yes\n", "Linux 12 is too old",
                 "a newer release", SETUP_FAILED},
                {GOOD M "libc=2.31\n" M "init=none\n" M "end=yes\n", "too old", "a newer release",
                 SETUP_FAILED},
                {GOOD M "libc=2.31\n" M "files=0.1\n" M "end=yes\n", "systemd runs",
                 "the agent does not run", SETUP_ALREADY},
                {GOOD M "init=none\n" M "end=yes\n", "systemd is turned off", "systemd is off",
                 SETUP_FAILED},
                {GOOD M "init=offline\n" M "end=yes\n", "does not answer",
                 "systemd does not answer", SETUP_FAILED},
                {GOOD M "init=what\n" M "end=yes\n", "has no systemd", "no systemd", SETUP_FAILED},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
                ck_assert_msg(verdict(cases[i].text, cases[i].says, cases[i].lacks) ==
                                      cases[i].outcome,
                              "%zu", i);
}
END_TEST

START_TEST(test_facts) {
        GuestFacts facts;

        ck_assert_int_eq(guest_read(GOOD, &facts), -EPROTO); /* it has not come to its end */
        ck_assert_int_eq(guest_read(M "owner=/\n" M "connected=yes\n" M "end=yes\n", &facts), 0);
        ck_assert_str_eq(facts.owner, "");
        ck_assert(!facts.connected); /* the file of an agent that does not run */
        ck_assert_int_eq(guest_read(M "owner=12/a\n" M "enabled=yes\n" M "asked=yes\n" M
                                      "end=yes\n",
                                    &facts),
                         0);
        ck_assert_str_eq(facts.owner, "12/a");
        ck_assert(facts.enabled && facts.systemd_asked && !facts.active);
}
END_TEST

START_TEST(test_distros) {
        static const char *const names[] = {"b",
                                            "docker-desktop",
                                            "a",
                                            "Rancher-Desktop-data",
                                            "podman-machine-default",
                                            "podman-net-usermode",
                                            "podman-net-usermode2",
                                            "my-docker-desktop",
                                            "c"};
        static SetupDistros d;

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                (void) snprintf(d.items[d.n++].name, SETUP_DISTRO_NAME_MAX, "%s", names[i]);
        d.items[8].is_default = true;
        setup_distros_tidy(&d);
        ck_assert_uint_eq(d.n, 5);
        ck_assert_str_eq(d.items[0].name, "c");
        ck_assert_str_eq(d.items[1].name, "a");
        ck_assert_str_eq(d.items[2].name, "b");
        ck_assert_ptr_eq(setup_distros_find(&d, "B"), &d.items[2]);
        ck_assert_ptr_null(setup_distros_find(&d, "bb"));
        (void) snprintf(d.items[1].name, SETUP_DISTRO_NAME_MAX, "B");
        ck_assert_ptr_eq(setup_distros_find(&d, "b"), &d.items[2]); /* the exact name wins */
        ck_assert_ptr_eq(setup_distros_find(&d, "B"), &d.items[1]);
}
END_TEST

int main(void) {
        Suite *s = suite_create("guest");
        TCase *t = tcase_create("guest");

        tcase_add_test(t, test_answers);
        tcase_add_test(t, test_a_long_list);
        tcase_add_test(t, test_verdicts);
        tcase_add_test(t, test_facts);
        tcase_add_test(t, test_distros);
        suite_add_tcase(s, t);
        return suite_run(s);
}
