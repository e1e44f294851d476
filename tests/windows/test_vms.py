# SPDX-License-Identifier: MIT
"""Finding virtual machines and listening for their connections, with the tests' own computecore.dll,
a real registry, and ports of the loopback interface instead of VMs."""

import json
import shutil
import socket
import time

import pytest
import helper_process
import wine_registry
import wsb_client
from waiting import wait_until
from wsb_client import listen_endpoint, service

KEY = bytes(range(100, 132))
V4 = "172.29.0.2/24"
STORE = (r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\HostComputeService\VolatileStore"
         r"\ComputeSystem")

HYPERV = (r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Virtualization\GuestCommunicationServices"
          r"\57534c42-facb-11e6-bd58-64006a7986d3")


def vm_id(port):
    return f"{port:04x}2c50-1234-5678-9abc-def012345678"


# See windows-helper/net/transport-tcp-vm.c.
ANY_VM = 0x7a30  # the port of the listener for guests of any VM


def source_of(port):
    """The address that a guest of this VM comes from, when it uses that listener."""
    return f"127.0.{port >> 8}.{port & 255}"


VM_A, VM_B, VM_C = 0x7a31, 0x7a32, 0x7a33  # ports, which are also the first digits of the VMs' ids


def system(runtime, owner="WSL", identity=None, kind="VirtualMachine"):
    return {"Id": identity or runtime, "SystemType": kind, "Owner": owner, "RuntimeId": runtime,
            "State": "Running"}


class Compute:
    """The answers of the Host Compute Service, and its registry key."""

    def __init__(self, registry):
        self.registry = registry

    def answer(self, systems, error=0):
        text = systems if isinstance(systems, str) else json.dumps(systems)
        self.registry.set(wine_registry.COUNTERS, "ComputeError", error)
        self.registry.set(wine_registry.COUNTERS, "Compute", text)

    def answer_once(self, systems):
        """The next answer only; afterwards it is as before."""
        self.registry.set(wine_registry.COUNTERS, "ComputeOnce", json.dumps(systems))

    def store(self, *ports):
        """Write the registry key as Windows does, with a subkey for each VM."""
        self.registry.remove(STORE)
        for port in ports:
            self.registry.set(rf"{STORE}\{vm_id(port)}", "ComputeSystemType", 2)

    def run(self, *ports):
        self.answer([system(vm_id(p)) for p in ports])
        self.store(*ports)


@pytest.fixture
def compute(prefix, build_win, registry):
    library = prefix.path / "drive_c/windows/system32/computecore.dll"
    shutil.copy(build_win / "tests/windows/computecore.dll", library)
    made = Compute(registry)
    made.answer([])
    yield made
    registry.remove(STORE)
    library.unlink()


@pytest.fixture
def start_vm_helper(prefix, build_win, registry, iphlpsvc, paired):
    helpers = []

    def start():
        helper = helper_process.Helper(prefix, build_win / "windows-helper/wslbridge-helper.exe",
                                       wait=False, transport="tcp-vm:")
        helper.wait_started("looking for virtual machines")
        helpers.append(helper)
        return helper

    yield start
    for helper in helpers:
        helper.kill()
        print("\n".join(helper.lines))


def reach(port, timeout=10):
    def attempt():
        try:
            return wsb_client.Client(port, key=KEY)
        except OSError:
            return None

    client = wait_until(attempt, timeout, f"a listener at port {port}")
    client.handshake()
    return client


def wait_listening(port):
    """Wait for a listener, without a handshake, because the identity of reach() may be in use."""
    wait_until(lambda: not closed(port), 10, f"a listener at port {port}")


def closed(port):
    try:
        wsb_client.Client(port, key=KEY).close()
    except OSError:
        return True
    return False


def test_vm_comes_and_goes(compute, start_vm_helper, registry):
    helper = start_vm_helper()
    assert closed(VM_A)
    found, gone, web = [], [], [service("web", [listen_endpoint("127.0.0.1:28300", 80)])]
    for _ in range(3):
        started = time.monotonic()
        compute.run(VM_A)
        client = reach(VM_A)
        found.append(time.monotonic() - started)
        assert client.push(web, v4=V4).states() == ["active"]
        compute.run(VM_A, VM_B)
        wait_listening(VM_B)
        assert registry.rules() == {("v4tov4", "127.0.0.1/28300"): "172.29.0.2/80"}
        started = time.monotonic()
        compute.run(VM_B)
        wait_until(lambda: registry.rules() == {}, 5, "the withdrawal", gently=False)
        gone.append(time.monotonic() - started)
        wait_until(lambda: closed(VM_A), 5, "the listener's end")
    # Without being told, it looks every five seconds. A busy machine may be late now and then.
    assert min(found) < 1.5 and min(gone) < 1.5, (found, gone)
    assert any("connections from WSL" in line for line in helper.lines)
    wait_until(lambda: any("has gone" in line for line in helper.lines), 10, "the log line")


def test_only_vms_of_wsl_have_a_listener(compute, start_vm_helper):
    compute.answer([system(vm_id(VM_A), owner="VMMS"),
                    system("not a guid at all", owner="WSL"),
                    system(vm_id(VM_B), identity="WSL-" + vm_id(0x1111))])
    start_vm_helper()
    wait_listening(VM_B)
    assert closed(VM_A)


@pytest.fixture
def registered(registry):
    """As 'install' registers the service for plain Hyper-V."""
    registry.set(HYPERV, "ElementName", "wslbridge")
    yield
    registry.remove(HYPERV)


def test_a_guest_of_plain_hyper_v(compute, start_vm_helper, registry, registered):
    """It comes through the listener for any VM, and its rules end with its own VM."""
    both = [system(vm_id(VM_A), owner="VMMS"), system(vm_id(VM_B), owner="VMMS")]
    compute.answer(both)
    helper = start_vm_helper()
    helper.wait_line("listening for connections from Hyper-V guests")
    second = bytes(range(16, 32))
    registry.set_key(f"{second.hex()}/Debian", KEY)
    clients = [wsb_client.Client(ANY_VM, key=KEY, source=source_of(VM_A)),
               wsb_client.Client(ANY_VM, key=KEY, source=source_of(VM_B), agent_id=second)]
    for i, client in enumerate(clients):
        client.handshake()
        listen = listen_endpoint(f"127.0.0.1:{28302 + i}", 80)
        assert client.push([service("web", [listen])], v4=V4).states() == ["active"]
    compute.answer(both[:1])
    wait_until(lambda: len(registry.rules()) == 1, 30, "the withdrawal of one")
    assert list(registry.rules()) == [("v4tov4", "127.0.0.1/28302")]
    compute.answer([])
    wait_until(lambda: registry.rules() == {}, 30, "the withdrawal of the other")


@pytest.mark.parametrize("answer,error", [
    ([], 0x80070005),            # E_ACCESSDENIED
    ([], 0x8037011B),            # HCS_E_ACCESS_DENIED
    ("Zugriff verweigert", 0),
    ("[" + "{" * 100, 0),
    ('[{"Owner":"' + "x" * 10000, 0),
], ids=["denied", "denied-by-hcs", "no-json", "too-deep", "cut"])
def test_registry_is_read_where_the_service_does_not_answer(compute, start_vm_helper, answer,
                                                            error):
    compute.answer(answer, error)
    compute.store(VM_A)
    helper = start_vm_helper()
    wait_listening(VM_A)
    wait_until(lambda: any("reading the registry instead" in line for line in helper.lines), 10,
               "the log line about it")  # this process may be slow to read it


def test_without_the_service_the_registry_is_enough(start_vm_helper, registry):
    compute = Compute(registry)
    start_vm_helper()
    compute.store(VM_A)
    client = reach(VM_A)
    compute.store()
    wait_until(lambda: closed(VM_A), 5, "the listener's end")
    client.close()


def test_a_rule_left_by_a_crash_goes_with_its_vm(compute, start_vm_helper, registry):
    compute.run(VM_A)
    helper = start_vm_helper()
    reach(VM_A).push([service("web", [listen_endpoint("127.0.0.1:28301", 80)])], v4=V4)
    helper.kill()
    assert len(registry.rules()) == 1
    helper = start_vm_helper()  # the VM is still running, so the rule waits for the agent
    wait_listening(VM_A)
    assert len(registry.rules()) == 1
    helper.kill()
    compute.run(VM_B)
    start_vm_helper()
    wait_until(lambda: registry.rules() == {}, 5, "the withdrawal")


def test_a_vm_is_found_without_a_notification(compute, start_vm_helper):
    start_vm_helper()
    compute.answer([system(vm_id(VM_A))])  # nothing is written to the store
    reach(VM_A).close()


def test_a_listener_that_cannot_be_opened_is_tried_again(compute, start_vm_helper):
    with socket.create_server(("127.0.0.1", VM_A)) as other:
        compute.run(VM_A)
        helper = start_vm_helper()
        helper.wait_line("taken, or kept by Windows")
        other.close()
        reach(VM_A).close()
    assert sum("Cannot listen" in line for line in helper.lines) == 1


def test_one_answer_that_lacks_a_vm_withdraws_nothing(compute, start_vm_helper, registry):
    compute.run(VM_A)
    helper = start_vm_helper()
    client = reach(VM_A)
    client.push([service("web", [listen_endpoint("127.0.0.1:28302", 80)])], v4=V4)
    compute.answer_once([])
    compute.store(VM_B)  # something happens, so the helper asks
    wait_until(lambda: not registry.strings(wine_registry.COUNTERS).get("ComputeOnce"), 10, "the answer")
    compute.run(VM_A, VM_B)
    wait_listening(VM_B)
    assert len(registry.rules()) == 1
    assert not any("has gone" in line for line in helper.lines)
    assert client.push([service("web", [listen_endpoint("127.0.0.1:28302", 81)])],
                       v4=V4).states() == ["active"]


def test_a_service_that_stops_answering_withdraws_nothing(compute, start_vm_helper, registry):
    compute.run(VM_A)
    helper = start_vm_helper()
    client = reach(VM_A)
    client.push([service("web", [listen_endpoint("127.0.0.1:28303", 80)])], v4=V4)
    compute.answer([], 0x80070005)
    compute.store()
    helper.wait_line("reading the registry instead")
    compute.store(VM_B)  # what the registry shows is added
    wait_listening(VM_B)
    assert not closed(VM_A)
    assert len(registry.rules()) == 1
    assert client.push([service("web", [listen_endpoint("127.0.0.1:28303", 81)])],
                       v4=V4).states() == ["active"]


def listening(prefix):
    path = prefix.path / "drive_c/ProgramData/wslbridge/status.json"
    return {vm["id"]: vm["listening"] for vm in json.loads(path.read_text())["vms"]}


def test_a_service_that_hangs_is_not_waited_for(compute, start_vm_helper, registry):
    compute.run(VM_A)
    helper = start_vm_helper()
    wait_listening(VM_A)
    registry.set(wine_registry.COUNTERS, "ComputeHang", 1)
    compute.store(VM_A, VM_B)  # so the helper asks
    helper.wait_line(r"running VMs \(it does not answer\); reading the registry instead", 40)
    wait_listening(VM_B)
    compute.store(VM_A, VM_B, VM_C)  # it looks on
    wait_listening(VM_C)
    assert sum("reading the registry instead" in line for line in helper.lines) == 1
    registry.set(wine_registry.COUNTERS, "ComputeHang", 0)
    wait_until(lambda: closed(VM_B) and closed(VM_C), 20, "what the service says to count again")
    assert not closed(VM_A)


def test_a_sleep_that_no_event_reports(compute, start_vm_helper, registry, iphlpsvc, prefix):
    compute.run(VM_A, VM_B)
    helper = start_vm_helper()
    client = reach(VM_A)
    client.push([service("web", [listen_endpoint("127.0.0.1:28304", 80)])], v4=V4)
    wait_listening(VM_B)

    def opened(port):
        return sum("listening for" in line and str(port) in line for line in helper.lines)

    wait_until(lambda: (opened(VM_A), opened(VM_B)) == (1, 1), 10, "two log lines")
    before = iphlpsvc.changes()
    registry.set(wine_registry.COUNTERS, "SleptSeconds", 3600)
    try:
        helper.wait_line("the machine slept for")
        wait_until(lambda: opened(VM_B) == 2, 10, "a new listener")
        assert opened(VM_A) == 1  # an agent is connected
        wait_until(lambda: listening(prefix) == {vm_id(VM_A): None, vm_id(VM_B): True}, 10,
                   "the status: nobody knows of the first")
        wait_until(lambda: iphlpsvc.changes() > before, 10, "iphlpsvc to read its values again")
        assert client.push([service("web", [listen_endpoint("127.0.0.1:28304", 81)])],
                           v4=V4).states() == ["active"]
        wait_listening(VM_B)
        client.close()
        wait_until(lambda: opened(VM_A) == 2, 10, "a new listener, as the last agent has gone")
        reach(VM_A).close()
    finally:
        registry.set(wine_registry.COUNTERS, "SleptSeconds", 0)


def test_windows_tells_of_the_end_of_a_sleep(compute, power, start_vm_helper, registry, iphlpsvc):
    """As after Modern Standby, where neither the clocks nor an event of the service need tell."""
    compute.run(VM_A)
    helper = start_vm_helper()
    reach(VM_A).push([service("web", [listen_endpoint("127.0.0.1:28305", 80)])], v4=V4)
    before = iphlpsvc.changes()
    registry.set(wine_registry.COUNTERS, "Resumed", 1)
    helper.wait_line("the machine has slept; checking everything")
    wait_until(lambda: iphlpsvc.changes() > before, 10, "iphlpsvc to read its values again")
    try:
        registry.set(wine_registry.COUNTERS, "Resumed", 2)  # somebody sits down at it
        time.sleep(0.5)
        registry.set(wine_registry.COUNTERS, "SleptSeconds", 3600)  # that is another sleep
        helper.wait_line("the machine slept for 3[56][0-9]+ s")
        assert sum("the machine" in line for line in helper.lines) == 2
    finally:
        registry.set(wine_registry.COUNTERS, "SleptSeconds", 0)


def test_a_turn_that_came_too_late(compute, prefix, start_vm_helper):
    """As in Modern Standby, if both clocks run on and Windows says nothing."""
    compute.run(VM_A)
    prefix.env["WSLBRIDGE_TEST_LATE_MS"] = "3000"
    try:
        with socket.create_server(("127.0.0.1", VM_A)):  # so the helper tries it every 5 s
            helper = start_vm_helper()
            helper.wait_line("Cannot listen")
            assert not any("the machine slept" in line for line in helper.lines)
            for _ in range(3):  # a delay that comes before it waits is not seen
                if not any("the machine slept" in line for line in helper.lines):
                    helper.pause(9)
            helper.wait_line("the machine slept for ([3-9]|[1-9][0-9]) s")
    finally:
        del prefix.env["WSLBRIDGE_TEST_LATE_MS"]


@pytest.mark.parametrize("program,cases", [("test-hyperv", 40), ("test-listeners", 43)])
def test_hyperv_sockets_call_by_call(prefix, build_win, program, cases):
    done = prefix.run(build_win / f"tests/windows/{program}.exe", check=False)
    print(done.stdout)
    assert done.returncode == 0
    assert done.stdout.count("\nok ") + done.stdout.startswith("ok ") == cases
    assert "FAILED" not in done.stdout


def test_a_machine_without_hyperv_is_reported_once(prefix, windows_release_tree, registry, iphlpsvc):
    exe = f"{windows_release_tree}/windows-helper/wslbridge-helper.exe"
    compute = Compute(registry)
    compute.store(VM_A)
    helper = helper_process.Helper(prefix, exe, wait=False, transport=None)
    try:
        helper.wait_line("no Hyper-V sockets")
        compute.store(VM_A, VM_B)
        time.sleep(1)
        assert sum("no Hyper-V sockets" in line for line in helper.lines) == 1
        assert helper.stop() == 0
    finally:
        helper.kill()
        registry.remove(STORE)
