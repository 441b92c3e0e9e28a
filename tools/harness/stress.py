"""Debian's stress-ng in a guest: the stressors of the file `stressors`, one after the other.

After each, all of this holds: stress-ng says that every instance passed, the console shows nothing that
a kernel should not print, no process is left, memory is as free as before, and the shell answers. Debian's
program and its libraries are put into the initramfs unmodified, so this is the dynamic linker's test, too.
"""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import cpio, initramfs, paths, qemu
from .console import Shell
from .qemu import Guest, GuestError

PROGRAM = Path("/usr/bin/stress-ng")
LIST = Path(__file__).with_name("stressors")
MEMORY = "512M"
SLACK_KIB = 2048  # what stays after a first use: page tables of the kernel, partly used slabs
SETTLE_S = 20
# stress-ng offers those that fill memory by the highest oom_score_adj: that one of them dies is right.
COMPLAINT = re.compile(r"[^\n]*(?:Kernel panic|BUG\b|[Aa]ssert|rank of|red.?zone|corrupt|UBSAN|Call Trace|"
                       r"LOCKUP|lockup|blocked for more than|Oops|double free|"
                       r"Out of memory(?![^\n]*oom_score_adj:1000))[^\n]*")
TROUBLE = re.compile(r"(?:fail|error|skipped|aborted):? [^\n]*")


@dataclass(frozen=True)
class Stressor:
    """A line of the list: its name and further options."""

    name: str
    options: tuple = ()

    def command(self, instances, seconds):
        words = ["stress-ng", f"--{self.name}", str(instances), *self.options]
        return " ".join(words + ["--timeout", f"{seconds}s", "--oomable", "--temp-path", "/tmp"])


def listed():
    """The list: name -> Stressor, in its order."""
    rows = (line.split() for line in LIST.read_text().splitlines())
    return {row[0]: Stressor(row[0], tuple(row[1:])) for row in rows if row and row[0] != "#"}


def libraries():
    """What the dynamic linker of this machine gives the program, and itself."""
    found = subprocess.run(["ldd", str(PROGRAM)], check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in re.findall(r"(/\S+) \(0x", found)]


def image():
    """The small system, stress-ng and its libraries; returns the path of the initramfs."""
    archive = cpio.Archive()
    for path in [PROGRAM, *libraries()]:
        archive.file(str(path), path, 0o755)
    initramfs.add_system(archive)
    path = paths.BUILD / "stress" / "stress.cpio"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{time.monotonic_ns()}")
    temporary.write_bytes(archive.bytes())
    return temporary.rename(path)


def free_kib(shell):
    text = shell.check("echo 3 > /proc/sys/vm/drop_caches; cat /proc/meminfo", 60)
    return int(re.search(r"MemFree:\s+(\d+)", text).group(1))


def settled(shell, before):
    """Waits until the last processes are gone and memory is back; says what is not, or nothing."""
    end = time.monotonic() + SETTLE_S * qemu.SCALE
    while True:
        left = shell.run("pidof stress-ng", 60)[0].strip()
        free = free_kib(shell)
        if not left and free >= before - SLACK_KIB:
            return ""
        if time.monotonic() > end:
            return f"processes left: {left}" if left else f"{free} KiB are free, of {before} before"
        time.sleep(0.5)


def one(guest, shell, stressor, instances, seconds):
    """One stressor; returns what was wrong, or nothing."""
    before = free_kib(shell)
    seen = len(guest.output)
    output, status = shell.run(stressor.command(instances, seconds), seconds * 4 + 120)
    wrong = [line.group() for line in TROUBLE.finditer(output)][:3] if status else []
    if status or "successful run completed" not in output or "skipped" in output:
        wrong.append(f"exit status {status}: {output[-1000:]}")
    wrong.append(settled(shell, before))
    wrong += [line.group() for line in COMPLAINT.finditer(guest.output[seen:].replace("\r", ""))]
    return "; ".join(filter(None, wrong))


def in_a_guest(machine, stressors, seconds, label, show):
    """As many of them as one guest survives; returns {name: what was wrong, or nothing}."""
    done = {}
    with Guest(machine, label, 240 + len(stressors) * (seconds * 5 + 200)) as guest:
        shell = Shell(guest, timeout_s=120)
        shell.check("ulimit -c 0; cd /tmp && stress-ng --version", 60)  # what stays from the first use on
        for stressor in stressors:
            started = time.monotonic()
            try:
                done[stressor.name] = one(guest, shell, stressor, machine.cpus, seconds)
            except GuestError as error:
                done[stressor.name] = str(error)
                return done
            finally:
                show(stressor.name, done.get(stressor.name), time.monotonic() - started)
    return done


def run(machine, stressors, seconds, label, show=lambda *_: None):
    """All of them, with an instance a CPU, in one guest, or in another after one that no longer answers;
    returns {name: what was wrong}, empty if all is well."""
    machine = machine.but(initrd=image(), append="console=ttyS0 quiet panic=-1")
    done = {}
    while len(done) < len(stressors):
        part = f"{label}.{len(done)}" if done else label
        done |= in_a_guest(machine, stressors[len(done):], seconds, part, show)
    return {name: failure for name, failure in done.items() if failure}
