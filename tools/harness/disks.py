"""Images of file systems for guests: made by mke2fs, written to by test/disk/churn, and looked at afterwards.

    image = make("ext2/plain", "-t ext2 -b 1024", 64)       a file in build/disks
    with Guest(on(machine, image), name) as guest: ...
    check(image)                                            e2fsck -fn finds nothing
    contents(image)                                         {name: (size, sum)} of its regular files
"""

import os
import re
import shutil
import subprocess
import time

from . import compare, cpio, initramfs, paths
from .console import Shell
from .qemu import Guest, GuestError

SOURCE = paths.TEST / "disk"
OUT = paths.BUILD / "disks"
TOOLS = os.environ["PATH"] + ":/usr/sbin:/sbin"
MOUNT = "mount -t ext2 {options} /dev/vda /mnt && cd /mnt"

# What mke2fs is asked for: as many different layouts as ext2 knows.
OPTION_SETS = {
    "plain": "-t ext2",
    "1k": "-t ext2 -b 1024",
    "2k-old-inodes": "-t ext2 -b 2048 -I 128",
    "4k": "-t ext2 -b 4096 -I 256 -m 1",
    "revision-0": "-t ext2 -r 0 -b 1024 -I 128",
    "many-groups": "-t ext2 -b 1024 -g 1024 -O ^resize_inode,meta_bg",
    "no-types": "-t ext2 -b 4096 -O ^filetype,^dir_index,^sparse_super,^large_file,^resize_inode",
    "large-inodes": "-t ext2 -b 4096 -I 1024",
}
READ_ONLY_SETS = {
    "ext3": "-t ext3",
    "ext4": "-t ext4",
    "ext4-1k": "-t ext4 -b 1024 -O ^metadata_csum,uninit_bg",
}


def run(words, **more):
    """A command of e2fsprogs; returns its status and what it said."""
    done = subprocess.run(words, env=dict(os.environ, PATH=TOOLS), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    return done.returncode, done.stdout


def make(name, options, megabytes, tree=None):
    """A new image, filled from a directory if there is one."""
    image = OUT / f"{name}.img"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.unlink(missing_ok=True)
    words = ["mke2fs", "-q", "-F", *options.split(), *(["-d", str(tree)] if tree else [])]
    status, said = run([*words, str(image), f"{megabytes}m"])
    assert status == 0, said
    return image


def check(image):
    """Nothing is wrong with the file system."""
    status, said = run(["e2fsck", "-fn", str(image)])
    assert status == 0, f"{image}: {said[-3000:]}"


def sum_of(data):
    """FNV-1a of 64 bits, as churn.c has it."""
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{value:016x}"


def tree(image):
    """What the image holds, taken out by debugfs into a directory."""
    place = image.with_suffix(".tree")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    status, said = run(["debugfs", "-R", f"rdump / {place}", str(image)])
    assert status == 0, said
    return place


def contents(image):
    place = tree(image)
    found = {}
    for path in sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            found[str(path.relative_to(place))] = (len(data), sum_of(data))
    shutil.rmtree(place)
    return found


def on(machine, image):
    """The machine with this disk and the programs of test/disk."""
    return machine.but(disks=(image,), initrd=archive(), append="console=ttyS0 quiet panic=-1")


def system():
    """A small system with the programs of test/disk."""
    OUT.mkdir(parents=True, exist_ok=True)
    small = cpio.Archive()
    compare.compile_program(SOURCE / "churn.c", OUT / "churn", [])
    small.file("bin/churn", OUT / "churn", 0o755)
    initramfs.add_system(small)
    return small


def archive():
    path = OUT / "disk.cpio"
    data = system().bytes()
    fresh = path.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}")
    fresh.write_bytes(data)
    fresh.rename(path)
    return path


# ---- power cuts --------------------------------------------------------------------------------

class Promises:
    """What the guest said would survive, line by line; see churn.c."""

    def __init__(self, text):
        self.files = {}
        self.version = None
        for line in text.replace("\r", "").split("\n")[:-1]:
            words = line.split(" ")
            if words[0] == "S" and len(words) == 4:
                self.files[words[1]] = (int(words[2]), words[3])
            elif words[0] == "D" and len(words) == 2:
                self.files.pop(words[1], None)
            elif words[0] == "C" and len(words) == 2:
                self.version = int(words[1])

    def check(self, found, place):
        lost = [f"{name}: {found.get(name)} instead of {what}"
                for name, what in self.files.items() if found.get(name) != what]
        assert not lost, f"{len(lost)} of {len(self.files)} synced files are not whole: {lost[:5]}"
        if self.version is None:
            return
        assert "current" in found, "the file that is replaced again and again is gone"
        data = (place / "current").read_bytes()
        version = int(data.split(b"\n", 1)[0])
        whole = b"%d\n" % version + bytes([ord("a") + version % 26]) * 20000
        assert data == whole[:20000] and version in (self.version, self.version + 1), \
            f"version {version} of {len(data)} bytes instead of {self.version}"


def cut(machine, image, name, seed, seconds):
    """Writes for so long, then the power goes; what was promised. The guest's end is QEMU's."""
    with Guest(on(machine, image), name, 120 + seconds) as guest:
        shell = Shell(guest)
        shell.check("mkdir -p /mnt && " + MOUNT.format(options="") +
                    f" && mkdir -p cut{seed} && cd cut{seed}")
        guest.send(f"churn cut {seed}\n")
        guest.expect(r"begin\r?\n", 60)
        seen = len(guest.output)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.01)
            guest.drain()
        guest.process.kill()
        guest.process.wait()
        try:
            guest.expect("@@never@@", 1)
        except GuestError:
            pass
        text = guest.output[seen:] + (guest._console.before or "")
    assert "churn:" not in text, text[-500:]
    return Promises(text)


def mend(image):
    """e2fsck -p, then -y if that was not enough; True if it was. Clean afterwards."""
    status, said = run(["e2fsck", "-fp", str(image)])
    alone = status in (0, 1)
    if not alone:
        status, said = run(["e2fsck", "-fy", str(image)])
        assert status in (0, 1), said[-3000:]
    check(image)
    return alone


def power_cuts(machine, name, rounds, show=lambda _line: None, options="-t ext2", seed=1):
    """So many cuts, each of a fresh disk, which is mended; how often -p was enough."""
    enough = 0
    for number in range(seed, seed + rounds):
        image = make(name, options, 64)
        seconds = 0.3 + number * 0.618034 % 1 * 4
        promises = cut(machine, image, name, number, seconds)
        alone = mend(image)
        enough += alone
        place = tree(image) / f"cut{number}"
        found = {path.relative_to(place).as_posix():
                 (path.stat().st_size, sum_of(path.read_bytes()))
                 for path in place.rglob("*") if path.is_file() and not path.is_symlink()}
        promises.check(found, place)
        show(f"cut {number} after {seconds:.1f} s: {len(promises.files)} synced files whole, "
             f"version {promises.version}" + ("" if alone else ", e2fsck -y was needed"))
    return enough
