"""A boot scenario: a machine, the lines that its console must show in this order, and how it ends.

    SCENARIOS = {
        "init-exits": Scenario(init=EXITS, lines=[r"Attempted to kill init"], ends="reset"),
    }

ends is "off" (QEMU ends by itself because of power-off), "reset" (the same because of a restart, which
-no-reboot turns into the end) or "stays" (still there after the last line: a halt).
"""

import subprocess
import time
from dataclasses import dataclass, field

from . import cpio, paths
from .qemu import Guest
from .schedule import single

OUT = paths.BUILD / "boot-tests"
SOURCES = paths.TEST / "boot" / "init"
STAYS_S = 2


@dataclass(frozen=True)
class Scenario:
    """What to boot and what must be seen; `machine` holds changes to the plain Machine."""

    lines: list
    ends: str = "off"
    initrd: object = None  # a function that returns bytes, or None for no initramfs
    machine: dict = field(default_factory=dict)
    append: str = "panic=-1"
    limit_s: int = 60


def program(name):
    """Compiles test/boot/init/NAME.c statically; returns the bytes of the program."""
    OUT.mkdir(parents=True, exist_ok=True)
    source, binary = SOURCES / f"{name}.c", OUT / f"{name}.{time.monotonic_ns()}"
    subprocess.run(["musl-gcc", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror",
                    "-o", str(binary), str(source)], check=True)
    data = binary.read_bytes()
    binary.unlink()
    return data


def with_init(data, name="init", filler=0):
    """An archive that holds this init, after `filler` bytes of something else."""
    archive = cpio.Archive()
    archive.character_device("dev/console", 5, 1)
    if filler:
        archive.file("filler", bytes(index * 7 % 251 for index in range(filler)))
    archive.file(name, data, 0o755)
    return archive


def run(options, name, scenario):
    """Boots it; raises unless all is seen and the machine ends as it should."""
    changes = dict(scenario.machine)
    if scenario.initrd:
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{name.replace('/', '-')}.initrd"
        path.write_bytes(scenario.initrd())
        changes["initrd"] = path
    if changes.get("boot") == "uefi" and not options.kernel:
        changes["kernel"] = paths.uefi_application(options.debug)
    machine = options.machine().but(append=f"console=ttyS0 {scenario.append}".strip(), **changes)
    with Guest(machine, name, scenario.limit_s + 30) as guest:
        for line in scenario.lines:
            guest.expect(line, scenario.limit_s)
        if scenario.ends == "stays":
            time.sleep(STAYS_S)
            assert guest.process.poll() is None, "the machine went off instead of halting"
        else:
            guest.wait_exit(scenario.limit_s)


def jobs_of(options, group, scenarios, cost_s=5):
    """A job a scenario."""
    return [single(f"boot/{group}/{name}",
                   lambda name=name, it=it: run(options, f"boot/{group}/{name}", it), cost_s)
            for name, it in scenarios.items()]
