"""A fork bomb, with `ulimit -u` and without: the shell answers while or after it burns, and nothing is left."""

import time

from harness import hoards
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

LIMIT = 60
BOMB = "/hoard processes"
END = "su user -c 'kill -9 -1'"
OWN = "grep -l '^Uid:.1000' /proc/[0-9]*/status 2>/dev/null | wc -l"


def limited(guest, shell):
    """Only so many processes, zombies counted; others do not feel it."""
    shell.check(f"su user -c 'ulimit -u {LIMIT}; exec {BOMB}' >/dev/null 2>&1 &")
    for _ in range(5):
        shell.check("sleep 1; cat /proc/loadavg", 60)
        assert 0 < int(shell.check(OWN, 60)) <= LIMIT
    shell.run(END, 60)


def unlimited(guest, shell):
    """Root's, as many as memory allows: the shell may have to wait until it can start something."""
    hoards.one(guest, shell, "processes")


def nobody_is_left(shell):
    """The dead are reaped by init when it gets to it; one that was missed would fork for ever."""
    end = time.monotonic() + hoards.SETTLE_S
    while (left := shell.run(OWN, 60)[0].strip()) != "0":
        assert time.monotonic() < end, f"{left} processes are left"
        time.sleep(0.5)


def survives(options, bomb):
    name = f"boot/bomb/{bomb.__name__}"
    machine = options.machine().but(initrd=hoards.image(), memory="64M",
                                    append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, 400) as guest:
        shell = Shell(guest, timeout_s=120)
        shell.check("su user -c true", 60)  # what is there from the first use on
        before = hoards.free_kib(shell)
        bomb(guest, shell)
        hoards.is_as_before(shell, before)
        nobody_is_left(shell)
        assert shell.check("echo still here", 60) == "still here"


def jobs(options):
    return [single(f"boot/bomb/{bomb.__name__}", lambda bomb=bomb: survives(options, bomb), 20)
            for bomb in (limited, unlimited)]
