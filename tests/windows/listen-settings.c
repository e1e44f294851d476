/* SPDX-License-Identifier: MIT */

/*
 * A window that waits for the news that the environment has changed, as the Explorer does.
 *
 *   listen-settings
 *
 * Prints a line when the window is there, and another for each such message, until it is killed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM w, LPARAM l) {
        if (message == WM_SETTINGCHANGE && l && wcscmp((const wchar_t *) l, L"Environment") == 0) {
                (void) puts("environment");
                (void) fflush(stdout);
        }
        return DefWindowProcW(window, message, w, l);
}

int main(void) {
        WNDCLASSW class = {.lpfnWndProc = on_message, .lpszClassName = L"listen-settings"};
        MSG message;

        if (!RegisterClassW(&class) || !CreateWindowW(class.lpszClassName, L"", WS_OVERLAPPED, 0, 0,
                                                      1, 1, NULL, NULL, NULL, NULL)) {
                (void) printf("no window: %lu\n", GetLastError());
                return EXIT_FAILURE;
        }
        (void) puts("listening");
        (void) fflush(stdout);
        while (GetMessageW(&message, NULL, 0, 0) > 0)
                (void) DispatchMessageW(&message);
        return EXIT_SUCCESS;
}
