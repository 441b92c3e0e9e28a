"""Disks: partition tables good and bad, read-only disks, errors of the medium, root=, loop devices, and what ./moonshot image makes."""

import json
import os
import struct
import subprocess
import threading
import time

from harness import cpio, initramfs, paths, rootfs
from harness.qemu import Guest
from harness.scenario import OUT, Scenario, jobs_of
from harness.schedule import single

MIB = 1 << 20
STARTED, ROOT_MADE = time.time(), threading.Lock()
SIZE = 32 * MIB
FATAL = r"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block\(0,0\)"

GPT = """label: gpt
label-id: 4D4F4F4E-5348-4F54-8000-0000000000AA
start=2048, size=8192, name="first", uuid=4D4F4F4E-5348-4F54-8000-000000000001
start=10240, size=16384, name="zweite größer", uuid=4D4F4F4E-5348-4F54-8000-000000000002
"""
MBR = """label: dos
label-id: 0xdeadbeef
start=2048, size=8192, type=83
start=10240, size=40960, type=5
start=12288, size=4096, type=83
start=18432, size=4096, type=83
"""
TWO = [r"254\s+1\s+4096 vda1\r?\n", r"254\s+2\s+8192 vda2\r?\n"]


def partitioned(name, script, change=None):
    """An image with this table, changed by change(bytearray)."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"disk-{name}.img"
    path.write_bytes(b"")
    os.truncate(path, SIZE)
    if script:
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        subprocess.run(["sfdisk", "--quiet", str(path)], input=script, text=True, check=True, env=env,
                       capture_output=True)
    if change:
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
    return path


def script_archive(commands):
    """A small system whose own init runs these commands and switches off."""
    archive = cpio.Archive()
    archive.file("init", "#!/bin/sh\nmount -t devtmpfs none /dev\nmount -t proc none /proc\n"
                 f"mount -t sysfs none /sys\n{commands}\nsync\npoweroff -f\n", 0o755)
    initramfs.add_system(archive)
    return archive.gzipped()


def drive(path, options="", device=""):
    return ("-drive", f"if=none,id=d,format=raw,snapshot=on,file={path}{options}",
            "-device", f"virtio-blk-pci,drive=d,serial=moonshot{device}")


class Lazy(dict):
    """Changes to a machine whose disk is made when it is started."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def keys(self):
        return ["extra"]

    def __iter__(self):
        return iter(self.keys())

    def __getitem__(self, key):
        return self.make()

    def __len__(self):
        return 1


def shows(lines, commands, make, **more):
    return Scenario(lines, initrd=lambda: script_archive(commands), machine=Lazy(make), **more)


def table(name, script, lines, change=None):
    return shows(lines, "cat /proc/partitions; echo done",
                 lambda: drive(partitioned(name, script, change)))


def zero(start, length):
    def change(data):
        data[start:start + length] = bytes(length)
    return change


def break_both(data):
    data[512 + 16] ^= 1
    data[SIZE - 512 + 16] ^= 1


def circle(data):
    """The second logical partition's table, 1 MiB before it, points back to the first."""
    link = (18432 - 2048) * 512 + 446 + 16
    struct.pack_into("<II", data, link + 8, 0, 4096)
    data[link + 4] = 5


def noise(data):
    for at in range(0, 4 * MIB, 3):
        data[at] = at * 31 >> 3 & 0xFF
    data[510:512] = b"\x55\xaa"


def with_errors(name, event, sector):
    image = partitioned(name, GPT)
    config = OUT / f"disk-{name}.cfg"
    config.write_text(f'[inject-error]\nevent = "{event}"\nerrno = "5"\nsector = "{sector}"\n'
                      'immediately = "off"\nonce = "off"\n')
    return ("-drive", f"if=none,id=d,format=raw,werror=report,rerror=report,file=blkdebug:{config}:{image}",
            "-device", "virtio-blk-pci,drive=d")


READ_BAD = """dd if=/dev/vda1 of=/dev/null bs=4k count=1 skip=2 2>&1
dd if=/dev/vda1 of=/dev/null bs=4k count=1 skip=64 && echo others are fine
echo done"""
WRITE_BAD = """dd if=/dev/zero of=/dev/vda2 bs=4k count=1 conv=fsync 2>&1
dd if=/dev/zero of=/dev/vda1 bs=4k count=1 conv=fsync && echo others are fine
echo done"""
READONLY = """cat /sys/block/vda/ro
echo x > /dev/vda1
dd if=/dev/vda1 of=/dev/null bs=4k count=1 && echo readable
echo done"""
ATTRIBUTES = """cd /sys/class/block/vda2; cat uevent size start partition; cat ../serial; cat /sys/dev/block/254:2/dev
readlink -f /sys/block/vda; grep -c vda /proc/diskstats; grep virtblk /proc/devices; echo done"""
LOOP = """dd if=/dev/zero of=/tmp/img bs=1M count=8 2>/dev/null
losetup -f
losetup /dev/loop0 /tmp/img; echo hello > /dev/loop0; sync; head -c 5 /tmp/img; echo " in the file"
losetup -f; losetup -o 1048576 /dev/loop1 /tmp/img
blockdev --getsize64 /dev/loop1; losetup -d /dev/loop1; losetup -d /dev/loop0; losetup -a
blockdev --getsize64 /dev/loop0
losetup -P /dev/loop0 /dev/vda; ls /dev/loop0p*; dd if=/dev/loop0p1 bs=512 count=1 2>/dev/null | wc -c
losetup -d /dev/loop0; ls /dev/loop0p* 2>&1; losetup -r /dev/loop0 /tmp/img; blockdev --getro /dev/loop0
echo x > /dev/loop0; echo done"""

ROOT_INIT = """#!/bin/sh
mount -t proc none /proc
grep ' / ' /proc/mounts
mount -o remount,rw / && echo more >> /counter && wc -l < /counter
ls -d /dev/vda && echo started from the disk
umount -a -r
poweroff -f
"""
SWITCH = """mkdir -p /new && mount -t ext2 /dev/vda /new && mount --move /dev /new/dev
umount /proc /sys
exec switch_root /new /sbin/init"""


def root_disk():
    """A whole disk that is an ext2 file system with busybox and a first program."""
    def fill(tree):
        tree.file("sbin/init", ROOT_INIT, 0o755)
        for name in initramfs.EMPTY:
            tree.directory(name)
        initramfs.add_busybox(tree)

    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "disk-root.img"
    with ROOT_MADE:
        if not path.exists() or path.stat().st_mtime < STARTED:
            rootfs.make(path, 8 * MIB, fill, "a label")
    return drive(path)


def from_disk(words, device="254:0"):
    return Scenario([rf"VFS: Mounted root \(ext2 filesystem\) readonly on device {device}", r"/dev/root / ext2 ro",
                     r"\n1\r?\n", "started from the disk"], append=f"panic=-1 {words}", machine=Lazy(root_disk))


SCENARIOS = {
    "root-by-name": from_disk("root=/dev/vda"),
    "root-by-number": from_disk("root=254:0 rootfstype=ext4,ext2 rootwait"),
    "root-by-label": from_disk('"root=LABEL=a label" rootdelay=1'),
    "root-by-uuid": from_disk(f"root=UUID={rootfs.UUID}"),
    "switch-root": shows([r"/dev/vda / ext2 rw", r"\n1\r?\n", "started from the disk"], SWITCH, root_disk),
    "gpt": table("gpt", GPT, [*TWO, "done"]),
    "gpt-hybrid": table("hybrid", GPT, [*TWO, "done"], lambda data: data.__setitem__(
        slice(446 + 16, 446 + 32), struct.pack("<BBHBBHII", 0, 0, 0, 0x83, 0, 0, 2048, 8192))),
    "gpt-primary-bad": table("primary", GPT, ["Primary GPT is invalid, using alternate GPT", *TWO, "done"],
                             zero(512, 512)),
    "gpt-backup-bad": table("backup", GPT, ["Alternate GPT is invalid, using primary GPT", *TWO, "done"],
                            zero(SIZE - 512, 512)),
    "gpt-both-bad": table("both", GPT, ["both copies of the GPT are bad", r"32768 vda\r?\n", "done"],
                          break_both),
    "mbr": table("mbr", MBR, [r"4096 vda1\r?\n", r" 1 vda2\r?\n", r"2048 vda5\r?\n", r"2048 vda6\r?\n", "done"]),
    "mbr-circle": table("circle", MBR, ["entries of the partition table are invalid", r"vda1\r?\n", "done"],
                        circle),
    "no-table": table("none", "", [r"32768 vda\r?\n", "done"]),
    "noise": table("noise", "", [r"32768 vda\r?\n", "done"], noise),
    "attributes": shows([r"MAJOR=254\r?\nMINOR=2\r?\nDEVNAME=vda2\r?\nDEVTYPE=partition\r?\n",
                         r"PARTN=2\r?\nPARTNAME=zweite größer\r?\n16384\r?\n10240\r?\n2\r?\n",
                         r"moonshot\r?\n254:2\r?\n/sys/devices/\S+/vda\r?\n3\r?\n254 virtblk\r?\n", "done"],
                        ATTRIBUTES, lambda: drive(partitioned("attributes", GPT))),
    "read-errors": shows([r"I/O error, dev vda, sector 20\d\d", "dd: .*Input/output error", "others are fine",
                          "done"], READ_BAD, lambda: with_errors("read", "read_aio", 2064)),
    "write-errors": shows([r"I/O error, dev vda, sector 10240", "dd: .*Input/output error", "others are fine",
                           "done"], WRITE_BAD, lambda: with_errors("write", "write_aio", 10240)),
    "read-only": shows([r"\n1\r?\n", r"(Operation not permitted|Read-only file system)", "readable", "done"],
                       READONLY, lambda: drive(partitioned("ro", GPT), ",readonly=on")),
    "loop": shows([r"/dev/loop0\r?\n", "hello in the file", r"/dev/loop1\r?\n7340032\r?\n0\r?\n", r"/dev/loop0p1",
                   r"/dev/loop0p2", r"\n512\r?\n", r"No such file", r"\n1\r?\n", "Operation not permitted", "done"],
                  LOOP, lambda: drive(partitioned("loop", GPT))),
    "root-missing": Scenario([r'VFS: Cannot open root device "vdz1" or unknown-block\(0,0\): error -6',
                              r"fe00\s+32768 vda", r"fe01\s+4096 vda1 4d4f4f4e-5348-4f54-8000-000000000001",
                              FATAL], "reset", append="panic=-1 root=/dev/vdz1",
                             machine=Lazy(lambda: drive(partitioned("missing", GPT)))),
    "root-of-no-kind": Scenario([r"No filesystem could mount root, tried:",
                                 r"Unable to mount root fs on unknown-block\(254,1\)"], "reset",
                                append="panic=-1 root=PARTUUID=4d4f4f4e-5348-4f54-8000-000000000001",
                                machine=Lazy(lambda: drive(partitioned("kind", GPT)))),
}


def boot_image(options, image, name, commands, answer):
    """Boots what ./moonshot image made, by its firmware; gives commands to the shell and leaves in good order."""
    machine = options.machine().but(boot="disk", disks=(image,))
    with Guest(machine, name, 180) as guest:
        guest.expect(r"VFS: Mounted root \(ext2 filesystem\) on device 254:2", 90)
        guest.expect(r"moonshot:.*# ", 60)
        guest.send(commands + "\n")
        guest.expect(answer, 30)
        guest.send("poweroff\n")
        guest.wait_exit(60)


def check_root(image):
    """The root partition, which begins where the image's maker says, as e2fsck sees it."""
    root = image.with_suffix(".check")
    table = subprocess.run(["sfdisk", "--json", str(image)], capture_output=True, check=True,
                           env=rootfs.ENVIRONMENT).stdout
    part = json.loads(table)["partitiontable"]["partitions"][1]
    with image.open("rb") as disk:
        disk.seek(part["start"] * 512)
        root.write_bytes(disk.read(part["size"] * 512))
    done = subprocess.run(["e2fsck", "-fn", str(root)], capture_output=True, text=True, check=False,
                          env=rootfs.ENVIRONMENT)
    root.unlink()
    return done.returncode, done.stdout


def run_image(options):
    OUT.mkdir(parents=True, exist_ok=True)
    image = OUT / "disk-image.img"
    words = ["--no-build", "--size", "24"] + ["--debug"] * bool(options.debug)
    subprocess.run([str(paths.TOOLS / "commands" / "image"), str(image), *words], check=True,
                   capture_output=True)
    boot_image(options, image, "boot/disks/image-first",
               "mkdir -p /root/kept && uname -s > /root/kept/name && mount | grep ' / '", r"/dev/root on / .*rw")
    boot_image(options, image, "boot/disks/image-again", "cat /root/kept/name; echo $((6*7))", r"Linux\r?\n42")
    status, output = check_root(image)
    assert status == 0, f"e2fsck -fn: status {status}\n{output}"
    image.unlink()


def jobs(options):
    made = [] if options.kernel else [single("boot/disks/image", lambda: run_image(options), 30)]
    return jobs_of(options, "disks", SCENARIOS) + made
