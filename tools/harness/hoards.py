"""Memory running out in a guest: hoarders of every kind (test/boot/init/hoard.c), one after the other,
in a machine of 64 MiB. The right process dies or is refused, the shell on the console answers all the
time, and afterwards memory is as free as before.
"""

import re
import time
from dataclasses import dataclass

from . import cpio, initramfs, qemu
from .console import Refused, Shell
from .qemu import Guest, GuestError
from .scenario import OUT, program

MEMORY = "64M"
KILLED = r"Out of memory: Killed process \d+ \(%s\)"
SLACK = 0.01  # of what was free before
SETTLE_S = 60
ANSWER_S = 120  # a storm may still be dying


@dataclass(frozen=True)
class Hoard:
    """A command for the shell and its exit status. `holds`: it says so, sleeps, and is then killed;
    `bomb`: it goes on for ever, in processes that nobody could count."""

    command: str
    status: int | None = None
    killed: str = "hoard"  # whom the log must name; "" nobody in particular
    holds: bool = False
    bomb: bool = False
    limit_s: int = 120


KINDS = {
    "memory": Hoard("/hoard memory", 137),
    "tail": Hoard("tail /dev/zero", 137, "tail"),
    "memories": Hoard("/hoard memories 4", 0),
    "shared": Hoard("/hoard shared", 137),
    "storm": Hoard("/hoard storm 7", None, ""),
    "threads": Hoard("/hoard threads 3", 137),
    "tables": Hoard("/hoard tables", 137),
    "exec": Hoard("/hoard exec 60", None, ""),
    "pipes": Hoard("/hoard pipes", holds=True),
    "descriptors": Hoard("/hoard descriptors", holds=True),
    "sockets": Hoard("/hoard sockets", holds=True),
    "memfd": Hoard("/hoard memfd", holds=True),
    "locks": Hoard("/hoard locks 4000", holds=True),
    "signals": Hoard("/hoard signals", holds=True),
    "tmpfs": Hoard("mkdir -p /full && mount -t tmpfs none /full && dd if=/dev/zero of=/full/file bs=64k; "
                   "umount /full", 0, ""),
    "tmpfs_twice": Hoard("for i in 1 2 3; do mkdir -p /full$i; mount -t tmpfs none /full$i; "
                         "dd if=/dev/zero of=/full$i/file bs=64k; done; umount /full1 /full2 /full3",
                         0, ""),
    "tmpfs_and_memory": Hoard("mkdir -p /full && mount -t tmpfs none /full && "
                              "dd if=/dev/zero of=/full/file bs=64k; /hoard memory; umount /full", 0),
    "processes": Hoard("setsid /hoard processes", bomb=True),
}


def image():
    """The small system and the hoarder."""
    archive = cpio.Archive()
    initramfs.add_system(archive)
    archive.file("hoard", program("hoard"), 0o755)
    path = OUT / f"hoard.{time.monotonic_ns()}.cpio"
    path.write_bytes(archive.bytes())
    return path


def free_kib(shell):
    """MemFree once everything that is only kept for reuse has been given back."""
    end = time.monotonic() + ANSWER_S * qemu.SCALE
    while True:
        try:
            text = shell.check("echo 3 > /proc/sys/vm/drop_caches; cat /proc/meminfo", ANSWER_S)
            return int(re.search(r"MemFree:\s+(\d+)", text).group(1))
        except Refused:  # while a storm is dying
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def is_as_before(shell, before):
    """Memory comes back as the last victims finish dying."""
    end = time.monotonic() + SETTLE_S * qemu.SCALE
    while True:
        now = free_kib(shell)
        if now >= before * (1 - SLACK):
            return now
        if time.monotonic() > end:
            raise AssertionError(f"{now} KiB are free, of {before} before")
        time.sleep(0.5)


def holding(guest, shell, hoard):
    """The hoarder has been refused, or killed; programs start all the same; then it goes."""
    guest.send(f"{hoard.command} & true\n")
    guest.expect(r"hoard: holding|" + KILLED % hoard.killed, hoard.limit_s)
    assert "some files" in shell.check("ls / | grep -q etc && echo some files", 60)
    shell.run("kill -9 $!; wait $!", 60)


def repeat_until(guest, command, pattern, times=30):
    """Gives the shell the command again and again until it answers with the pattern; what it does not
    get to on a busy machine waits in front of the next."""
    for _ in range(times - 1):
        guest.send(command + "\n")
        try:
            return guest.expect(pattern, 5)
        except GuestError:
            continue
    guest.send(command + "\n")
    return guest.expect(pattern, ANSWER_S)


def bomb(guest, shell, hoard):
    """There is a last process that can be: the shell cannot start another, but it is there, and so is
    its own kill."""
    guest.send(f"{hoard.command} &\n")
    repeat_until(guest, "/bin/true", r"can't fork|Cannot allocate|" + KILLED % hoard.killed)
    guest.send("kill -9 -1\n")
    repeat_until(guest, "/bin/true && echo al''ive", "alive")
    shell.run("wait", 60)


def one(guest, shell, name):
    """One hoarder from start to end."""
    hoard = KINDS[name]
    before = free_kib(shell)
    seen = len(guest.output)
    if hoard.holds:
        holding(guest, shell, hoard)
    elif hoard.bomb:
        bomb(guest, shell, hoard)
    else:
        output, status = shell.run(hoard.command, hoard.limit_s)
        assert hoard.status in (None, status), f"{name}: exit status {status}: {output}"
        said = guest.output[seen:] + output
        assert not hoard.killed or re.search(KILLED % hoard.killed, said), f"{name}: {said[-2000:]}"
    is_as_before(shell, before)


def run(machine, names, rounds, label, show=None):
    """All of them, so many times, in one guest."""
    machine = machine.but(initrd=image(), memory=MEMORY, append="console=ttyS0 quiet panic=-1")
    with Guest(machine, label, 120 + rounds * 60 * len(names)) as guest:
        shell = Shell(guest)
        for name in names:  # what is there from the first use on
            one(guest, shell, name)
        before = free_kib(shell)
        for number in range(rounds - 1):
            for name in names:
                one(guest, shell, name)
            if show:
                show(f"round {number + 2}: {free_kib(shell)} KiB free")
        is_as_before(shell, before)
        assert shell.check("echo still here") == "still here"
