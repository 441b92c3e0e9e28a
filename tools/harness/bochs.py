"""Bochs, a machine with what QEMU's emulator lacks: PCID, INVPCID, TSC-deadline timer, x2APIC.

    image = bochs.write_disk(folder, kernel, "console=ttyS0 ktest", initrd=None)
    said = bochs.run(folder, image, cpu="corei7_skylake_x", cpus=1, limit_s=120, end="ktest: .* passed")

It has an old BIOS and disks of cylinders; test/boot/bios_loader.S starts the kernel from one. It has no
console but a file, so a guest is only watched. Guests count time by instructions, 50 million a second.
"""

import os
import re
import struct
import subprocess
import time

from . import paths
from .qemu import SCALE, GuestError

CHUNK, SECTORS, CYLINDER = 0x8000, 8, 16 * 63 * 512
INITRD = 64 << 20
LOADER = paths.TEST / "boot" / "bios_loader.S"
BIOSES = "/usr/share/bochs"
PT_LOAD, PT_NOTE = 1, 4


def _padded(data, unit):
    return bytes(data) + bytes(-len(data) % unit)


def _memory_image(elf):
    """Where the kernel wants to lie, its bytes from there on, and its PVH entry."""
    first, count = struct.unpack_from("<Q", elf, 32)[0], struct.unpack_from("<H", elf, 56)[0]
    headers = [struct.unpack_from("<IIQQQQQQ", elf, first + 56 * n) for n in range(count)]
    loads = [header for header in headers if header[0] == PT_LOAD]
    low = min(header[4] for header in loads)
    image = bytearray(max(header[4] + header[6] for header in loads) - low)
    for _, _, offset, _, paddr, size, _, _ in loads:
        image[paddr - low:paddr - low + size] = elf[offset:offset + size]
    note = next(header[2] for header in headers if header[0] == PT_NOTE)
    return low, image, struct.unpack_from("<I", elf, note + 16)[0]


def _loader(folder):
    """The loader's bytes and the offset of its values."""
    obj, elf = folder / "loader.o", folder / "loader.elf"
    subprocess.run(["gcc", "-m32", "-c", "-o", obj, LOADER], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-o", elf, obj], check=True)
    subprocess.run(["objcopy", "-O", "binary", elf, folder / "loader.bin"], check=True)
    symbols = subprocess.run(["nm", elf], check=True, capture_output=True, text=True).stdout
    values = re.search(r"^([0-9a-f]+) . values$", symbols, re.M)
    return bytearray((folder / "loader.bin").read_bytes()), int(values[1], 16) - 0x7c00


def write_disk(folder, kernel, append, initrd=None):
    """An image that boots the kernel; returns its path."""
    low, image, entry = _memory_image(kernel.read_bytes())
    image, files = _padded(image, CHUNK), initrd.read_bytes() if initrd else b""
    padded = _padded(files, CHUNK)
    loader, at = _loader(folder)
    struct.pack_into("<IIIIQQQQ", loader, at, low, len(image) // CHUNK, entry, len(padded) // CHUNK,
                     INITRD if files else 0, len(files), 0, 0)
    loader[at + 48:at + 48 + len(append) + 1] = append.encode() + b"\0"
    path = folder / "disk.img"
    path.write_bytes(_padded(loader + image + padded, CYLINDER))
    return path


def _settings(folder, disk, cpu, cpus):
    return f"""megs: 256
romimage: file={BIOSES}/BIOS-bochs-latest
vgaromimage: file={BIOSES}/VGABIOS-lgpl-latest
cpu: model={cpu}, count={cpus}, ips=50000000, reset_on_triple_fault=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={disk}, mode=flat, cylinders={disk.stat().st_size // CYLINDER}, heads=16, spt=63
boot: disk
com1: enabled=1, mode=file, dev={folder}/serial
display_library: rfb, options="timeout=0"
log: {folder}/log
panic: action=fatal
clock: sync=none
"""


def run(folder, disk, cpu, cpus, limit_s, end):
    """Runs until the pattern is seen or Bochs ends; returns what the guest said."""
    (folder / "settings").write_text(_settings(folder, disk, cpu, cpus))
    (folder / "commands").write_text("c\n")
    serial, said = folder / "serial", ""
    serial.write_text("")
    stdin, keep = os.pipe()
    process = subprocess.Popen(["bochs", "-q", "-f", folder / "settings", "-rc", folder / "commands"],
                               stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + limit_s * SCALE
    while time.monotonic() < deadline and process.poll() is None and not re.search(end, said):
        time.sleep(0.5)
        said = serial.read_text(errors="replace")
    process.kill()
    process.wait()
    os.close(stdin)
    os.close(keep)
    return serial.read_text(errors="replace")


def expect(said, lines):
    """Raises unless the lines were said in this order."""
    at = 0
    for line in lines:
        found = re.compile(line).search(said, at)
        if not found:
            raise GuestError(f"Bochs ended without printing /{line}/; the guest's last words:\n{said[-1500:]}")
        at = found.end()
