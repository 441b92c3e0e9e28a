"""A virtual machine to start, and a running guest to expect things of.

    machine = Machine(paths.kernel(), initrd=paths.INITRAMFS, append="console=ttyS0")
    with Guest(machine, "boot/q35", limit_s=60) as guest:
        guest.expect(r"moonshot:.*# ")
        guest.send("poweroff\\n")
        guest.wait_exit()

A guest belongs to whoever started it: leaving the `with` block ends its QEMU, by process id. All
that it prints goes to build/test-logs/NAME[.debug][.smpN].log. Every wait is bounded, by its own timeout and by
the guest's limit_s; both are multiplied by MOONSHOT_TIMEOUT_SCALE for slow machines.
"""

import os
import shlex
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from . import esp, paths

SCALE = float(os.environ.get("MOONSHOT_TIMEOUT_SCALE", "1"))
TAIL_CHARS = 1500


class GuestError(Exception):
    """A guest did not do what was expected of it; the text says what, and what it said last."""


def kvm_is_usable():
    """Whether this CPU says it virtualises and /dev/kvm may be opened."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return bool({"vmx", "svm"} & set(flags)) and os.access("/dev/kvm", os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Machine:
    """What to start. kernel is an ELF or bzImage for boot="direct", our EFI file for "uefi"; "disk"
    leaves to UEFI what the first disk holds."""

    kernel: Path
    boot: str = "direct"
    initrd: Path | None = None
    append: str = "console=ttyS0"
    machine: str = "q35"
    memory: str = "256M"
    cpus: int = 1
    disks: tuple = ()
    networks: tuple = ()  # of network.Card
    kvm: bool = False
    serial: str = "stdio"
    display: str = "none"
    reboot: bool = False
    extra: tuple = ()

    def but(self, **changes):
        """The same machine with some things changed."""
        return replace(self, **changes)

    def variant(self):
        """What tells the logs of one test on several machines apart."""
        debug = ".debug" if "debug" in self.kernel.parent.name else ""
        return debug + (f".smp{self.cpus}" if self.cpus in range(2, 100) else "")

    def command(self, esp_image=None):
        """The words that start QEMU; a UEFI machine boots from esp_image, see write_esp()."""
        words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", self.display]
        words += ["-machine", self.machine, "-cpu", "host" if self.kvm else "max"]
        words += ["-accel", "kvm" if self.kvm else "tcg"]
        if self.machine.startswith("microvm"):
            words += ["-global", "virtio-mmio.force-legacy=false"]
        words += ["-m", self.memory, "-smp", str(self.cpus), "-serial", self.serial]
        if not self.reboot:
            words += ["-no-reboot"]
        for number, disk in enumerate(self.disks):
            first = ",bootindex=0" if self.boot == "disk" and not number else ""
            words += self._disk_words(f"disk{number}", disk, first)
        for number, card in enumerate(self.networks):
            words += card.words(f"net{number}", self._device("virtio-net"))
        if self.boot == "disk":
            words += ["-bios", str(paths.OVMF)]
        else:
            words += self._uefi_words(esp_image) if self.boot == "uefi" else self._direct_words()
        return words + list(self.extra)

    def _disk_words(self, name, image, boot=""):
        kind = "qcow2" if str(image).endswith(".qcow2") else "raw"
        return ["-drive", f"if=none,id={name},format={kind},file={image}",
                "-device", f"{self._device('virtio-blk')},drive={name}{boot}"]

    def _device(self, kind):
        return kind + ("-device" if self.machine.startswith("microvm") else "-pci")

    def _direct_words(self):
        words = ["-kernel", str(self.kernel), "-append", self.append]
        return words + (["-initrd", str(self.initrd)] if self.initrd else [])

    def _uefi_words(self, image):
        return ["-bios", str(paths.OVMF)] + self._disk_words("esp", image, ",bootindex=0")

    def write_esp(self, image):
        """Writes the EFI system partition that a UEFI machine boots from."""
        esp.make(image, esp.boot_files(self.kernel, self.initrd, self.append))


class Guest:
    """A running QEMU whose first serial line we read and write."""

    def __init__(self, machine, name, limit_s=120):
        from pexpect import fdpexpect  # not needed, and maybe not installed, for ./moonshot run

        self.name = name
        self.deadline = time.monotonic() + limit_s * SCALE
        self._log = self._open_log(name, machine)
        image = None
        if machine.boot == "uefi":
            image = paths.LOGS / f"{name}.esp"
            machine.write_esp(image)
        command = machine.command(image)
        self._log.write(shlex.join(command) + "\n")
        ours, theirs = socket.socketpair()
        self._socket = ours
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
                                        pass_fds=[fd for card in machine.networks for fd in card.descriptors])
        theirs.close()
        self._console = fdpexpect.fdspawn(ours.fileno(), encoding="utf-8", codec_errors="replace")
        self._console.logfile_read = self._log
        self.output = ""

    def _open_log(self, name, machine):
        path = paths.LOGS / f"{name}{machine.variant()}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", buffering=1, errors="replace", newline="")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _time_left(self, timeout_s):
        return max(0.0, min(timeout_s * SCALE, self.deadline - time.monotonic()))

    def _fail(self, what):
        tail = (self.output + (self._console.before or ""))[-TAIL_CHARS:].replace("\r", "")
        raise GuestError(f"{what}; the guest's last words:\n{tail.strip()}")

    def expect(self, pattern, timeout_s=30):
        """Waits for a regular expression; returns its match. Fails when the guest ends first."""
        from pexpect import EOF, TIMEOUT

        which = self._console.expect([pattern, EOF, TIMEOUT], self._time_left(timeout_s))
        if which == 1:
            self._fail(f"the guest ended without printing /{pattern}/")
        if which == 2:
            self._fail(f"no /{pattern}/ within {timeout_s} s")
        self.output += self._console.before + self._console.after
        self.before = self._console.before
        return self._console.match

    def drain(self):
        """Takes what was printed, so that the guest need not wait; expect() still finds it."""
        from pexpect import EOF, TIMEOUT

        self._console.expect([TIMEOUT, EOF], 0)

    def send(self, text):
        self._console.send(text)

    def wait_exit(self, timeout_s=30):
        """Waits until QEMU ends by itself; returns its exit status. self.output is then whole."""
        from pexpect import EOF, TIMEOUT

        which = self._console.expect([EOF, TIMEOUT], self._time_left(timeout_s))
        if which == 1:
            self._fail(f"the machine was still on after {timeout_s} s")
        self.output += self._console.before or ""
        return self.process.wait(timeout=10)

    def stop(self):
        """Ends QEMU if it still runs, and closes the log. May be called twice."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._socket.close()
        self._log.close()
