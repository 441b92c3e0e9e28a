"""The log when several write to it at once: every line whole, on the console and in the log."""

import re

from harness import paths
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single

WRITERS, LINES = 4, 40
NAME = "boot/log/lines-are-whole"
TEXT = "x" * 60


def lines_in(text):
    return re.findall(rf"writer-(\d+) line-(\d+) {TEXT} end\r?\n", text)


def run(options):
    machine = options.machine()
    machine = machine.but(initrd=paths.INITRAMFS, cpus=max(2, machine.cpus),
                          append="console=ttyS0 panic=-1 printk.devkmsg=on loglevel=2")
    with Guest(machine, NAME, 120) as guest:
        shell = Shell(guest)
        shell.check(f"for w in $(seq {WRITERS}); do for l in $(seq {LINES}); do"
                    f' echo "<1>writer-$w line-$l {TEXT} end" > /dev/kmsg; done & done; wait', 90)
        before = len(guest.output)
        kept = shell.check("dmesg | grep -c 'writer-.* end$'", 30)
        shown = set(lines_in(guest.output[:before + 1]))
        assert len(shown) == WRITERS * LINES, f"{len(shown)} whole lines were shown"
        assert int(kept.split()[-1]) == WRITERS * LINES, f"{kept} lines were kept"


def jobs(options):
    return [single(NAME, lambda: run(options), 15)]
