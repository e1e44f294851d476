/* SPDX-License-Identifier: MIT */

/* Answers of the Host Compute Service, in forms that have been seen and in some that have not. */

#include "tests/suite.h"
#include "windows-helper/core/vm/vm-list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_A "3B1C2C50-1234-5678-9ABC-DEF012345678"
#define ID_B "11111111-2222-3333-4444-555555555555"

/* "WSL 3b1c…; other 1111…" */
static void expect(const char *json, const char *text) {
        VmList list;
        char found[512] = "", id[VM_ID_TEXT_MAX];
        size_t n = 0;

        ck_assert_msg(vm_list_parse(json, strlen(json), &list) == 0, "%s", json);
        for (size_t i = 0; i < list.n; i++) {
                vm_id_format(&list.items[i].id, id);
                n += (size_t) snprintf(found + n, sizeof(found) - n, "%s%s%s %.4s", i ? "; " : "",
                                       list.items[i].wsl ? "*" : "", list.items[i].name, id);
        }
        ck_assert_str_eq(found, text);
}

#define VM(id, owner, runtime)                                                    \
        "{\"Id\":\"" id "\",\"SystemType\":\"VirtualMachine\",\"Owner\":\"" owner \
        "\",\"RuntimeId\":\"" runtime "\",\"State\":\"Running\"}"

START_TEST(test_shapes) {
        expect("[]", "");
        expect("null", "");
        expect(" [ ] \r\n", "");
        expect("[" VM(ID_A, "WSL", ID_A) "]", "*WSL 3b1c");
        /* inbox WSL of 2019, whose Id differs; and an Id that is not a GUID at all */
        expect("[" VM("WSL-" ID_B, "WSL", ID_A) "," VM("cowork-vm-929216c6", "cowork", ID_B) "]",
               "*WSL 3b1c; cowork 1111");
        expect("[{\"Id\":\"c1\",\"SystemType\":\"Container\",\"Owner\":\"docker\",\"RuntimeId\":"
               "\"" ID_B "\"}," VM(ID_A, "WSLC", ID_A) "]",
               "WSLC 3b1c");
        /* unknown and nested members; another order; the same VM twice */
        expect("[{\"RuntimeId\":\"" ID_A "\",\"Properties\":{\"a\":[1,{\"b\":null}],\"c\":true},"
               "\"SystemType\":\"VirtualMachine\"}," VM(ID_A, "WSL", ID_A) "]",
               " 3b1c");
        expect("[{},{\"SystemType\":\"VirtualMachine\"}," VM(ID_A, "WSL", "") "," VM(
                       ID_A, "WSL", "00000000-0000-0000-0000-000000000000") "," VM(ID_A, "WSL",
                                                                                   "WSL-" ID_A) "]",
               "");
        /* without a type, with an owner that is no text, and with one that is too long */
        expect("[{\"RuntimeId\":\"" ID_B "\",\"Owner\":\"WSL\"}]", "");
        expect("[{\"SystemType\":\"VirtualMachine\",\"RuntimeId\":\"" ID_B "\",\"Owner\":17}]",
               " 1111");
        expect("[" VM(ID_A, "W\\u0053L", ID_A) "]", "*WSL 3b1c");
        expect("[" VM(ID_A, "caf\\u00e9 \\ud83d\\ude00 \\ud83d \\u0000\\n", ID_A) "]",
               "caf\xc3\xa9 \xf0\x9f\x98\x80 \xef\xbf\xbd \xef\xbf\xbd? 3b1c");
}
END_TEST

START_TEST(test_garbage_is_not_an_empty_list) {
        static const char *const bad[] = {
                "",
                " ",
                "{}",
                "[",
                "]",
                "[[]]",
                "[1]",
                "[{]",
                "[{}",
                "[{},]",
                "[{}{}]",
                "[]x",
                "[] []",
                "\"[]\"",
                "nul",
                "[{\"a\"}]",
                "[{\"a\":}]",
                "[{\"a\":1,}]",
                "[{a:1}]",
                "[{\"a\":\"x]",
                "[{\"a\":\"\\x\"}]",
                "[{\"a\":\"\\u12\"}]",
                "[{\"a\":\"\n\"}]",
                "[{\"a\":\"\xf0\x9f",
                "[{\"a\":tru}]",
                "Access is denied.",
                "[{\"a\":[[[[[[[[[[[[[[[[[[[[",
        };
        VmList list;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(vm_list_parse(bad[i], strlen(bad[i]), &list) == -EINVAL, "%s",
                              bad[i]);
}
END_TEST

START_TEST(test_a_megabyte) {
        const size_t size = 1u << 20;
        char *json = malloc(size + 256);
        VmList list;
        size_t n;

        ck_assert_ptr_nonnull(json);
        n = (size_t) sprintf(json, "[{\"Owner\":\"");
        memset(json + n, 'x', size);
        n += size;
        n += (size_t) sprintf(json + n, "\"}," VM(ID_A, "WSL", ID_A) "]");
        ck_assert_int_eq(vm_list_parse(json, n, &list), 0);
        ck_assert_uint_eq(list.n, 1);
        ck_assert_int_eq(vm_list_parse(json, n - 1, &list), -EINVAL);
        free(json);
}
END_TEST

START_TEST(test_the_longest_answer) {
        char *json = malloc(VM_LIST_TEXT_MAX + 1);
        VmList list;

        ck_assert_ptr_nonnull(json);
        memset(json, ' ', VM_LIST_TEXT_MAX + 1);
        memcpy(json, "[]", 2);
        ck_assert_int_eq(vm_list_parse(json, VM_LIST_TEXT_MAX, &list), 0);
        ck_assert_int_eq(vm_list_parse(json, VM_LIST_TEXT_MAX + 1, &list), -EINVAL);
        free(json);
}
END_TEST

START_TEST(test_more_vms_than_the_list_holds) {
        char json[VM_LIST_MAX * 256 + 512];
        size_t n = (size_t) sprintf(json, "[");
        VmList list;

        for (int i = 0; i < VM_LIST_MAX + 3; i++)
                n += (size_t) sprintf(json + n,
                                      "%s{\"SystemType\":\"VirtualMachine\",\"RuntimeId\":\"%08x-"
                                      "0000-0000-0000-000000000001\"}",
                                      i ? "," : "", (unsigned) i);
        n += (size_t) sprintf(json + n, "]");
        ck_assert_int_eq(vm_list_parse(json, n, &list), 0);
        ck_assert_uint_eq(list.n, VM_LIST_MAX);
        ck_assert_uint_eq(list.n_left_out, 3);
}
END_TEST

/* Each VM of WSL needs a listener of its own, and other VMs do not. So a full list keeps those of
 * WSL. */
START_TEST(test_a_full_list_prefers_wsl) {
        static VmList list, other;
        Vm vm = {.name = "big"};

        for (unsigned i = 1; i <= VM_LIST_MAX + 5; i++) {
                vm.id.bytes[0] = (uint8_t) i;
                vm_list_add(&list, &vm);
        }
        ck_assert_uint_eq(list.n, VM_LIST_MAX);
        ck_assert_uint_eq(list.n_left_out, 5);
        other = list;
        ck_assert(vm_list_equal(&list, &other));
        vm.wsl = true;
        for (unsigned i = 1; i <= VM_LIST_MAX + 1; i++) {
                vm.id.bytes[0] = (uint8_t) i;
                vm.id.bytes[1] = 1;
                vm_list_add(&list, &vm);
                ck_assert(i > VM_LIST_MAX || vm_list_find(&list, &vm.id) != NULL);
        }
        ck_assert_uint_eq(list.n, VM_LIST_MAX);
        ck_assert_uint_eq(list.n_left_out, 5 + VM_LIST_MAX + 1);
        for (size_t i = 0; i < list.n; i++)
                ck_assert(list.items[i].wsl);
        ck_assert(!vm_list_equal(&list, &other));
}
END_TEST

START_TEST(test_equal) {
        static VmList list, other;
        Vm vm = {.name = "one"};

        for (unsigned i = 0; i < 3; i++) {
                vm.id.bytes[0] = (uint8_t) i;
                vm_list_add(&list, &vm);
        }
        other = list;
        strcpy(other.items[3].name, "behind the end");
        ck_assert(vm_list_equal(&list, &other));
        other.n_left_out++;
        ck_assert(!vm_list_equal(&list, &other));
        other = list;
        other.n--;
        ck_assert(!vm_list_equal(&list, &other));
        for (unsigned i = 0; i < 3; i++) {
                other = list;
                other.items[i].id.bytes[15] = 1;
                ck_assert(!vm_list_equal(&list, &other));
                other = list;
                other.items[i].wsl = true;
                ck_assert(!vm_list_equal(&list, &other));
                other = list;
                other.items[i].name[0] = 'x';
                ck_assert(!vm_list_equal(&list, &other));
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("vm-list");
        TCase *tc = tcase_create("vm-list");

        tcase_add_test(tc, test_shapes);
        tcase_add_test(tc, test_garbage_is_not_an_empty_list);
        tcase_add_test(tc, test_a_megabyte);
        tcase_add_test(tc, test_more_vms_than_the_list_holds);
        tcase_add_test(tc, test_a_full_list_prefers_wsl);
        tcase_add_test(tc, test_equal);
        tcase_add_test(tc, test_the_longest_answer);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
