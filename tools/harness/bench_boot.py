"""What a kernel costs before and beside its programs: boot time, size, memory.

Boot time is the CPU time that QEMU has used when the first program makes its first system call
(test/bench/small/first.S), less what it has used when a kernel that does nothing is started
(firmware.S): the time of this machine, but only what the guest caused.
"""

import gzip
import os
import re
import subprocess
import time
from pathlib import Path

from . import bench, cpio, initramfs

REPEATS = 7
READY = "shell is ready"
SHELL_LIMIT_S = 60
SHELL_MEMORY_KIB = 262144
FIRMWARE_KIB = 517  # of them: the hole below 1 MiB, and the tables at the top
INIT = f"""#!/bin/sh
/bin/busybox mount -t proc proc /proc
while read name value unit; do
	case $name in MemTotal:|MemFree:) echo "memory $name $value";; esac
done </proc/meminfo
echo "{READY}"
exec /bin/busybox sh
"""


def cpu_seconds(pid):
    """CPU time that all threads of a process have used."""
    nanoseconds = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def seconds_to_byte(command, limit_s=60):
    """CPU seconds until the guest sends the byte 1; None when it does not."""
    ours, theirs = os.pipe()
    guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs,
                             stderr=subprocess.DEVNULL)
    os.close(theirs)
    os.set_blocking(ours, False)
    deadline = time.monotonic() + limit_s
    try:
        while time.monotonic() < deadline and guest.poll() is None:
            try:
                if b"\1" in os.read(ours, 4096):
                    return cpu_seconds(guest.pid)
            except BlockingIOError:
                time.sleep(0.001)
        return None
    finally:
        guest.kill()
        guest.wait()
        os.close(ours)


def fastest(command):
    """The least of several boots, which is the one that was disturbed least."""
    times = [seconds for seconds in (seconds_to_byte(command) for _ in range(REPEATS)) if seconds]
    return min(times) if times else None


def firmware_seconds(setting):
    return fastest(setting.command(bench.OUT / "firmware", None))


def boot_seconds(kernel, setting):
    archive = cpio.Archive()
    archive.file("init", bench.OUT / "first", 0o755)
    archive.directory("dev")
    archive.character_device("dev/console", 5, 1)
    image = bench.OUT / "first.cpio"
    image.write_bytes(archive.bytes())
    return fastest(setting.command(kernel, image))


def write_shell_initramfs():
    """An initramfs with a shell, about 1 MB; returns its path and what it holds, unpacked."""
    archive = cpio.Archive()
    archive.file("init", INIT, 0o755)
    archive.directory("proc")
    archive.directory("dev")
    archive.character_device("dev/console", 5, 1)
    archive.file("bin/busybox", initramfs.BUSYBOX, 0o755)
    archive.symlink("bin/sh", "/bin/busybox")
    image = bench.OUT / "shell.cpio.gz"
    image.write_bytes(gzip.compress(archive.bytes(), 9, mtime=0))
    return image, initramfs.BUSYBOX.stat().st_size


def shell_output(kernel, setting, image):
    """What the guest says until its shell is ready; None when it never is."""
    command = ["timeout", str(SHELL_LIMIT_S), *setting.command(kernel, image)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as guest:
        said = ""
        try:
            for raw in guest.stdout:
                said += raw.decode(errors="replace")
                if READY in said:
                    return said
                if re.search(r"panic|[Oo]ut of memory", said):
                    return None
            return None
        finally:
            guest.terminate()


def with_memory(setting, kib):
    return bench.Setting(setting.mode, setting.cpus, f"{kib}K", setting.model)


def least_memory_mib(kernel, setting, progress):
    """The least -m, in MiB, with which the shell is reached; None if 256 is not enough."""
    image, _ = write_shell_initramfs()
    low, high = 2, 256
    if not shell_output(kernel, with_memory(setting, high * 1024), image):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = bool(shell_output(kernel, with_memory(setting, middle * 1024), image))
        progress(f"-m {middle}: {'a shell' if enough else 'none'}")
        low, high = (low, middle) if enough else (middle, high)
    return high


def memory_gone_mib(kernel, setting):
    """MiB that the firmware left and that are not free at the prompt; without the files there."""
    image, unpacked = write_shell_initramfs()
    said = shell_output(kernel, with_memory(setting, SHELL_MEMORY_KIB), image) or ""
    free = re.search(r"memory MemFree: (\d+)", said)
    if not free:
        return None, None
    gone = (SHELL_MEMORY_KIB - FIRMWARE_KIB - int(free.group(1))) / 1024
    return gone, gone - unpacked / (1 << 20)


def image_mib(kernel):
    return kernel.stat().st_size / 1e6


def measure(kernel, setting, firmware_s, progress):
    """name -> figure for one kernel."""
    progress("boot time")
    total_s = boot_seconds(kernel, setting)
    progress("memory at the prompt")
    gone, besides = memory_gone_mib(kernel, setting)
    return {
        "boot to the first system call": total_s and total_s - firmware_s,
        "image": image_mib(kernel),
        "least memory with a shell": least_memory_mib(kernel, setting, progress),
        "memory gone at the prompt": gone,
        "of it besides the initramfs": besides,
    }


UNITS = {
    "boot to the first system call": ("CPU s", 0.15),
    "image": ("MB", 1.5),
    "least memory with a shell": ("MiB", 12),
    "memory gone at the prompt": ("MiB", None),
    "of it besides the initramfs": ("MiB", 4),
}
