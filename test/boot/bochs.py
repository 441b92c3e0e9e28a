"""What QEMU's emulator lacks, on Bochs: PCID and INVPCID, the TSC-deadline timer, x2APIC; two CPUs.

The in-kernel tests, and the torture programs whose threads and processes share page tables, with
spaces kept in the TLB. Where Bochs is installed (tools/setup bochs): it brings a toolkit for windows along.
"""

import shutil
import tempfile
from pathlib import Path

from harness import bochs, compare, cpio, initramfs, torture
from harness.schedule import single

CPU, LIMIT_S = "corei7_skylake_x", 400
PROGRAMS = ("spaces", "forks", "futexes", "signals", "pipes")
SCRIPT = ("#!/bin/sh\nmount -t proc proc /proc\n" +
          "".join(f"/torture/{name} 1 4 || echo bochs: {name} failed\n" for name in PROGRAMS) +
          "echo bochs: all done\nsleep 9\n")
FEATURES = [r"apic: x2APIC", r"timer: by TSC deadline", r"smp: 2 CPUs"]


def programs(folder):
    """An initramfs whose first program is the script; returns its path."""
    archive = cpio.Archive()
    for name in PROGRAMS:
        compare.compile_program(torture.SOURCES / f"{name}.c", torture.OUT / name,
                                torture.SOURCES.glob("*.h"))
        archive.file(f"torture/{name}", torture.OUT / name, 0o755)
    initramfs.add_system(archive)
    archive.file("script", SCRIPT.encode(), 0o755)
    path = folder / "programs.cpio"
    path.write_bytes(archive.bytes())
    return path


def boot(options, words, end, has_programs):
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        initrd = programs(folder) if has_programs else None
        disk = bochs.write_disk(folder, options.machine().kernel,
                                f"console=ttyS0 panic=-1 x2apic_phys {words}", initrd)
        said = bochs.run(folder, disk, CPU, 2, LIMIT_S, f"{end}|end Kernel panic|bochs: .* failed")
    bochs.expect(said, [*FEATURES, end])


def jobs(options):
    if options.kernel or not shutil.which("bochs"):
        return []
    table = {
        "ktest": ("ktest", r"ktest: \d+ passed, 0 failed", False),
        "torture": ("rdinit=/script", r"bochs: all done", True),
    }
    return [single(f"boot/bochs/{name}", lambda row=row: boot(options, *row), 120)
            for name, row in table.items()]
