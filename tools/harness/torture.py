"""The torture programs of test/torture in a guest: threads and processes that meet, for many rounds.

Each program gets a seed and a number of rounds, checks what must hold in any order, and ends by itself.
Here it must end with 0, on a kernel that does not complain, and the shell must answer after it.
"""

from . import compare, cpio, initramfs, paths
from .console import Shell
from .qemu import Guest
from .stress import COMPLAINT

SOURCES = paths.TEST / "torture"
OUT = paths.BUILD / "torture"
LIMIT_S = 330


def names():
    return sorted(path.stem for path in SOURCES.glob("*.c"))


def image():
    """The small system and the programs; returns the path of the initramfs."""
    archive = cpio.Archive()
    for name in names():
        compare.compile_program(SOURCES / f"{name}.c", OUT / name, SOURCES.glob("*.h"))
        archive.file(f"torture/{name}", OUT / name, 0o755)
    initramfs.add_system(archive)
    path = OUT / "torture.cpio"
    path.write_bytes(archive.bytes())
    return path


def turns(guest, chosen, seeds, rounds, show=lambda _line: None):
    """Each seed's turn of all the programs; raises when something does not hold."""
    shell = Shell(guest, timeout_s=120)
    for seed in seeds:
        for name in chosen:
            seen = len(guest.output)
            output, status = shell.run(f"/torture/{name} {seed} {rounds}", LIMIT_S)
            assert status == 0, f"{name}, seed {seed}: exit status {status}: {output[-1500:]}"
            wrong = COMPLAINT.search(guest.output[seen:])
            assert not wrong, f"{name}, seed {seed}: {wrong.group()}"
        show(f"seed {seed}: ok")


def run(machine, chosen, seeds, rounds, label, show=lambda _line: None):
    """All in one guest; `seeds` may be a generator that ends when the time is up."""
    machine = machine.but(initrd=image(), append="console=ttyS0 quiet panic=-1")
    with Guest(machine, label, 48 * 3600) as guest:
        turns(guest, chosen, seeds, rounds, show)
