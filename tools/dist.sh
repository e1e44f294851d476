# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The source archive: what is committed, packed so that the same commit gives the same bytes.

project_version() {
    local version
    version=$(sed -n "s/^ *version: '\([0-9.]*\)',$/\1/p" "$TOP/meson.build")
    [ -n "$version" ] || die 'meson.build does not tell the version'
    printf '%s\n' "$version"
}

pack_sources() { # pack_sources VERSION: prints the archive's path
    local name=wslbridge-$1 archive=$BUILD/dist/wslbridge-$1.tar.gz
    mkdir -p "$BUILD/dist"
    # git gives every file the commit's time and owner 0; the umask would be the user's setting,
    # and gzip would add a time of its own.
    git -c safe.directory='*' -c tar.umask=0022 -C "$TOP" archive --format=tar \
        --prefix="$name/" HEAD | gzip -n -9 >"$archive.new" || return
    mv -f "$archive.new" "$archive"
    printf '%s\n' "$archive"
}

dist_here() {
    local version archive changes
    [ -e "$TOP/.git" ] ||
        die "'./dev dist' packs what is committed, so it needs a clone made by git; this is an unpacked archive"
    ensure_packages dist
    version=$(project_version)
    changes=$(git -c safe.directory='*' -C "$TOP" status --porcelain | wc -l)
    [ "$changes" -eq 0 ] ||
        say "Only what is committed goes into the archive; files with other changes: $changes"
    archive=$(pack_sources "$version") || die 'the archive could not be made'
    say "version: $version, commit $(git -c safe.directory='*' -C "$TOP" rev-parse HEAD)"
    say "archive: ${archive#"$TOP/"}, $(stat -c %s "$archive") bytes"
    say "sha256:  $(sha256sum <"$archive" | cut -d ' ' -f 1)"
}
