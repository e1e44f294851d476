/* SPDX-License-Identifier: MIT */

/*
 * Elements of learn.microsoft.com: Task Scheduler Schema.
 */

#include "windows-helper/core/setup/logon-task.h"

#include "common/utf8.h"

#include <string.h>

#define TASK_NAME_CUT 64 /* bytes of a distro's name; a file has the name of the task */

static bool is_valid(const char *text) {
        const uint8_t *p = (const uint8_t *) text;
        size_t n = strlen(text), size;
        uint32_t point;

        for (; n > 0; p += size, n -= size) {
                size = utf8_decode_printable(p, n, &point);
                if (size == 0)
                        return false;
        }
        return *text != '\0';
}

bool logon_task_possible(const LogonTask *t) {
        return is_valid(t->distro) && !strpbrk(t->distro, " \t\"\\") /* fact 2.1.11 */ &&
               is_valid(t->user) && is_valid(t->folder) && is_valid(t->wsl);
}

/* These characters cannot be in the name of a file. */
void logon_task_name(const LogonTask *t, Buffer *out) {
        size_t n = strlen(t->distro);

        if (n > TASK_NAME_CUT)
                for (n = TASK_NAME_CUT; (t->distro[n] & 0xc0) == 0x80;)
                        n--;
        buffer_printf(out, "wslbridge ");
        for (size_t i = 0; i < n; i++)
                buffer_printf(out, "%c", strchr("/\\:*?\"<>|", t->distro[i]) ? '_' : t->distro[i]);
        buffer_printf(out, " %s", t->user);
}

static void escape(const char *text, Buffer *out) {
        for (; *text; text++)
                if (*text == '&')
                        buffer_printf(out, "&amp;");
                else if (*text == '<')
                        buffer_printf(out, "&lt;");
                else if (*text == '>')
                        buffer_printf(out, "&gt;");
                else
                        buffer_printf(out, "%c", *text);
}

static void element(Buffer *out, const char *name, const char *text) {
        buffer_printf(out, "<%s>", name);
        escape(text, out);
        buffer_printf(out, "</%s>", name);
}

static void command_elements(const LogonTask *t, Buffer *out) {
        Buffer text = BUFFER_NULL;

        /* Without conhost.exe the user would see an empty console (fact 9.5.4). */
        buffer_printf(&text, "%s\\conhost.exe", t->folder);
        element(out, "Command", buffer_text(&text));
        out->oom |= text.oom;
        buffer_done(&text);
        buffer_printf(&text, "--headless \"%s\" -d %s --exec sleep infinity", t->wsl, t->distro);
        element(out, "Arguments", buffer_text(&text));
        out->oom |= text.oom;
        buffer_done(&text);
}

/* What differs from Task Scheduler's defaults, which it may leave out when it writes a task anew.
 */
static const struct {
        const char *name, *text;
} settings[] = {
        {"DisallowStartIfOnBatteries", "false"},
        {"StopIfGoingOnBatteries", "false"},
        {"ExecutionTimeLimit", "PT0S"},
};

/* The distro ends with 'wsl --shutdown', an update or a crash, and conhost.exe hands on no exit
 * code that RestartOnFailure could see. Without <Duration> it goes on for ever (fact 9.5.5). */
#define AGAIN "<Interval>PT5M</Interval>"

void logon_task_xml(const LogonTask *t, Buffer *out) {
        Buffer about = BUFFER_NULL;

        buffer_printf(&about,
                      "Keeps the WSL distro %s running while its user is logged on. Made by "
                      "wslbridge's setup.",
                      t->distro);
        buffer_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n"
                           "<Task version=\"1.2\" "
                           "xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n"
                           "<RegistrationInfo><Author>wslbridge</Author>");
        element(out, "Description", buffer_text(&about));
        buffer_printf(out, "</RegistrationInfo>\n<Triggers><LogonTrigger><Enabled>true</Enabled>"
                           "<Repetition>" AGAIN "</Repetition>");
        element(out, "UserId", t->user);
        buffer_printf(out, "</LogonTrigger></Triggers>\n<Principals><Principal id=\"Author\">");
        element(out, "UserId", t->user);
        buffer_printf(out, "<LogonType>InteractiveToken</LogonType>"
                           "<RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n"
                           "<Settings>"
                           "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>");
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
                element(out, settings[i].name, settings[i].text);
        buffer_printf(out,
                      "<Enabled>true</Enabled></Settings>\n<Actions Context=\"Author\"><Exec>");
        command_elements(t, out);
        buffer_printf(out, "</Exec></Actions>\n</Task>\n");
        out->oom |= about.oom;
        buffer_done(&about);
}

bool logon_task_is(const LogonTask *t, const char *xml) {
        Buffer wanted = BUFFER_NULL;
        bool same = strstr(xml, "<LogonTrigger>") && strstr(xml, AGAIN) &&
                    !strstr(xml, "<Enabled>false</Enabled>") &&
                    !strstr(xml, "<RunLevel>HighestAvailable</RunLevel>");
        const char *arguments;

        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
                element(&wanted, settings[i].name, settings[i].text);
                same = same && strstr(xml, buffer_text(&wanted));
                buffer_done(&wanted);
        }
        /* Between the two elements there may be space, so each is looked for alone. */
        command_elements(t, &wanted);
        arguments = strstr(buffer_text(&wanted), "<Arguments>");
        same = same && arguments && strstr(xml, arguments);
        buffer_done(&wanted);
        return same;
}
