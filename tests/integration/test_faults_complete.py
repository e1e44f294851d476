# SPDX-License-Identifier: MIT
"""tests/faults/calls.c knows every call of our programs and of their libraries' that can fail. A new one has
to be added there, or here with the reason why it needs no failure."""
import re
import subprocess

import pytest

PROGRAMS = "wslbridge-agent", "wslbridge-loopback", "wslbridgectl"
COMPILER = re.compile(r"__(asan|ubsan|cxa|gmon|stack_chk|libc_start|errno_location|assert_fail|ctype)|_ITM_")
# A name ends at a space; one that ends in "*" is the beginning of names.
NO_FAILURE = {
    "works on memory that is there, or on a text": """
        mem* str* stpcpy sprintf snprintf vsnprintf __isoc99_sscanf qsort sigemptyset sigfillset sigaddset
        sigabbrev_np gmtime_r getopt_long nla_* nlmsg_data nlmsg_hdr sd_id128_from_string""",
    "takes its memory from malloc() and its like, which fail": """
        asprintf vasprintf json_* nlmsg_* nl_socket_alloc nl_socket_modify_cb posix_spawn_* posix_spawnattr_* ini_parse_* getmntent_r
        sd_event_get_exit_code""",
    "is made of calls that fail: socket(), bind(), sendmsg(), recvmsg(), open64() …": """
        nl_connect nl_recvmsgs_default nl_send_* nl_socket_* sd_notify sd_notifyf sd_id128_*
        sd_journal_sendv_with_location sd_event_loop sd_event_run""",
    "gives back": "free close closedir fclose munmap sd_event_unref sd_event_source_unref "
                  "sd_event_source_disable_unref crypto_*",
    "only fails by a mistake of the program": """
        clock_gettime dirfd getenv geteuid getpid gethostname getsockopt isatty kill shutdown sigprocmask signal
        uname getegid ioctl sleep time endmntent globfree64 __environ environ __progname
        program_invocation_short_name sd_event_exit sd_event_get_state sd_event_source_*""",
    "is interrupted by a signal with a handler, and our programs have none": "nanosleep waitpid",
    "ends the process, or the random numbers of the kernel are not there at all": "sodium_init randombytes_*",
    "writes for people, and nothing depends on it": """
        printf fprintf vfprintf fputc puts fwrite fflush stdout stderr setlocale nl_langinfo""",
    "is of a command that starts another program, and says so when that fails": "execv dup2 setsid _exit",
}


def names(path, which):
    done = subprocess.run(["nm", "-D", which, path], check=True, capture_output=True, text=True)
    found = (line.split()[-1].partition("@")[0] for line in done.stdout.splitlines())
    return {name for name in found if not COMPILER.match(name)}


def is_named(name, patterns):
    return any(name == p or p.endswith("*") and name.startswith(p[:-1]) for p in patterns)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_call_can_fail_or_has_no_failure(dev_tree, program):
    fail = names(f"{dev_tree}/tests/faults/libwslbridge-faults.so", "--defined-only")
    assert {"malloc", "open64", "sd_event_add_io"} <= fail
    harmless = [pattern for text in NO_FAILURE.values() for pattern in text.split()]
    used = names(f"{dev_tree}/agent/{program}", "--undefined-only")
    assert "malloc" in used
    assert sorted(name for name in used - fail if not is_named(name, harmless)) == []
