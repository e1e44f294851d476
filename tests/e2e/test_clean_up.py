# SPDX-License-Identifier: MIT
"""./dev leaves nothing behind, however it ends: no process, no namespace, no folder."""
import os
import signal
import subprocess
import time

import janitor
import pytest
from conftest import TOP
from waiting import patient

LIMIT = patient(30)  # seconds, only to end what hangs

# Begin as ./dev does, then start a daemon that leaves the session, a namespace, and a long step.
SCRIPT = """
set -euo pipefail
TOP={top} BUILD={build} PYTHON=/usr/bin/python3
. "$TOP/tools/ui.sh"
. "$TOP/tools/run.sh"
begin_run
setsid sleep 1001 &
ip netns add "wslbridge-$(basename "$WSLBRIDGE_RUN")-test"
echo "$WSLBRIDGE_RUN"
read -r
{then}
"""


def heed_signals():
    """Undo ignored signals, which a shell cannot trap. Under ./dev these tests are a background job,
    which ignores SIGINT, and after nohup SIGHUP. On a terminal, ./dev ignores neither."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def begin(tmp_path, then):
    script = SCRIPT.format(top=TOP, build=tmp_path, then=then)
    process = subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               start_new_session=True, preexec_fn=heed_signals)
    run = process.stdout.readline().strip()
    assert os.path.isdir(run)
    process.stdin.write("go on\n")
    process.stdin.flush()
    return process, run


def settled(run, argument):
    """Wait until 'sleep ARGUMENT' is running, which is the last thing that the script starts."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        for pid in janitor.processes_of(run):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if f.read() == b"sleep\0" + argument.encode() + b"\0":
                        return
            except OSError:
                pass
        time.sleep(0.01)
    raise AssertionError(f"'sleep {argument}' was not started")


def left_over(run):
    spaces = [n for n in janitor.namespaces() if os.path.basename(run) in n]
    return list(janitor.processes_of(run)), spaces, os.path.exists(run)


@pytest.mark.parametrize("how, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143),
                                       (signal.SIGHUP, 129)])
def test_interrupted(tmp_path, how, code):
    process, run = begin(tmp_path, 'step "a long step" "$BUILD/log" sleep 1002')
    settled(run, "1002")
    os.killpg(process.pid, how)
    assert process.wait(LIMIT) == code
    assert left_over(run) == ([], [], False)


def test_failure(tmp_path):
    process, run = begin(tmp_path, 'step "a step that fails" "$BUILD/log" false')
    assert process.wait(LIMIT) == 1
    assert left_over(run) == ([], [], False)


def test_the_next_run_removes_what_a_killed_one_left(tmp_path):
    process, run = begin(tmp_path, "attend sleep 1003")
    settled(run, "1003")
    process.kill()
    process.wait()
    processes, spaces, folder = left_over(run)
    assert processes and spaces and folder
    second, other = begin(tmp_path, "true")
    assert second.wait(LIMIT) == 0
    assert left_over(run) == ([], [], False)


def test_a_living_run_is_left_alone(tmp_path):
    process, run = begin(tmp_path, "attend sleep 1004")
    settled(run, "1004")
    before = left_over(run)
    subprocess.run(["/usr/bin/python3", janitor.__file__, "stale", str(tmp_path / "run")],
                   check=True)
    assert left_over(run) == before
    process.terminate()
    assert process.wait(LIMIT) == 143
    assert left_over(run) == ([], [], False)
