# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests run, of the sources that are tested on Linux: lines and branches for each folder.
# There is no threshold; the table is for people who look for what nothing tests.

coverage_here() {
    local tree=$BUILD/coverage suites=(--suite unit --suite wire --suite fuzz)
    if [ "$(id -u)" -eq 0 ]; then suites+=(--suite netns); fi
    find "$tree" -name '*.gcda' -delete
    # A test that fails has run its lines all the same, but its number is not to be trusted.
    step 'unit tests, vectors and the corpus' "$BUILD/logs/coverage-programs.log" \
        meson test -C "$tree" --no-rebuild "${suites[@]}" ||
        say 'some tests failed: the table below counts what ran'
    # A test starts a program as another user, which must be able to add to the counts: it would
    # complain to that test.
    find "$tree" -name '*.gcno' -print0 | sed -z 's/\.gcno$/.gcda/' | xargs -0 sh -c \
        'touch "$@" && chmod a+rw "$@"' sh
    step 'the agent against the test host' "$BUILD/logs/coverage-integration.log" \
        env WSLBRIDGE_BUILD="$tree" "$PYTHON" "$TOP/tests/run.py" integration ||
        say 'some tests failed: the table below counts what ran'
    find "$tree" -name '*.gcda' -empty -delete
    step 'counting' "$BUILD/logs/coverage.log" \
        gcovr --root "$TOP" --object-directory "$tree" --json-summary "$BUILD/coverage.json" \
        --filter "$TOP/agent/" --filter "$TOP/common/" --filter "$TOP/protocol/" \
        --filter "$TOP/windows-helper/core/" "$tree"
    "$PYTHON" "$TOOLS/coverage.py" "$BUILD/coverage.json"
}
