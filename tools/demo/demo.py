#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The demo: a guest's address changes, its page stays reachable through the host's port.

Both halves are the real programs (tests/lib/stage.py). At the start the demo says what stands in
for Windows. It exits with 1 if one of its claims did not hold.
"""
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import stage as stage_module  # noqa: E402
import topology  # noqa: E402
from narrator import Narrator  # noqa: E402

PORT = 8080
FOREIGN_PORT = 9090
FOREIGN_TARGET = "192.168.50.77/80"
CHANGES = 3

DNS_PORT, WHO_PORT = stage_module.DNS_PORT, stage_module.WHO_PORT

PICTURE = """\
client                  host: Windows (Wine)                   guest: Linux
192.168.50.2 ── LAN ── 192.168.50.1 │ 172.28.64.1 ── NAT ── 172.28.64.10
                        wslbridge-helper                       wslbridge-agent
                        port proxy, wslbridge-relay            web server, port 8080
"""


def rules_text(rules):
    return "\n".join(f"{listen:14} -> {connect}"
                     for listen, connect in sorted(rules.items())) or "(no rule)"


def comes_true(wait, *arguments):
    """Whether what a wait_…() of the stage waits for came within its limit."""
    try:
        wait(*arguments)
        return True
    except AssertionError:
        return False


def control(say, stage, *arguments):
    """Show what a person would type in the guest, and the answer. Returns the exit code."""
    code, text = stage.control(*arguments)
    shown = text.replace(stage.root, "").rstrip()
    say.show(f"sudo wslbridgectl {' '.join(arguments)}", shown)
    return code


def scene_halves(say, stage):
    say.scene("Two halves find each other")
    say.tell("""Three network namespaces stand for three machines. Wine is the Windows host: the
        helper keeps rules in its registry, and a service named iphlpsvc reads them and forwards
        ports, as Windows' own does. The guest runs the agent and a web server. The client cannot
        reach the guest, because the host forwards nothing by itself.""")
    say.show("the stage", PICTURE)
    say.check("the helper does not know this guest yet and refuses it: not paired",
              comes_true(stage.wait_refused, "not-paired"))
    stage.pair()
    say.tell("""An administrator pairs the two: the same key is now in the host's registry and in the
        guest.""")
    say.check("the agent is connected", comes_true(stage.wait_connected))
    say.check("it reports the guest's address "
              f"{stage.reported_address()}", stage.reported_address() == topology.GUEST_ADDRESS)
    say.check(f"the client asks for http://{topology.HOST_ADDRESS}:{PORT}/ and gets no answer, "
              "because nothing is forwarded yet", stage.fetch(PORT) is None)


def scene_expose(say, stage):
    say.scene("One command makes a service reachable")
    code = control(say, stage, "expose", str(PORT), "--name=web")
    say.check("the command waited for the host's answer: active", code == 0)
    say.show("the file that it wrote (each service is one file)",
             stage.read("etc/wslbridge/services.d/web.ini"))
    rule = comes_true(stage.wait_rule, f"0.0.0.0/{PORT}", f"{topology.GUEST_ADDRESS}/{PORT}")
    say.show("the host's port proxy rules (registry)", rules_text(stage.rules()))
    say.check("the new rule points at the guest", rule)
    page = stage.wait_page(PORT)
    say.show(f"the client fetches http://{topology.HOST_ADDRESS}:{PORT}/", page or "(no answer)")
    say.check("the client sees the guest's page",
              page == f"served by the guest at {topology.GUEST_ADDRESS}\n")


def names_its_client(say, stage):
    who = stage.fetch(WHO_PORT)
    say.show(f"the client fetches http://{topology.HOST_ADDRESS}:{WHO_PORT}/", who or "(no answer)")
    say.check("the page names its real client", who == f"you are {topology.CLIENT_ADDRESS}\n")


def scene_relay(say, stage):
    say.scene("UDP, and a server that wants to know its client")
    say.tell("""Windows' port proxy is for TCP, and hides who the client is. For these two services the
        helper writes the table of wslbridge's own relay, and starts the relay's service.""")
    code = control(say, stage, "expose", f"{DNS_PORT}/udp", "--name=dns")
    say.check("the DNS server is reachable by the relay",
              code == 0 and stage.service("dns").get("forwarder") == "relay")
    code = control(say, stage, "expose", str(WHO_PORT), "--name=who", "--client-address=proxy-v2")
    say.check("so is the other one",
              code == 0 and stage.service("who").get("forwarder") == "relay")
    address = stage.net.guest_address
    say.check(f"a DNS lookup, from UDP port {stage_module.LOOKUP_SOURCE} of the client: guest.test is {address}",
              stage.lookup() == address)
    names_its_client(say, stage)


def scene_changes(say, stage):
    say.scene("The guest's address changes, the port keeps working")
    say.tell(f"""The client asks for the page every few milliseconds while the guest's address is
        deleted and another one is added, {CHANGES} times. Without wslbridge the rule would point
        at the old address from then on. The client's UDP flow goes on as well: each later lookup
        comes from the socket of the first one, which was opened before all changes.""")
    outages = []
    with stage.probe(PORT) as probe:
        probe.wait_for(stage.net.guest_address, 0)
        for _ in range(CHANGES):
            old = stage.net.guest_address
            new, seen, outage = stage.change_address(probe)
            rules = stage.rules()
            outages.append(outage * 1000)
            say.check(f"{old} -> {new}: the page comes from {new}; the client missed it for "
                      f"{outage * 1000:.0f} ms",
                      seen and rules.get(f"0.0.0.0/{PORT}") == f"{new}/{PORT}"
                      and f" {old}/" not in rules_text(rules))
            say.check(f"a lookup from the same socket is answered by {new}", stage.lookup() == new)
            time.sleep(0.3)
    say.show("the host's port proxy rules (registry)", rules_text(stage.rules()))
    say.tell("The other service still knows its client:")
    names_its_client(say, stage)
    return outages


def scene_foreign(say, stage):
    say.scene("wslbridge does not touch the rules of others")
    endpoint = f"0.0.0.0/{FOREIGN_PORT}"
    say.tell(f"""An administrator made a rule for port {FOREIGN_PORT} before wslbridge was
        started. Now a service asks for the same port.""")
    code = control(say, stage, "expose", f"{FOREIGN_PORT}:{PORT}", "--name=wants-9090")
    say.check("the service is reported as a conflict",
              code != 0 and stage.service("wants-9090").get("state") == "conflict")
    say.check(f"the rule is as it was: {endpoint} -> {FOREIGN_TARGET}",
              stage.rules().get(endpoint) == FOREIGN_TARGET)
    control(say, stage, "status")


def scene_goodbye(say, stage):
    say.scene("When the guest goes, its rules go")
    say.tell("""The agent is stopped and says goodbye. The helper waits five seconds, so that a
        restart cuts no connection. Then it withdraws the guest's rules.""")
    stage.stop_agent()
    gone = comes_true(stage.wait_rule, f"0.0.0.0/{PORT}", None)
    rules = stage.rules()
    say.show("the host's port proxy rules (registry)", rules_text(rules))
    say.check("the guest's rule is withdrawn", gone)
    say.check("the administrator's rule is still there",
              rules == {f"0.0.0.0/{FOREIGN_PORT}": FOREIGN_TARGET})
    stage.proxy.settled()
    say.check("the client no longer gets an answer", stage.fetch(PORT) is None)


def main():
    say = Narrator()
    print(f"\n{say.bold}wslbridge: a guest's port stays reachable through the host{say.plain}")
    say.tell("Setting the stage: a Windows prefix, its services, both halves …")
    try:
        with stage_module.Stage(os.path.join(TOP, "build", "release")) as stage:
            stage.registry.set_rule(f"0.0.0.0/{FOREIGN_PORT}", FOREIGN_TARGET)
            stage.add_forwarder()
            stage.start(pair=False)
            scene_halves(say, stage)
            scene_expose(say, stage)
            scene_relay(say, stage)
            outages = scene_changes(say, stage)
            scene_foreign(say, stage)
            scene_goodbye(say, stage)
    except AssertionError as e:  # something that had to come did not come in time
        sys.exit(f"wslbridge: the demo stops here: {e}")
    good, all_of_them = sum(say.checks), len(say.checks)
    print(f"\n{say.bold}Summary{say.plain}")
    say.tell(f"{good} of {all_of_them} claims held. The address changed {CHANGES} times; the client "
             f"missed the page for {min(outages):.0f} to {max(outages):.0f} ms. The demo took "
             f"{say.seconds():.0f} s.")
    say.tell("Everything that the demo started has ended and is removed.")
    sys.exit(0 if good == all_of_them else 1)


if __name__ == "__main__":
    main()
