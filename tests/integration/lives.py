# SPDX-License-Identifier: MIT
"""What an agent lives through while one of its calls fails: faults_agent.py. Together they touch everything."""
import os
import shutil

WEB = "listen = {}\nconnect-port = 80"  # the service "web"; the others stay as they are
HOUR = 3600
LOADED = "Configuration loaded"
SET = "The clock was set"


def changes(walk):
    """Start, session, a new address, a new service file, reload, stop."""
    guest = walk.guest
    walk.start()
    walk.wait(walk.right(8080), "the start")
    walk.move()
    walk.wait(walk.right(8080), "the new address")
    guest.service("web", WEB.format(8081))
    walk.wait(walk.right(8081), "the saved file")
    loaded = len(guest.log_lines(LOADED))
    guest.reload()
    walk.wait_news(LOADED, loaded, "the reload")
    walk.wait(walk.right(8081), "the state after the reload")
    walk.stop()


def troubles(walk):
    """The helper is killed and comes back, a service file is broken and mended, the clock is set, and another folder
    takes the place of that with the service files."""
    walk.start()
    walk.wait(walk.right(8080), "the start")
    lose_the_helper(walk)
    break_a_file(walk)
    set_the_clock(walk)
    replace_the_folder(walk)
    walk.stop()


def lose_the_helper(walk):
    walk.host.kill()
    walk.wait(lambda: walk.guest.status().get("helper", {}).get("state") == "waiting", "the loss of the helper")
    walk.host.start()
    walk.wait(walk.right(8080), "the helper that is back")


def break_a_file(walk):
    """What is in it stays in force, except for an agent that starts."""
    guest = walk.guest
    rules = walk.host.rules()
    guest.service("web", "listen = nowhere")
    walk.wait(lambda: len(guest.status().get("configuration", {}).get("problems", [])) == 1, "the broken file")
    assert walk.restarted or walk.host.rules() == rules, "a broken file closes its port"
    guest.service("web", WEB.format(8081))
    walk.wait(walk.right(8081), "the mended file")


def set_the_clock(walk):
    """WSL's mode is another one afterwards, and then the old one again."""
    for hours, mode, condition in (20_000, "mirrored", walk.mirrored), (-20_000, "nat", walk.right(8081)):
        n_set = len(walk.guest.log_lines(SET))
        walk.guest.wsl_mode(mode)
        walk.clock.set(hours * HOUR)
        walk.wait_news(SET, n_set, "the clock that was set")
        walk.wait(condition, f"mode {mode} after the clock was set")


def replace_the_folder(walk):
    """By one that was made elsewhere. Its files are watched, too."""
    folder = os.path.join(walk.guest.root, "etc/wslbridge/services.d")
    other, old = os.path.join(walk.folder, "other"), os.path.join(walk.folder, "old")
    for path in (other, old):  # of a life that went wrong
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(folder, other)
    with open(os.path.join(other, "web.ini"), "w", encoding="ascii") as f:
        f.write(f"[service]\n{WEB.format(8082)}\n")
    os.rename(folder, old)
    os.rename(other, folder)
    walk.wait(walk.right(8082), "the other folder")
    walk.guest.service("web", WEB.format(8083))
    walk.wait(walk.right(8083), "a file saved in the other folder")
    shutil.rmtree(old)  # not earlier: that may be an event, too


def restart(walk):
    """WSL is started in another mode than before, twice. The second time it ended without a word."""
    walk.guest.wsl_mode("mirrored")
    walk.start()
    walk.wait(walk.mirrored, "mode mirrored")
    walk.guest.kill()
    walk.guest.wsl_mode("nat")
    walk.start()
    walk.wait(walk.right(8080), "mode nat")
    walk.stop()


LIVES = changes, troubles, restart
