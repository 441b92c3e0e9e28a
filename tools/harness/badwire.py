"""Two guests on a bad wire: what test/net/transfer sends arrives whole, or fails with an errno that says why.

    run(machine, "net/wire", trials(rounds, seed), show)

The guests share one wire (wire.py), whose faults change from trial to trial. On the left is the server.
"""

import random
import re
from dataclasses import dataclass

from . import compare, network, paths
from .console import Shell
from .qemu import Guest
from .stress import COMPLAINT
from .wire import KINDS, BadWire, mixed

SOURCE = paths.TEST / "net"
OUT = paths.BUILD / "network"
LEFT, RIGHT = ("10.9.0.1", "fd00:9::1"), ("10.9.0.2", "fd00:9::2")
PORT = 7000
RIGHT_ERRNOS = ("ETIMEDOUT", "EHOSTUNREACH", "ECONNRESET")
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Trial:
    """One transfer: over IPv6 or not, by which words of `transfer`, with which faults, for how long."""

    name: str
    faults: dict
    verb: str
    six: bool
    seed: int
    bytes: int
    seconds: int
    size: int = 0   # of datagrams; bytes is then their number


def program(name):
    """A program of test/net for guests; where it is."""
    compare.compile_program(SOURCE / f"{name}.c", OUT / name, [])
    return OUT / name


def trials(seed, megabytes, rates, seconds):
    """Each rate of each fault, and of all together, both ways, by IPv4 and IPv6."""
    generator = random.Random(seed)
    for rate in rates:
        for kind in (*KINDS, "all"):
            faults = mixed(rate) if kind == "all" else {kind: rate}
            yield Trial(f"{kind} {rate:.0%}", faults, generator.choice(("send", "fetch")), generator.random() < 0.5,
                        generator.randrange(1 << 30), int(megabytes * MEGABYTE), seconds)
        yield Trial(f"datagrams, all {rate:.0%}", mixed(rate), "datagrams", generator.random() < 0.5,
                    generator.randrange(1 << 30), 300, seconds, generator.choice((100, 1400, 4000, 20000)))


def configure(shell, addresses):
    shell.run("killall udhcpc")
    shell.check(f"ip address add {addresses[0]}/24 dev eth0; ip -6 address add {addresses[1]}/64 dev eth0 nodad 2>&1 || "
                f"ip -6 address add {addresses[1]}/64 dev eth0")


def attempt(shell, wire, trial):
    """What the client said; raises if it is not what may happen."""
    wire.faults = trial.faults
    words = f"transfer {trial.verb} {LEFT[trial.six]} {PORT} {trial.seed} {trial.bytes} {trial.size or trial.seconds}"
    said, _ = shell.run(words, trial.seconds + 240)
    wire.faults = {}
    match = re.search(r"transfer: (whole|unfinished|returned|failed (\w+) after) (\d+)", said)
    assert match and "WRONG" not in said, f"{trial.name}: {words}: {said[-500:]}"
    outcome, errno, count = match.groups()
    assert not errno or errno in RIGHT_ERRNOS, f"{trial.name}: {words}: {said}"
    if outcome == "unfinished":
        assert int(count) > 0, f"{trial.name}: {words}: nothing came through"
    if not sum(trial.faults.values()):
        assert outcome in ("whole", "returned") and int(count) == trial.bytes, f"{trial.name}: {said}"
    return f"{outcome} {count}"


def run(machine, name, all_trials, seed, show=lambda _line: None):
    """Boots both, tries all; raises at the first that does not hold."""
    initrd = network.archive(name, "vmlinuz" in machine.kernel.name,
                             lambda archive: archive.file("bin/transfer", program("transfer"), 0o755))
    machine = machine.but(initrd=initrd, append="console=ttyS0 quiet panic=-1")
    limit_s = 600 + sum(trial.seconds + 300 for trial in all_trials)
    with BadWire(seed) as wire, \
            Guest(machine.but(networks=(wire.left,)), f"{name}-left", limit_s) as left, \
            Guest(machine.but(networks=(wire.right,)), f"{name}-right", limit_s) as right:
        shells = [Shell(guest, timeout_s=180) for guest in (left, right)]
        for shell, addresses in zip(shells, (LEFT, RIGHT)):
            configure(shell, addresses)
        shells[0].check(f"transfer serve {PORT} > /dev/console 2>&1 &")
        shells[1].check(f"ping -c 1 -W 20 {LEFT[0]} >/dev/null; sleep 2; ping6 -c 1 -W 20 {LEFT[1]} >/dev/null", 90)
        for trial in all_trials:
            before = dict(wire.counts)
            said = attempt(shells[1], wire, trial)
            done = {kind: count - before.get(kind, 0) for kind, count in wire.counts.items()}
            show(f"{trial.name}, {trial.verb}, IPv{6 if trial.six else 4}: {said} ({done})")
        for shell in shells:
            shell.check("echo still here", 60)
            wrong = COMPLAINT.search(shell.guest.output)
            assert not wrong and "WRONG" not in shell.guest.output, wrong
            shell.power_off(60)
    initrd.unlink()
