"""File systems on disks that fail, are read-only or go away: the right caller is told, errors= is obeyed, and the shell
lives."""

import re

from harness import disks, faulty
from harness.console import Shell
from harness.faulty import ENOSPC, Fault
from harness.qemu import Guest
from harness.schedule import single
from harness.stress import COMPLAINT

WORDS = "-t ext2 -b 1024 -N 256"
EIO = "Input/output error"
NTH = 12
LOAD = ("for i in $(seq 12); do mkdir -p /mnt/d$i; seq 2000 > /mnt/d$i/f; sync /mnt/d$i/f; mv /mnt/d$i/f /mnt/d$i/g; "
        "cat /mnt/d$i/g | wc -l; rm -rf /mnt/d$((i - 3)); done 2>&1; sync")


def filled(name):
    """An image with a few files, and a directory whose inodes are in a block of their own."""
    place = disks.OUT / f"{name}.in"
    (place / "dir").mkdir(parents=True, exist_ok=True)
    for number in range(40):
        (place / "dir" / f"file{number}").write_bytes(bytes([number]) * 5000)
    return disks.make(name, WORDS, 8, place)


def sector_of_inode(image, path):
    """Where the inode lies, in sectors."""
    said = disks.run(["debugfs", "-R", f"imap {path}", str(image)])[1]
    return int(re.search(r"located at block (\d+)", said).group(1)) * 2


def sector_of_data(image, path):
    return int(disks.run(["debugfs", "-R", f"blocks {path}", str(image)])[1].split("\n")[1].split()[0]) * 2


class Disk:
    """A shell on a machine whose disk fails; at the end the kernel must not have complained."""

    def __init__(self, options, name, image, fault):
        self.guest = Guest(faulty.on(options.machine(), image, fault), name, 200)

    def __enter__(self):
        self.shell = Shell(self.guest, timeout_s=100)
        self.shell.check("mkdir -p /mnt")
        return self

    def __exit__(self, kind, *_):
        try:
            if not kind and self.guest.process.poll() is None:
                assert self.shell.check("echo alive") == "alive"
                complaint = COMPLAINT.search(self.guest.output)
                assert not complaint, complaint.group()
        finally:
            self.guest.stop()

    def mount(self, options="rw"):
        self.shell.check(f"mount -t ext2 -o {options} /dev/vda /mnt")

    def fails(self, command, words):
        said, status = self.shell.run(command, 60)
        assert status and words in said, f"{command}: {status}: {said}"


def data_read(options, name):
    """Of two files, the one whose block cannot be read."""
    image = filled(name)
    with Disk(options, name, image, Fault("read_aio", sector=sector_of_data(image, "/dir/file9"))) as disk:
        disk.mount()
        disk.fails("cat /mnt/dir/file9 > /dev/null", EIO)
        disk.shell.check("cat /mnt/dir/file3 > /dev/null; echo new > /mnt/new; sync; umount /mnt")


def data_write(options, name):
    """fsync tells of it once; the file beside it is whole."""
    image = filled(name)
    where = sector_of_data(image, "/dir/file9")
    with Disk(options, name, image, Fault("write_aio", sector=where)) as disk:
        disk.mount()
        disk.fails("dd if=/dev/zero of=/mnt/dir/file9 bs=1024 count=1 conv=notrunc,fsync", EIO)
        disk.shell.check("dd if=/dev/zero of=/mnt/dir/file3 bs=1024 count=1 conv=notrunc,fsync")
        disk.shell.check("sync /mnt/dir/file3")


def flush(options, name):
    """The disk takes all that is written and cannot keep it."""
    image = filled(name)
    with Disk(options, name, image, Fault("flush_to_disk", skip=1)) as disk:
        disk.mount()
        disk.fails("dd if=/dev/zero of=/mnt/dir/file9 bs=1024 count=1 conv=notrunc,fsync", EIO)
        disk.shell.check("cat /mnt/dir/file3 > /dev/null")
        disk.shell.run("umount /mnt", 60)


def no_space(options, name):
    """The host's disk is full."""
    with Disk(options, name, filled(name), Fault("write_aio", skip=6, errno=ENOSPC)) as disk:
        disk.mount("errors=remount-ro")
        disk.fails("dd if=/dev/zero of=/mnt/large bs=64k count=20 conv=fsync", EIO)
        disk.shell.check("cat /mnt/dir/file3 > /dev/null")


def policy(options, name, errors):
    """An inode that cannot be read: what errors= says."""
    image = filled(name)
    fault = Fault("read_aio", sector=sector_of_inode(image, "/dir/file39"))
    with Disk(options, name, image, fault) as disk:
        disk.mount(f"errors={errors}")
        disk.fails("cat /mnt/dir/file39", EIO)
        said, status = disk.shell.run("touch /mnt/new")
        assert (status == 0) == (errors == "continue"), said
        assert status == 0 or "Read-only file system" in said
        disk.shell.check("umount /mnt", 60)


def panics(options, name):
    image = filled(name)
    fault = Fault("read_aio", sector=sector_of_inode(image, "/dir/file39"))
    guest = Guest(faulty.on(options.machine(), image, fault), name, 120)
    with guest:
        shell = Shell(guest, timeout_s=100)
        shell.check("mkdir -p /mnt; mount -t ext2 -o errors=panic /dev/vda /mnt")
        guest.send("cat /mnt/dir/file39\n")
        guest.expect("Kernel panic - not syncing: ext2", 60)
        guest.wait_exit(60)


def nth(options, name):
    """The n-th write fails, once; n grows. The program goes on, and e2fsck can mend the disk."""
    for number in (2, NTH, 40):
        image = filled(name)
        with Disk(options, f"{name}.{number}", image, Fault("write_aio", skip=number, once=True)) as disk:
            disk.mount()
            disk.shell.run(LOAD, 100)
            disk.shell.run("umount /mnt", 60)
            assert disk.shell.run("mount -t ext2 /dev/vda /mnt && ls -lR /mnt > /dev/null && umount /mnt", 60)[1] == 0
            assert disk.shell.power_off(60) == 0
        disks.mend(image)


def read_only(options, name):
    """A device that cannot be written to."""
    image = filled(name)
    drive = f"if=none,id=d,format=raw,readonly=on,file={image}"
    machine = disks.on(options.machine(), image).but(disks=(), extra=("-drive", drive, "-device",
                                                                       "virtio-blk-pci,drive=d"))
    with Guest(machine, name, 150) as guest:
        shell = Shell(guest, timeout_s=100)
        shell.check("mkdir -p /mnt; mount -t ext2 /dev/vda /mnt")
        for command in ("touch /mnt/new", "mount -o remount,rw /mnt && touch /mnt/new"):
            said, status = shell.run(command)
            assert status and re.search("Read-only|write-protected|Permission denied", said), said
        shell.check("cat /mnt/dir/* | wc -c; umount /mnt")
    disks.check(image)


def removed(options, name):
    """The disk goes away under a mounted file system; it comes back, and what was synced is there."""
    image = filled(name)
    slot = "/sys/bus/pci/devices/0000:00:05.0"
    machine = disks.on(options.machine(), image).but(disks=(), cpus=2, extra=(
        "-drive", f"if=none,id=d,format=raw,file={image}", "-device", "virtio-blk-pci,drive=d,addr=5"))
    with Guest(machine, name, 200) as guest:
        shell = Shell(guest, timeout_s=100)
        shell.check("mkdir -p /mnt; mount -t ext2 /dev/vda /mnt; echo synced > /mnt/kept; sync; echo lost > /mnt/lost")
        shell.check(f"exec 4>>/mnt/kept; echo 1 > {slot}/remove", 60)
        said, status = shell.run("dd if=/dev/zero of=/mnt/more bs=64k count=4 conv=fsync; cat /mnt/dir/file20 > /dev/null", 60)
        assert status and re.search(f"{EIO}|Read-only", said), said
        shell.run("exec 4>&-; sync; umount /mnt", 60)
        shell.check("echo 1 > /sys/bus/pci/rescan; sleep 1; ls /dev/vd*", 60)
        shell.check("mount -t ext2 /dev/vd? /mnt && cat /mnt/kept", 60)
        complaint = COMPLAINT.search(guest.output)
        assert not complaint, complaint.group()
    disks.mend(image)


TESTS = {"data-read": data_read, "data-write": data_write, "flush": flush, "no-space": no_space, "nth-write": nth,
         "errors-panic": panics, "read-only": read_only, "removed": removed}


def jobs(options):
    found = [single(f"boot/faults/{name}", lambda name=name, test=test: test(options, f"boot/faults/{name}"), 8)
             for name, test in TESTS.items()]
    return found + [single(f"boot/faults/errors-{errors}", lambda errors=errors: policy(
        options, f"boot/faults/errors-{errors}", errors), 8) for errors in ("continue", "remount-ro")]
