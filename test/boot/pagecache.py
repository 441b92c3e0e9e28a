"""The page cache over a disk: contents of files against a copy, with blocks of 1 and 4 KiB, and mappings
larger than memory, in a machine with little of it; e2fsck finds nothing afterwards."""

from harness import disks, torture
from harness.console import Shell
from harness.qemu import Guest
from harness.schedule import single
from harness.stress import COMPLAINT

LAYOUTS = {"1k": "-t ext2 -b 1024", "4k": "-t ext2 -b 4096"}


def files(options, name, words):
    image = disks.make(name, words, 256)
    machine = disks.on(options.machine().but(memory="64M", cpus=max(options.cpus, 2)), image)
    machine = machine.but(initrd=torture.image(), append="console=ttyS0 quiet panic=-1")
    with Guest(machine, name, 400) as guest:
        shell = Shell(guest)
        shell.check("mkdir -p /mnt && mount -t ext2 /dev/vda /mnt")
        shell.check("TORTURE_DIR=/mnt /torture/contents 1 3", 150)
        shell.check("TORTURE_DIR=/mnt /torture/pressure 1 5", 150)
        shell.check("echo 3 > /proc/sys/vm/drop_caches && umount /mnt", 60)
        wrong = COMPLAINT.search(guest.output)
        assert not wrong, wrong.group()
        assert shell.power_off() == 0
    disks.check(image)


def jobs(options):
    return [single(f"boot/pagecache/{kind}", lambda kind=kind, words=words: files(
        options, f"boot/pagecache/{kind}", words), 40) for kind, words in LAYOUTS.items()]
