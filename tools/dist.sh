# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The source archive: what is committed, packed so that the same commit gives the same bytes. An unpacked
# archive packs itself into the same bytes again.

# packaging/commit-time has the commit's time in an archive. In a clone git knows it.
source_time() {
    local stamp
    stamp=$(cat "$TOP/packaging/commit-time")
    if [[ $stamp != [0-9]* ]]; then
        stamp=$(git -c safe.directory='*' -C "$TOP" log -1 --format=%ct) || stamp=
    fi
    [ -n "$stamp" ] || die 'neither git nor packaging/commit-time tells the time of these sources'
    printf '%s\n' "$stamp"
}

project_version() {
    local version
    version=$(sed -n "s/^ *version: '\([0-9.]*\)',$/\1/p" "$TOP/meson.build")
    [ -n "$version" ] || die 'meson.build does not tell the version'
    printf '%s\n' "$version"
}

# What git has or would add, or what an archive had.
list_sources() {
    if [ -e "$TOP/.git" ]; then
        git -c safe.directory='*' -C "$TOP" ls-files -z --cached --others --exclude-standard
    else
        (cd "$TOP" && find . -mindepth 1 \( -path './build*' -o -name __pycache__ -o -name .cache \
            -o -name .pytest_cache \) -prune -o -type f ! -name '*.pyc' -print0)
    fi
}

# Copies the sources into a folder: what is committed, or what an archive had. The tests set
# WSLBRIDGE_UNCOMMITTED, for what a developer is working on.
copy_sources() { # copy_sources FOLDER
    if [ -e "$TOP/.git" ] && [ -z "${WSLBRIDGE_UNCOMMITTED:-}" ]; then
        git -c safe.directory='*' -C "$TOP" archive --format=tar HEAD | tar -x -C "$1"
    else
        # A file that was removed but not yet committed is only named.
        list_sources | tar -c -C "$TOP" --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$1"
    fi
    source_time >"$1/packaging/commit-time"
}

pack_sources() { # pack_sources VERSION OUT: prints the archive's path
    local name=wslbridge-$1 archive=$2/wslbridge-$1.tar.gz work
    mkdir -p "$2"
    work=$(mktemp -d "$2/new.XXXXXX")
    mkdir "$work/$name"
    copy_sources "$work/$name" || return
    # One time, owner 0, modes that do not come from a umask, and gzip without a time of its own.
    tar -c -C "$work" --sort=name --format=ustar --mtime="@$(source_time)" --owner=0 --group=0 \
        --numeric-owner --mode='u=rwX,go=rX' "$name" | gzip -n -9 >"$archive.new" || return
    rm -rf "$work"
    mv -f "$archive.new" "$archive"
    printf '%s\n' "$archive"
}

say_what_is_left_out() {
    local changes
    [ -e "$TOP/.git" ] && [ -z "${WSLBRIDGE_UNCOMMITTED:-}" ] || return 0
    changes=$(git -c safe.directory='*' -C "$TOP" status --porcelain | wc -l)
    [ "$changes" -eq 0 ] ||
        say "Only what is committed goes into the archive; files with other changes: $changes"
}

dist_here() {
    local version archive
    [ ! -e "$TOP/.git" ] || ensure_packages dist # an archive needs no git
    version=$(project_version)
    say_what_is_left_out
    archive=$(pack_sources "$version" "$BUILD/dist") || die 'the archive could not be made'
    say "version: $version, of $(date -u -d "@$(source_time)" '+%Y-%m-%d %H:%M:%S') UTC"
    say "archive: ${archive#"$TOP/"}, $(stat -c %s "$archive") bytes"
    say "sha256:  $(sha256sum <"$archive" | cut -d ' ' -f 1)"
}
