# SPDX-License-Identifier: MIT
"""What the supported releases have of the libraries that the guest's programs need, and which of their
functions came when. Ubuntu can not be installed in the tests, so it is known from these tables only."""
import re
import subprocess

# The version of each library in each release, without the parts that the distribution adds.
# Debian: its own archive; tests/packages/test_roots.py compares them with the real releases.
# Ubuntu: libc6 and libsystemd0 by the release notes of 22.04 and 24.04. It takes the others from Debian's
# unstable and did so until 24 February 2022 and 29 February 2024, its import freezes; they are what Debian
# had on these days by the changelogs of its packages.
RELEASES = {
    "Ubuntu 22.04": {"libc6": "2.35", "libsystemd0": "249", "libnl-3-200": "3.5.0", "libinih1": "53",
                     "libsodium23": "1.0.18", "libjansson4": "2.13.1"},
    "Debian 12": {"libc6": "2.36", "libsystemd0": "252", "libnl-3-200": "3.7.0", "libinih1": "55",
                  "libsodium23": "1.0.18", "libjansson4": "2.14"},
    "Ubuntu 24.04": {"libc6": "2.39", "libsystemd0": "255", "libnl-3-200": "3.7.0", "libinih1": "57",
                     "libsodium23": "1.0.18", "libjansson4": "2.14"},
    "Debian 13": {"libc6": "2.41", "libsystemd0": "257", "libnl-3-200": "3.7.0", "libinih1": "59",
                  "libsodium23": "1.0.18", "libjansson4": "2.14"},
}

# The functions of the libraries whose symbols have no version that counts, by the version that brought
# them. libnl, inih and libsodium: the file 'symbols' of Debian's package, which begins with 3.2.7, 40 and
# 0.6.0; so these stand for older ones, too. jansson: the notes "New in version" of its manual; 2.0 stands
# for older ones, too.
FUNCTIONS = {
    "libnl-3-200": {
        "3.2.7": """
            nl_recvmsgs_default nl_send_simple nl_socket_add_membership
            nl_socket_add_memberships nl_socket_alloc nl_socket_disable_auto_ack
            nl_socket_disable_msg_peek nl_socket_free nl_socket_get_fd nl_socket_modify_cb
            nl_socket_set_buffer_size nl_socket_set_nonblocking nla_data nla_get_u32 nla_get_u8 nla_len
            nla_parse nla_parse_nested nla_strcmp nla_strlcpy nlmsg_data nlmsg_hdr nlmsg_parse""",
        "3.2.21": "nl_socket_set_msg_buf_size",
        "3.2.26": "nl_socket_set_fd"},
    "libinih1": {"40": "ini_parse_stream"},
    "libsodium23": {
        "0.6.0": """
            crypto_auth_hmacsha256 crypto_auth_hmacsha256_final crypto_auth_hmacsha256_init
            crypto_auth_hmacsha256_update randombytes_buf randombytes_random sodium_init"""},
    "libjansson4": {
        "2.0": """
            json_array json_array_append_new json_array_get json_array_size json_delete
            json_integer json_integer_value json_null json_object json_object_get json_object_iter
            json_object_iter_key json_object_iter_next json_object_iter_value json_object_set_new
            json_pack json_string json_string_set json_string_value""",
        "2.1": "json_loadb",
        "2.2": "json_dump_callback",
        "2.3": "json_object_key_to_iter"},
}
CAME = {name: (library, version) for library, versions in FUNCTIONS.items()
        for version, names in versions.items() for name in names.split()}

# A build on Debian 13 takes the functions that read numbers by names of glibc 2.38, which know the numbers
# of C23. A build on an older release takes the same functions by their old names.
C23_PREFIX = "__isoc23_"


def number(version):
    return tuple(int(n) for n in re.findall(r"\d+", version))


def needed(program):
    """{function: (library, version)} of what the dynamic linker has to find for a program; a function that
    no table has is of no library."""
    symbols = subprocess.run(["nm", "-D", "--with-symbol-versions", str(program)], check=True,
                             capture_output=True, text=True).stdout
    found = {}
    for name, kind, version in re.findall(r" U (\w+)(?:@(GLIBC|LIBSYSTEMD)?_?(\S+))?$", symbols, re.MULTILINE):
        if kind and not name.startswith(C23_PREFIX):
            found[name] = ({"GLIBC": "libc6", "LIBSYSTEMD": "libsystemd0"}[kind], version)
        elif not kind:
            found[name] = CAME.get(name, ("", ""))
    return found


def missing(program, release):
    """What of it the release does not have."""
    has = RELEASES[release]
    return [f"{name} of {library or 'no table'} {version}"
            for name, (library, version) in needed(program).items()
            if not library or number(version) > number(has[library])]
