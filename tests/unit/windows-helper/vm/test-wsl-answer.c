/* SPDX-License-Identifier: MIT */

/* What wsl.exe and a distro write into the same pipes, in any mixture. */

#include "tests/suite.h"
#include "windows-helper/core/vm/foreign-text.h"
#include "windows-helper/core/vm/wsl-answer.h"

#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#define OWNER  "000102030405060708090a0b0c0d0e0f/Debian"
#define ANSWER "paired " OWNER "\n"

#define GERMAN   u"wsl: Fehler beim Übersetzen von „Ü:\\ordner“; überspringe fstab.\r\n"
#define JAPANESE u"wsl: この上の一覧は、以上です。プロキシ設定\r\n"
#define RUSSIAN  u"wsl: Обнаружена конфигурация прокси-сервера localhost\r\n"
/* Its first bytes are all ASCII; then there is a character with the byte of a line feed. */
#define LIKE_ASCII u"この上\r\n"

static void wide(Buffer *b, const char16_t *text) {
        for (; *text; text++) {
                uint8_t bytes[] = {(uint8_t) (*text & 0xff), (uint8_t) (*text >> 8)};

                (void) buffer_append(b, bytes, 2);
        }
}

static void bytes(Buffer *b, const char *text) {
        (void) buffer_append(b, text, strlen(text));
}

static char *decoded(const Buffer *b) {
        static Buffer out;

        buffer_done(&out);
        foreign_text_decode(buffer_bytes(b), buffer_length(b), &out);
        return (char *) (uintptr_t) buffer_text(&out);
}

static void expect_answer(const Buffer *b, bool ended, const char *owner) {
        char found[WSL_OWNER_MAX + 1];
        const char *text = decoded(b);

        memset(found, 'x', sizeof(found));
        ck_assert_msg(wsl_answer_find(text, WSL_WORD_PAIRED, ended, found) == (owner != NULL), "%s",
                      text);
        if (owner)
                ck_assert_str_eq(found, owner);
}

START_TEST(test_warnings_before_between_and_after) {
        static const char16_t *const texts[] = {u"",        GERMAN,        JAPANESE, RUSSIAN,
                                                LIKE_ASCII, u"wsl: x\r\n", u"\r\n"};
        size_t n = sizeof(texts) / sizeof(texts[0]);

        for (size_t i = 0; i < n * n * n; i++) {
                Buffer b = BUFFER_NULL;

                wide(&b, texts[i % n]);
                bytes(&b, i % 2 ? "a line of the distro\n" : "Grüße, eine Zeile\n");
                wide(&b, texts[i / n % n]);
                bytes(&b, ANSWER);
                wide(&b, texts[i / n / n]);
                expect_answer(&b, false, OWNER);
                expect_answer(&b, true, OWNER);
                buffer_done(&b);
        }
}
END_TEST

START_TEST(test_text_is_readable) {
        static const char16_t lone_surrogate[] = {'a', 0xd800, 'b', 0};
        static const struct {
                const char16_t *text;
                const char *shown;
        } cases[] = {
                {GERMAN, "wsl: Fehler beim Übersetzen von „Ü:\\ordner“; überspringe fstab.\n"},
                {JAPANESE, "wsl: この上の一覧は、以上です。プロキシ設定\n"},
                {RUSSIAN, "wsl: Обнаружена конфигурация прокси-сервера localhost\n"},
                {u"\ufeffOk 😀\r\n", "Ok 😀\n"},
                {u"no end of line", "no end of line"},
                {u"Дистрибутив", "Дистрибутив"},
                {lone_surrogate, "a?b"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Buffer b = BUFFER_NULL;

                wide(&b, cases[i].text);
                if (i != 5) /* without any NUL nothing tells that it is UTF-16 */
                        ck_assert_str_eq(decoded(&b), cases[i].shown);
                buffer_done(&b);
                bytes(&b, cases[i].shown);
                if (i != 6)
                        ck_assert_str_eq(decoded(&b), cases[i].shown);
                buffer_done(&b);
        }
}
END_TEST

START_TEST(test_truncated_and_malformed) {
        Buffer b = BUFFER_NULL;

        bytes(&b, "paired " OWNER);
        expect_answer(&b, false, NULL); /* more may come */
        expect_answer(&b, true, OWNER);
        buffer_done(&b);
        wide(&b, u"wsl: no end of line");
        bytes(&b, ANSWER);
        expect_answer(&b, true, OWNER);
        buffer_done(&b);
        bytes(&b, "Gr\xfc\xdf"
                  "e\n" ANSWER "Gr\xfc\xdf"
                  "e");
        expect_answer(&b, false, OWNER);
        ck_assert_str_eq(decoded(&b), "Gr??e\n" ANSWER "Gr??e");
        buffer_done(&b);
        bytes(&b, "paired " OWNER "  \n");
        expect_answer(&b, false, OWNER);
        buffer_done(&b);
        bytes(&b, "peered " OWNER "\n");
        expect_answer(&b, false, NULL);
        buffer_done(&b);
        bytes(&b, "  \n\npaired 00000000000000000000000000000000/\n");
        expect_answer(&b, false, NULL); /* no distro */
        buffer_done(&b);
        bytes(&b, "paired 0001/short\npaired by magic\npaired " OWNER "x");
        expect_answer(&b, false, NULL);
        buffer_done(&b);
        bytes(&b, "paired 00000000000000000000000000000000/Old\n" ANSWER "paired\n");
        expect_answer(&b, false, OWNER); /* the last one */
        buffer_done(&b);
        /* Any piece of any text: nothing crashes and nothing is read past the end (ASan). */
        for (unsigned i = 0; i < 3000; i++) {
                uint8_t piece[7], *copy;
                size_t n = i % sizeof(piece);
                Buffer out = BUFFER_NULL;

                for (size_t k = 0; k < n; k++)
                        piece[k] =
                                "\n\0\n\0a\xe6\x97\xd8\xff"[(i * 7919u + k * 104729u) / 13u % 9u];
                copy = malloc(n + !n);
                memcpy(copy, piece, n);
                foreign_text_decode(copy, n, &out);
                buffer_done(&out);
                free(copy);
        }
}
END_TEST

START_TEST(test_longest_owner) {
        char owner[WSL_OWNER_MAX + 2] = "000102030405060708090a0b0c0d0e0f/";

        memset(owner + strlen(owner), 'd', WSL_OWNER_MAX + 1 - strlen(owner));
        for (size_t n = WSL_OWNER_MAX + 1; n >= WSL_OWNER_MAX; n--) {
                Buffer b = BUFFER_NULL;

                owner[n] = '\0';
                bytes(&b, "paired ");
                bytes(&b, owner);
                bytes(&b, "\n");
                expect_answer(&b, false, n > WSL_OWNER_MAX ? NULL : owner);
                buffer_done(&b);
        }
}
END_TEST

START_TEST(test_message) {
        char shown[WSL_SHOWN_MAX + 1];
        Buffer b = BUFFER_NULL;

        wsl_answer_show("", "", shown);
        ck_assert_str_eq(shown, "");
        wsl_answer_show("a\n", "b", shown);
        ck_assert_str_eq(shown, "a | b");
        wsl_answer_show("wsl: a\n\n", "  b\nc\x1b[0m", shown);
        ck_assert_str_eq(shown, "wsl: a | b | c?[0m");
        for (int i = 0; i < 50000; i++)
                bytes(&b, "Ж");
        bytes(&b, " the reason");
        wsl_answer_show("", buffer_text(&b), shown);
        ck_assert(strlen(shown) <= WSL_SHOWN_MAX && strlen(shown) > WSL_SHOWN_MAX - 8);
        ck_assert(strncmp(shown, "...Ж", strlen("...Ж")) == 0);
        ck_assert(strstr(shown, "Ж the reason"));
        buffer_done(&b);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wsl-answer");
        TCase *tc = tcase_create("wsl-answer");

        tcase_add_test(tc, test_warnings_before_between_and_after);
        tcase_add_test(tc, test_text_is_readable);
        tcase_add_test(tc, test_truncated_and_malformed);
        tcase_add_test(tc, test_longest_owner);
        tcase_add_test(tc, test_message);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
