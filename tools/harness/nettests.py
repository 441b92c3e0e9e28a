"""The network under bad conditions: the parts of ./moonshot soak net, small in ./moonshot test net.

    parts(machine, scale, seed)      name -> a function that raises when something does not hold

test/net/README.md says what each does. Guests are judged by what they answer afterwards, by their console, and by
the gauges of /proc: what rises with each repetition is a leak.
"""

import re
import subprocess
import time
from dataclasses import dataclass

from . import badwire, network, paths
from .badwire import program
from .console import Shell
from .qemu import Guest
from .stress import COMPLAINT

HOST_PROGRAMS = paths.BUILD / "net"
FUZZED = "10.77.0.2", "fd00:77::2"
MAC = "52:54:00:77:00:02"
SERVER = "transfer serve 7000 > /dev/console 2>&1 & httpd; telnetd"
KILL = "killall transfer httpd telnetd; sleep 1"
LEAK_SLACK = 1500  # connections that the neighbour has left are kept for minutes


@dataclass(frozen=True)
class Scale:
    """How much of each."""

    megabytes: float        # a transfer
    rates: tuple
    transfer_s: int
    packets: int            # through the stack on this machine
    hostile_s: int          # on a guest's wire
    flood_s: int
    connections: int        # at once
    short: int              # one after the other


SMALL = Scale(0.3, (0, 0.05), 60, 100_000, 8, 4, 300, 2000)
LONG = Scale(10, (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3), 300, 10_000_000, 600, 60, 2000, 100_000)


def make(name):
    """Builds a host program of test/net."""
    done = subprocess.run(["make", "-s", name], cwd=paths.TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return HOST_PROGRAMS / name


def wire(machine, scale, seed, show):
    trials = list(badwire.trials(seed, scale.megabytes, scale.rates, scale.transfer_s))
    badwire.run(machine, "net/wire", trials, seed, show)


def stack(_machine, scale, seed, show):
    done = subprocess.run([str(make("stackfuzz")), str(seed), str(scale.packets)], capture_output=True, text=True,
                          check=False, timeout=120 + scale.packets / 2000)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    show(done.stdout.strip())


def archive(machine, name):
    def fill(small):
        for each in ("transfer", "crowd"):
            small.file(f"bin/{each}", program(each), 0o755)

    return network.archive(name, "vmlinuz" in machine.kernel.name, fill)


def gauges(shell):
    text = shell.run("echo 3 > /proc/sys/vm/drop_caches; cat /proc/gauges")[0]
    return {name: int(value) for name, value in re.findall(r"^(\w+) (-?\d+)$", text, re.M)}


def still_well(shell):
    """Its servers answer, and its console shows no complaint."""
    for host in ("127.0.0.1", "::1"):
        said, _ = shell.run(f"transfer send {host} 7000 5 200000 60", 120)
        assert "whole 200000" in said, said
    wrong = COMPLAINT.search(shell.guest.output)
    assert not wrong and "WRONG" not in shell.guest.output, wrong


def hostile(machine, scale, seed, show, floods=False):
    """A neighbour on eth0's wire; the guest answers afterwards, and keeps nothing."""
    name, seconds = ("net/flood", scale.flood_s) if floods else ("net/hostile", scale.hostile_s)
    neighbour = make("hostile")
    ours, theirs = network.socket.socketpair()
    card = network.Card(f"socket,fd={theirs.fileno()}", MAC, (theirs.fileno(),))
    initrd = archive(machine, name)
    machine = machine.but(networks=(card,), initrd=initrd, append="console=ttyS0 quiet panic=-1")
    with ours, theirs, Guest(machine, name, seconds * 3 + 900) as guest:
        shell = Shell(guest, timeout_s=180)
        badwire.configure(shell, FUZZED)
        before = {}
        for turn in range(3):
            shell.check(SERVER)
            still_well(shell)
            words = [str(neighbour), str(seed + turn), str(max(1, seconds // 3)), MAC] + ["flood"] * floods
            done = subprocess.run(words, stdin=ours.fileno(), capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"the guest has gone: {done.stdout} {done.stderr[-2000:]}"
            show(done.stdout.strip())
            guest.drain()
            still_well(shell)
            shell.run(KILL)
            before[turn] = gauges(shell)
        shell.power_off(60)
    initrd.unlink()
    rising = [each for each in before[0] if before[1][each] > before[0][each] + LEAK_SLACK
              and before[2][each] > before[1][each] + LEAK_SLACK]
    assert not rising, f"these rose each time: {[(each, [before[t][each] for t in range(3)]) for each in rising]}"


def flood(machine, scale, seed, show):
    hostile(machine, scale, seed, show, floods=True)


def crowd(machine, scale, _seed, show):
    """Many connections at once, many one after the other, many from all sides."""
    initrd = archive(machine, "net/crowd")
    machine = machine.but(initrd=initrd, memory="256M", append="console=ttyS0 quiet panic=-1")
    with Guest(machine, "net/crowd", 5400) as guest:
        shell = Shell(guest, timeout_s=180)
        for what, count in (("open", scale.connections), ("short", scale.short), ("storm", scale.short // 4)):
            started, before = time.monotonic(), gauges(shell)
            said, status = shell.run(f"crowd {what} {count}", 1600)
            assert status == 0 and f"crowd: ok {count}" in said, said[-500:]
            after = gauges(shell)
            grown = {each: after[each] - before[each] for each in after if after[each] > before.get(each, 0) + 1000}
            show(f"{what} {count}: {time.monotonic() - started:.1f} s" + (f", more: {grown}" if grown else ""))
        wrong = COMPLAINT.search(guest.output)
        assert not wrong, wrong
        shell.power_off(60)
    initrd.unlink()


PARTS = {"wire": wire, "stack": stack, "hostile": hostile, "flood": flood, "crowd": crowd}
