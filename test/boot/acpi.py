"""ACPI tables with flaws: each is told in one line, and the machine reaches a first program."""

import tempfile
from pathlib import Path

from harness import acpi
from harness.scenario import Scenario, program, run, with_init
from harness.schedule import single

MEMORY_MIB = 256
SAID = r"init: pid 1\r?\n"
HALTED, OFF = r"reboot: System halted", "off"


def says():
    return with_init(program("says")).gzipped()


def flaws_everywhere(tables):
    """One in each table, but not in those that power the machine off."""
    tables["APIC"] += b"\x05\x01"
    tables["HPET"] = acpi.hpet(space=7)
    tables["MCFG"] = acpi.mcfg(first=200, last=100)
    tables["SRAT"] = acpi.srat([(0, 0, MEMORY_MIB << 20), (1, 1 << 20, 1 << 20)])
    tables["JUNK"] = acpi.table("JUNK", bytes(100))
    return {"unsealed": ("JUNK",), "strays": (acpi.NOWHERE,)}


def cut_tables(tables):
    """Too short for what every revision has."""
    for name, length in (("APIC", 40), ("FACP", 100), ("HPET", 44), ("SRAT", 44)):
        tables[name] = tables[name][:length]
    tables["MCFG"] = tables["MCFG"][:50]
    return {}


def unsealed(name):
    def change(tables):
        tables.get(name, bytearray(16))[9] ^= 1
        return {"unsealed": (name,)}
    return change


# What is changed, what the log must say in this order, how the machine ends.
TABLE = {
    "good": (lambda tables: {}, [r"acpi: node 0: 1 CPUs, 128 MiB", r"acpi: node 1: 1 CPUs, 128 MiB",
                                 r"smp: 2 CPUs", SAID], OFF),
    "flaws": (flaws_everywhere, [
        r"acpi: table JUNK at 0x[0-9a-f]+: impossible length: ignored",
        r"acpi: table .* at 0xfffff000: .*: ignored",
        r"acpi: table APIC: an entry of impossible size: the rest is ignored",
        r"acpi: table HPET: registers at an impossible address",
        r"acpi: table MCFG: a window at an impossible place",
        r"acpi: table SRAT: memory in two places at once",
        r"smp: 2 CPUs", SAID], OFF),
    "cut": (cut_tables, [r"acpi: table APIC: too short", r"acpi: table FACP: too short",
                         r"acpi: table HPET: too short", r"acpi: table MCFG: impossible length",
                         r"acpi: table SRAT: too short", SAID, HALTED], "stays"),
    "root-sum": (unsealed("RSDT"), [r"acpi: table RSDT at 0x[0-9a-f]+: wrong checksum: ignored",
                                    SAID, HALTED], "stays"),
    "dsdt-sum": (unsealed("DSDT"), [r"acpi: table DSDT at 0x[0-9a-f]+: .*: ignored",
                                    SAID, HALTED], "stays"),
}


def boot(options, name, change, lines, ends):
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        tables = acpi.good_tables(folder, 2, MEMORY_MIB)
        extra = acpi.words(folder, tables, **change(tables))
        machine = {"machine": "q35,acpi=off", "cpus": 2, "memory": f"{MEMORY_MIB}M", "extra": extra}
        run(options, f"boot/acpi/{name}", Scenario(lines, ends, says, machine, limit_s=90))


def jobs(options):
    if options.kernel:
        return []
    return [single(f"boot/acpi/{name}", lambda name=name, row=row: boot(options, name, *row), 10)
            for name, row in TABLE.items()]
