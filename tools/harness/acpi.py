"""A machine's ACPI tables, all of our own making, handed to the firmware the way QEMU hands its own.

    tables = acpi.good_tables(nr_cpus=2)
    tables["HPET"] = tables["HPET"][:40]     # a flaw
    machine = machine.but(machine="q35,acpi=off", extra=acpi.words(folder, tables))

A table is its header and body; length and checksum are put in by words(), unless its name is in
`unsealed`. The DSDT is ASL, compiled by iasl; it says how to power off. SeaBIOS places the tables by
the commands of a loader file, of 128 bytes each, and sums up again what it wrote addresses into.
"""

import struct
import subprocess

HEADER = 36
ROOT, NAMED, LOADER = "etc/acpi/rsdp", "etc/acpi/tables", "etc/table-loader"
HIGH, FSEG = 1, 2
NOWHERE = 0xfffff000
ASL = 'DefinitionBlock ("", "DSDT", 1, "MOON", "SHOT", 1) { Name (\\_S5, Package () { 0, 0, 0, 0 }) }\n'


def table(signature, body, revision=1):
    """A table whose length and sum are still missing."""
    return bytearray(struct.pack("<4sIBB6s8sI4sI", signature.encode(), 0, revision, 0, b"MOON",
                                 b"SHOT", 1, b"TEST", 1) + body)


def madt(nr_cpus):
    cpus = b"".join(struct.pack("<BBBBI", 0, 8, n, n, 1) for n in range(nr_cpus))
    ioapic = struct.pack("<BBBBII", 1, 12, nr_cpus, 0, 0xfec00000, 0)
    line_0_at_2 = struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0)
    return table("APIC", struct.pack("<II", 0xfee00000, 1) + cpus + ioapic + line_0_at_2)


def fadt():
    body = bytearray(116 - HEADER)
    for offset, value, size in ((46, 9, 2), (48, 0xb2, 4), (52, 2, 1), (56, 0x600, 4), (64, 0x604, 4),
                                (76, 0x608, 4), (88, 4, 1), (112, 1 << 8, 4)):
        body[offset - HEADER:offset - HEADER + size] = value.to_bytes(size, "little")
    return table("FACP", bytes(body))


def hpet(space=0):
    return table("HPET", struct.pack("<IBBBBQBHB", 0x8086a201, space, 0, 0, 0, 0xfed00000, 0, 0, 0))


def mcfg(first=0, last=255):
    return table("MCFG", struct.pack("<QQHBBI", 0, 0xb0000000, 0, first, last, 0))


def srat(ranges):
    """Memory as (node, start, size); CPU n is in node n."""
    cpus = b"".join(struct.pack("<BBBBIIII", 0, 16, n, n, 1, 0, 0, 0)[:16] for n in range(len(ranges)))
    memory = b"".join(struct.pack("<BBIHQQIIQ", 1, 40, node, 0, start, size, 0, 1, 0)
                      for node, start, size in ranges)
    return table("SRAT", struct.pack("<IQ", 1, 0) + cpus + memory)


def dsdt(folder):
    source = folder / "dsdt.asl"
    source.write_text(ASL)
    subprocess.run(["iasl", "-p", str(folder / "dsdt"), str(source)], check=True,
                   stdout=subprocess.DEVNULL)
    return bytearray((folder / "dsdt.aml").read_bytes())


def good_tables(folder, nr_cpus, memory_mib):
    half = memory_mib << 19
    return {"APIC": madt(nr_cpus), "FACP": fadt(), "HPET": hpet(), "MCFG": mcfg(),
            "SRAT": srat([(0, 0, half), (1, half, half)]), "DSDT": dsdt(folder)}


def seal(data):
    data[4:8] = struct.pack("<I", len(data))
    data[9] = 0
    data[9] = -sum(data) & 0xff


def _allocate(name, zone):
    return struct.pack("<I56sIB", 1, name.encode(), 64, zone).ljust(128, b"\0")


def _pointer(where, offset):
    return struct.pack("<I56s56sIB", 2, where.encode(), NAMED.encode(), offset, 4).ljust(128, b"\0")


def _checksum(name, start, length, at):
    return struct.pack("<I56sIII", 3, name.encode(), at, start, length).ljust(128, b"\0")


def _placed(tables, unsealed, strays):
    """All tables in one file behind their root, and the commands that put addresses in."""
    listed = [name for name in tables if name != "DSDT"]
    root_length = HEADER + 4 * (len(listed) + len(strays))
    data, offsets = bytearray(-(-root_length // 64) * 64), {}
    for name, content in tables.items():
        if name not in unsealed:
            seal(content)
        offsets[name] = len(data)
        data += content + bytes(-len(content) % 64)
    pointers = [offsets[name] for name in listed]
    root = table("RSDT", struct.pack(f"<{len(pointers) + len(strays)}I", *pointers, *strays))
    seal(root)
    data[:len(root)] = root
    commands = [_pointer(NAMED, HEADER + 4 * n) for n in range(len(listed))]
    if "FACP" in tables and len(tables["FACP"]) >= 44 and "DSDT" in tables:
        at = offsets["FACP"]
        data[at + 40:at + 44] = struct.pack("<I", offsets["DSDT"])
        commands += [_pointer(NAMED, at + 40), _checksum(NAMED, at, len(tables["FACP"]), at + 9)]
    if "RSDT" not in unsealed:
        commands.append(_checksum(NAMED, 0, root_length, 9))
    return bytes(data), commands


def words(folder, tables, unsealed=(), strays=()):
    """QEMU's options; strays are addresses that the root table names besides."""
    data, commands = _placed(tables, unsealed, strays)
    rsdp = struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"MOON", 0, 0)
    commands = [_allocate(NAMED, HIGH), _allocate(ROOT, FSEG), *commands, _pointer(ROOT, 16),
                _checksum(ROOT, 0, len(rsdp), 8)]
    options = []
    for name, content in ((NAMED, data), (ROOT, rsdp), (LOADER, b"".join(commands))):
        path = folder / name.replace("/", "-")
        path.write_bytes(content)
        options += ["-fw_cfg", f"name={name},file={path}"]
    return tuple(options)
