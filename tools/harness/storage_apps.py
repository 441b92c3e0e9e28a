"""Debian's fio, dbench, bonnie++ and stress-ng's classes filesystem and hdd in a guest, on ext2 and on tmpfs.

    failures = run(machine, seconds, names, label, show)       {name: what was wrong}

The programs and their libraries are Debian's, unmodified, on a disk of their own that mke2fs -d fills and that is mounted
read-only. Each runs on ext2 and on tmpfs with a process a CPU; what can verify (fio's checksums, stress-ng
--verify) does. Afterwards the shell answers, nothing complained, and e2fsck finds nothing on the disk.
"""

import re
import shutil
import subprocess
from pathlib import Path

from . import disks, initramfs, cpio
from .console import Shell
from .qemu import Guest, GuestError
from .stress import COMPLAINT

PROGRAMS = ["/usr/bin/fio", "/usr/bin/dbench", "/usr/sbin/bonnie++", "/usr/bin/stress-ng"]
LOADFILE = Path("/usr/share/dbench/client.txt")
ENVIRONMENT = "export LD_LIBRARY_PATH=/apps/lib PATH=/apps/bin:$PATH"
DISK_MIB, TMPFS_MIB = 512, 192
FIO = ("fio --name=it --directory={where} --size=8m --numjobs={cpus} --time_based --runtime={seconds} --ioengine={engine} "
       "--rw={rw} --bsrange=512-64k --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none {more} --output-format=terse")
STRESS = ("stress-ng --class {kind} --sequential {cpus} --timeout {each}s --verify --oomable --temp-path {where} "
          "--exclude {excluded}")
# Of the class filesystem, what needs what is not there (other file systems, asynchronous I/O, handles of names, a raw disk).
EXCLUDED = "binderfs,ramfs,quota,fanotify,iomix,fiemap,aiol,handle,rawdev"
APPS = {
    "fio-random": (FIO, {"engine": "psync", "rw": "randwrite", "more": ""}),
    "fio-fsync": (FIO, {"engine": "sync", "rw": "write", "more": "--fsync=8"}),
    "fio-mmap": (FIO.replace("512-64k", "4k-64k"), {"engine": "mmap", "rw": "randwrite", "more": ""}),
    "fio-direct": (FIO.replace("512-64k", "4k-64k"), {"engine": "psync", "rw": "randwrite", "more": "--direct=1"}),
    "dbench": ("dbench -D {where} -c /apps/client.txt -t {seconds} {cpus}", {}),
    "bonnie": ("bonnie++ -u root -d {where} -s 48 -r 16 -n 2 -q -m guest", {}),
    "stress-io": (STRESS, {"kind": "io", "excluded": EXCLUDED}),
    "stress-filesystem": (STRESS, {"kind": "filesystem", "excluded": EXCLUDED}),
    "stress-hdd": ("stress-ng --hdd {cpus} --hdd-bytes 16m --hdd-opts wr-rnd,rd-rnd --verify --timeout {seconds}s "
                   "--temp-path {where}", {}),
}


def libraries(program):
    found = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in re.findall(r"(/\S+) \(0x", found)]


def programs(name):
    """An image with the programs and their libraries."""
    place = disks.OUT / f"{name}.apps"
    shutil.rmtree(place, ignore_errors=True)
    for folder in ("bin", "lib"):
        (place / folder).mkdir(parents=True)
    shutil.copy(LOADFILE, place / "client.txt")
    for program in PROGRAMS:
        shutil.copy(program, place / "bin")
        for library in libraries(program):
            shutil.copy(library, place / "lib")
    image = disks.make(f"{name}-apps", "-t ext2 -b 4096", 160, place)
    shutil.rmtree(place)
    return image


def archive(name):
    """The initramfs with the dynamic linker."""
    small = cpio.Archive()
    small.symlink("lib64/ld-linux-x86-64.so.2", "/apps/lib/ld-linux-x86-64.so.2")
    small.directory("apps")
    small.directory("tmpfs")
    initramfs.add_system(small)
    path = disks.OUT / f"{name}.initrd"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(small.bytes())
    return path


def one(guest, shell, app, where, seconds, cpus):
    """One program in one place; returns what was wrong, or nothing."""
    words, values = APPS[app]
    seen = len(guest.output)
    command = words.format(where=where, seconds=seconds, each=max(2, seconds // 10), cpus=cpus, **values)
    output, status = shell.run(f"({command}) > /tmp/said 2>&1", seconds * 30 + 900)
    wrong = []
    if status:
        wrong.append(f"exit status {status}: " + shell.run(
            "grep -i 'fail\\|error\\|verify' /tmp/said | head -n 8; tail -n 4 /tmp/said | cut -c 1-300")[0] + output[-300:])
    wrong += [line.group() for line in COMPLAINT.finditer(guest.output[seen:].replace("\r", ""))]
    shell.run(f"cd /; rm -rf {where}/*; sync", 120)
    return "; ".join(wrong)


def run(machine, seconds, names, label, show):
    """Each of these on ext2 and on tmpfs; returns {name: what was wrong}."""
    disk = disks.make(f"{label}-disk", "-t ext2 -b 4096", DISK_MIB)
    machine = machine.but(disks=(programs(label), disk), initrd=archive(label), append="console=ttyS0 quiet panic=-1")
    failures = {}
    with Guest(machine, label, 600 + len(names) * (seconds * 60 + 1800)) as guest:
        shell = Shell(guest, timeout_s=120)
        shell.check("mount -t ext2 -o ro /dev/vda /apps && mount -t ext2 /dev/vdb /mnt && rmdir /mnt/lost+found && "
                    f"mount -t tmpfs -o size={TMPFS_MIB}m none /tmpfs; {ENVIRONMENT}; ulimit -c 0", 60)
        for app in names:
            for where in ("/mnt", "/tmpfs"):
                if app == "fio-direct" and where == "/tmpfs":
                    continue
                try:
                    wrong = one(guest, shell, app, where, seconds, machine.cpus)
                except GuestError as error:
                    failures[f"{app} in {where}"] = str(error)
                    return failures
                show(f"{app} in {where}: {wrong or 'ok'}")
                if wrong:
                    failures[f"{app} in {where}"] = wrong
        shell.check("umount /mnt", 120)
        shell.power_off(120)
    disks.check(disk)
    return failures
