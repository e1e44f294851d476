# SPDX-License-Identifier: MIT
"""tests/faults/calls.c knows every call of our programs and of their libraries' that can fail. A new one has
to be added there, or here with the reason why it needs no failure."""
import os
import platform
import re
import subprocess

import pytest

from faults_agent import AgentWalk
from faults_control import ControlWalk
from faults_loopback import LoopbackWalk

PROGRAMS = "wslbridge-agent", "wslbridge-loopback", "wslbridgectl"
COMPILER = re.compile(r"__(asan|ubsan|sanitizer|cxa|gmon|stack_chk|libc_start|errno_location|assert_fail|ctype|tls_get_addr|"
                      r"register_atfork)|_ITM_")
# A name ends at a space; one that ends in "*" is the beginning of names.
NO_FAILURE = {
    "works on memory that is there, or on a text": """
        mem* str* stpcpy sprintf snprintf vsnprintf __isoc99_sscanf __isoc23_* qsort sigemptyset sigfillset sigaddset
        sigabbrev_np gmtime_r getopt_long nla_* nlmsg_data nlmsg_hdr sd_id128_from_string __snprintf_chk
        __vsnprintf_chk __strncpy_chk __explicit_bzero_chk sigdelset sigismember sigisemptyset malloc_usable_size""",
    "takes its memory from malloc() and its like, which fail": """
        asprintf vasprintf __vasprintf_chk json_* nlmsg_* nl_socket_alloc nl_socket_modify_cb posix_spawn_* posix_spawnattr_* ini_parse_* getmntent_r
        sd_event_get_exit_code""",
    "is made of calls that fail: socket(), bind(), sendmsg(), recvmsg(), open64() …": """
        nl_recvmsgs_default nl_send_* nl_socket_* sd_notify sd_notifyf sd_id128_*
        sd_journal_sendv_with_location sd_event_loop sd_event_run""",
    "gives back": "free close closedir fclose munmap inotify_rm_watch sd_event_unref sd_event_source_unref "
                  "sd_event_source_disable_unref crypto_*",
    "only fails by a mistake of the program": """
        clock_gettime dirfd getenv geteuid getpid gethostname getsockopt isatty kill shutdown sigprocmask signal
        uname getegid ioctl sleep time endmntent globfree64 __environ environ __progname
        program_invocation_short_name sd_event_exit sd_event_get_state sd_event_source_*
        secure_getenv getuid getgid getpagesize sysconf pthread_mutex_* pthread_rwlock_* pthread_once
        pthread_sigmask""",
    "is interrupted by a signal with a handler, and our programs have none": "nanosleep waitpid waitid",
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


def failing(tree):
    found = names(f"{tree}/tests/faults/libwslbridge-faults.so", "--defined-only")
    assert {"malloc", "open64", "sd_event_add_io"} <= found
    return found


def harmless():
    return [pattern for text in NO_FAILURE.values() for pattern in text.split()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_call_can_fail_or_has_no_failure(dev_tree, program):
    used = names(f"{dev_tree}/agent/{program}", "--undefined-only")
    assert "malloc" in used
    patterns = harmless()
    assert sorted(name for name in used - failing(dev_tree) if not is_named(name, patterns)) == []


def calls_of_libraries(walk, tree, folder):
    """{(library, function)} in lives in which nothing fails."""
    log = os.path.join(folder, "called")
    environment = walk.place.environment
    environment["LD_PRELOAD"] = environment["LD_PRELOAD"].replace(
        f"{tree}/tests/faults/libwslbridge-faults.so", f"{tree}/tests/faults/libwslbridge-called.so")
    environment.update(CALLED_PROGRAM=environment["FAULT_PROGRAM"], CALLED_LOG=log)
    try:
        for kind in walk.kinds:
            walk.life(kind)
    finally:
        walk.close()
    with open(log, encoding="ascii") as f:
        return {tuple(line.split()) for line in f}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="tests/faults/called.c knows instructions of x86-64 only")
@pytest.mark.parametrize("make, libraries", [
    (AgentWalk, {"libnl-", "libsystemd.", "libinih.", "libsodium.", "libjansson."}),
    (LoopbackWalk, {"libsystemd."}),
    (ControlWalk, {"libinih.", "libsodium.", "libjansson."})], ids=PROGRAMS)
def test_each_call_of_a_library_can_fail_or_has_no_failure(dev_tree, tmp_path, make, libraries):
    """Those that it makes in the lives in which calls fail."""
    called = calls_of_libraries(make(dev_tree, tmp_path, "0/1"), dev_tree, tmp_path)
    assert all(any(name.startswith(library) for name, _ in called) for library in libraries), called
    patterns, fail = harmless(), failing(dev_tree)
    assert sorted(one for one in called if one[1] not in fail and not COMPILER.match(one[1])
                  and not is_named(one[1], patterns)) == []
