"""The machines that QEMU builds, the ways in, the sizes of memory: each reaches a first program."""

from harness.scenario import Scenario, jobs_of, program, with_init

SAID = [r"init: pid 1\r?\n", r"init: \d+ pages\r?\n"]


def says():
    return with_init(program("says")).gzipped()


def on(**machine):
    return Scenario(SAID, initrd=says, machine=machine, limit_s=90)


SCENARIOS = {
    "q35": on(machine="q35"),
    "pc": on(machine="pc"),
    "microvm": on(machine="microvm"),
    "uefi-q35": on(boot="uefi", machine="q35"),
    "uefi-pc": on(boot="uefi", machine="pc"),
    "16M": on(memory="16M"),
    "64M": on(memory="64M"),
    "4G": on(memory="4G"),
    "smp4": on(cpus=4),
    "cpu-qemu64": on(extra=("-cpu", "qemu64")),
    "no-acpi": Scenario([*SAID, r"reboot: System halted"], "stays", says, {"machine": "pc,acpi=off"}),
}


def jobs(options):
    return jobs_of(options, "platforms", SCENARIOS, cost_s=10)
