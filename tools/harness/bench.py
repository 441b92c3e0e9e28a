"""The benchmark program of test/bench: built, run in a guest on a kernel, its rows read.

A Mode says which clock counts: with "icount" QEMU makes the guest's clock count instructions, so
that a figure repeats whatever else this machine does; with "wall" it is this machine's time.
Linux's rows are kept in build/oracle by the hash of all that they depend on.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass, replace

from . import cpio, initramfs, oracle, paths

SOURCES = paths.TEST / "bench"
OUT = paths.BUILD / "bench"
PROGRAM = OUT / "bench"
CACHE = oracle.HOME / "bench"
COMPILE = ["musl-gcc", "-std=gnu17", "-static", "-O2", "-Wall", "-Wextra", "-Werror",
           "-Wno-unused-result", "-pthread", "-idirafter", str(paths.BUILD / "uapi")]
SMALL = {
    "true": ["gcc", "-O2", "-static", "true.c"],
    "first": ["gcc", "-nostdlib", "-static", "first.S"],
    "firmware": ["gcc", "-m32", "-nostdlib", "-static", "-Wl,-Ttext=0x100000",
                 "-Wl,--build-id=none", "firmware.S"],
}
APPEND = "console=ttyS0 quiet panic=-1"
LIMIT_S = 1800
DISK_SIZE = "512M"
DISK_UUID = "6d6f6f6e-7368-6f74-2d62-656e63682121"


class BenchError(Exception):
    """Nothing can be measured; the text says why."""


@dataclass(frozen=True)
class Mode:
    """A clock, and how long and how often a row runs under it."""

    name: str
    unit: str
    run_us: int
    runs: int
    words: tuple = ()
    disk_words: tuple = ()


MODES = {
    # A guest that waits for its disk must not see time fly.
    "icount": Mode("icount", "instr", 2000, 7, ("-icount", "shift=0,sleep=off"),
                   ("-icount", "shift=0,sleep=on")),
    "wall": Mode("wall", "ns", 5000, 31),
}


@dataclass(frozen=True)
class Setting:
    """The machine that both kernels are measured in."""

    mode: Mode
    cpus: int = 1
    memory: str = "1024M"
    model: str = "qemu64"

    def with_disk(self):
        return replace(self, mode=replace(self.mode, words=self.mode.disk_words))

    def command(self, kernel, initrd, *more, append=APPEND):
        words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                 "-machine", "q35", "-accel", "tcg", "-cpu", self.model, "-m", self.memory,
                 "-smp", str(self.cpus), "-serial", "stdio", "-no-reboot", *self.mode.words]
        words += ["-kernel", str(kernel), *more]
        return words + (["-initrd", str(initrd), "-append", append] if initrd else [])


@dataclass(frozen=True)
class Row:
    """A figure; value is None where it could not be had, and note then says why; else note says
    which locks were waited for, and how often, where the row asks."""

    name: str
    value: float | None
    unit: str = ""
    spread: float = 0
    note: str = ""


def compile_to(target, command, folder):
    done = subprocess.run([*command, "-o", str(target)], cwd=folder,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{shlex.join(command)}: {done.stderr}")


def build():
    """Compiles the program and its companions."""
    OUT.mkdir(parents=True, exist_ok=True)
    compile_to(PROGRAM, [*COMPILE, *map(str, sorted(SOURCES.glob("*.c")))], paths.TOP)
    for name, command in SMALL.items():
        compile_to(OUT / name, command, SOURCES / "small")


def row_names(patterns):
    """The rows that patterns such as `sys.*,mem.*` stand for, in their order."""
    listed = subprocess.run([PROGRAM, "--list", patterns], capture_output=True, text=True,
                            check=True)
    return listed.stdout.split()


def write_initramfs(path, *words, modules=()):
    """An initramfs whose init is the program, with these words as its settings, and what a kernel
    must load to see the disk."""
    archive = cpio.Archive()
    for number, module in enumerate(modules):
        archive.file(f"modules/{number:02}-{module.name}", module)
    archive.file("init", PROGRAM, 0o755)
    archive.file("bench.conf", " ".join(words))
    archive.file("bin/true", OUT / "true", 0o755)
    archive.file("bin/busybox", initramfs.BUSYBOX, 0o755)
    for name in ("dev", "proc", "tmp"):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.character_device("dev/null", 1, 3, 0o666)
    archive.character_device("dev/zero", 1, 5, 0o666)
    path.write_bytes(archive.bytes())
    return path


def make_disk(path):
    """A disk with an empty ext2, as Linux and Moonshot get it; QEMU's words for it."""
    path.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-E", "hash_seed=" + DISK_UUID, "-U", DISK_UUID,
                    str(path), DISK_SIZE], check=True, stdout=subprocess.DEVNULL)
    return ["-drive", f"file={path},format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk"]


def parse_line(line, unit):
    """The Row in a line of the program's output, or None."""
    row = re.match(r"row (\S+) (\S+) (\S+) (\S+)", line)
    if row:
        kind = row.group(3) if row.group(3) != "ns" else unit
        return Row(row.group(1), float(row.group(2)), kind, float(row.group(4)))
    skipped = re.match(r"skip (\S+) (.*)", line)
    return Row(skipped.group(1), None, note=skipped.group(2).strip()) if skipped else None


def lines_of(command, log):
    """What a guest prints, line by line; it is ended when it takes too long."""
    with log.open("w") as copy, subprocess.Popen(
            ["timeout", str(LIMIT_S), *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as guest:
        try:
            copy.write(shlex.join(command) + "\n")
            for raw in guest.stdout:
                line = raw.decode(errors="replace").rstrip()
                copy.write(line + "\n")
                yield line
        finally:
            guest.terminate()


def run_guest(kernel, setting, names, log, progress, modules=()):
    """Runs rows in one guest; returns name -> Row. progress(row) is called as each comes in."""
    initrd = write_initramfs(OUT / f"{log}.cpio", f"run_us={setting.mode.run_us}",
                             f"runs={setting.mode.runs}", "rows=" + ",".join(names), modules=modules)
    disk = OUT / f"{log}.disk"
    devices = make_disk(disk) if is_disk_row(names[0]) else []
    rows, locks = {}, {}
    complaint = ""
    for line in lines_of(setting.command(kernel, initrd, *devices), OUT / f"{log}.log"):
        row = parse_line(line, setting.mode.unit)
        if row:
            rows[row.name] = row
            progress(row)
        elif waits := re.match(r"locks (\S+) (.*)", line):
            locks[waits.group(1)] = waits.group(2)
        elif re.search(r"panic|BUG:|Warning: unable", line):
            complaint = complaint or line
    initrd.unlink()
    disk.unlink(missing_ok=True)
    for name in names:
        if name not in rows:
            rows[name] = Row(name, None, note=complaint or "the guest ended before it")
            progress(rows[name])
        if name in locks and rows[name].value is not None:
            rows[name] = replace(rows[name], note=locks[name])
    return rows


def is_disk_row(name):
    return name.startswith("disk.")


def measure(kernel, setting, names, log, progress, modules=()):
    """As run_guest(), with a guest of their own for the rows that need a disk."""
    on_disk = [name for name in names if is_disk_row(name)]
    others = [name for name in names if not is_disk_row(name)]
    rows = run_guest(kernel, setting, others, log, progress) if others else {}
    if on_disk:
        rows |= run_guest(kernel, setting.with_disk(), on_disk, f"{log}-disk", progress, modules)
    return rows


def cache_path(kernel, setting):
    """Where Linux's rows for this program, kernel and machine are kept."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, check=True)
    digest = hashlib.sha256(version.stdout + repr(setting).encode() + str(os.cpu_count()).encode())
    for path in (PROGRAM, OUT / "true", initramfs.BUSYBOX, kernel):
        digest.update(path.read_bytes())
    return CACHE / f"{setting.mode.name}-{digest.hexdigest()[:24]}.json"


def measure_linux(kernel, setting, names, progress, fresh=False):
    """As measure(), but rows that are known already are not run again."""
    path = cache_path(kernel, setting)
    known = {}
    if path.exists() and not fresh:
        known = {name: Row(**row) for name, row in json.loads(path.read_text()).items()}
    missing = [name for name in names if name not in known]
    if missing:
        known |= measure(kernel, setting, missing, f"linux-{setting.mode.name}", progress,
                         oracle.modules())
        CACHE.mkdir(parents=True, exist_ok=True)
        good = {name: vars(row) for name, row in known.items() if row.value is not None}
        path.write_text(json.dumps(good, indent=1))
    return {name: known[name] for name in names}
